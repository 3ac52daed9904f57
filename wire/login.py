"""Who we are to the other server: a user name with a password or a bearer token."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field

# Line ends would begin a command of their own, NUL separates the fields of SASL PLAIN, and a lone
# surrogate has no octets at all.
UNSENDABLE = re.compile("[\r\n\0\ud800-\udfff]")
# What fits into a command line of 255 octets with room to spare (RFC 2449 section 4).
SIMPLE = re.compile(r"[!-~]{1,200}")


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

    def fits_user_and_pass(self) -> bool:
        """Tell whether both are single words of ASCII, which is what USER and PASS are made for.

        What servers make of spaces there is their choice (RFC 1939 section 7), and of other
        letters too, without UTF8 USER (RFC 6856).
        """
        return all(SIMPLE.fullmatch(word) for word in (self.username, self.password))

    def redact(self, text: str) -> str:
        """Take the password, in clear and as sent by ``plain``, out of a server's words."""
        for secret in (self.plain().decode("ascii"), self.password):
            text = text.replace(secret, "***") if secret else text
        return text
