"""Who we are to the other server: a user name with a password or a bearer token."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PasswordLogin:
    """A user name and its password; the password never shows in ``repr``."""

    username: str
    password: str = field(repr=False)

    def plain(self) -> bytes:
        """Return the SASL PLAIN initial response in base64 (RFC 4616)."""
        return base64.b64encode(f"\0{self.username}\0{self.password}".encode())
