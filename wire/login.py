"""Who we are to the other server: a user name with a password or a bearer token."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field

# Line ends would begin a command of their own, NUL separates the fields of SASL PLAIN, and a lone
# surrogate has no octets at all.
UNSENDABLE = re.compile("[\r\n\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class PasswordLogin:
    """A user name and its password; the password never shows in ``repr``."""

    username: str
    password: str = field(repr=False)

    def plain(self) -> bytes:
        """Return the SASL PLAIN initial response in base64 (RFC 4616)."""
        return base64.b64encode(f"\0{self.username}\0{self.password}".encode())

    def is_sendable(self) -> bool:
        """Tell whether both fit into a line of a protocol without changing its meaning."""
        return not UNSENDABLE.search(self.username + self.password)

    def redact(self, text: str) -> str:
        """Take the password, in clear and as sent by ``plain``, out of a server's words."""
        for secret in (self.plain().decode("ascii"), self.password):
            text = text.replace(secret, "***") if secret else text
        return text
