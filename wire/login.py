"""Who we are to the other server: a user name with a password or a bearer token."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field

from wire.endpoint import Endpoint

# Line ends would begin a command of their own, NUL separates the fields of SASL PLAIN and ^A those
# of the token mechanisms, and a lone surrogate has no octets at all.
UNSENDABLE = re.compile("[\r\n\0\1\ud800-\udfff]")
# What fits into a command line of 255 octets with room to spare (RFC 2449 section 4).
SIMPLE = re.compile(r"[!-~]{1,200}")
# RFC 6750 section 2.1.
BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*")
# What a server may say of a refused token and we pass on (RFC 7628 section 3.2.2).
HARMLESS = {"status": re.compile(r"\w{1,40}", re.ASCII), "scope": re.compile(r"[!-~ ]{1,200}")}
LONGEST_CHALLENGE = 8192


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
        return _without(text, self.plain().decode("ascii"), self.password)


@dataclass(frozen=True, slots=True)
class TokenLogin:
    """A user name and an OAuth 2.0 access token; the token never shows in ``repr``.

    Whoever has the token is let in, so it is for encrypted connections only (RFC 6750 section 5.3).
    """

    username: str
    token: str = field(repr=False)

    def xoauth2(self) -> bytes:
        """Return the initial response of XOAUTH2, Google's and Microsoft's mechanism, in base64."""
        return base64.b64encode(f"user={self.username}\1auth=Bearer {self.token}\1\1".encode())

    def oauthbearer(self, endpoint: Endpoint) -> bytes:
        """Return the initial response of OAUTHBEARER in base64 (RFC 7628 section 3.1)."""
        name = self.username.replace("=", "=3D").replace(",", "=2C")  # RFC 5801 section 4
        place = f"host={endpoint.host}\1port={endpoint.port}"
        return base64.b64encode(f"n,a={name},\1{place}\1auth=Bearer {self.token}\1\1".encode())

    def is_sendable(self) -> bool:
        """Tell whether the token is one, and the user name leaves every field its meaning."""
        return not UNSENDABLE.search(self.username) and bool(BEARER.fullmatch(self.token))

    def redact(self, text: str) -> str:
        """Take the token, in clear and as sent by ``xoauth2``, out of a server's words."""
        return _without(text, self.xoauth2().decode("ascii"), self.token)


Login = PasswordLogin | TokenLogin


def refused_token_facts(challenge: str) -> dict[str, str | int]:
    """Return status and scope of the JSON, in base64, by which a server refuses a token.

    Nothing for what cannot be read: the refusal stands on its own. The rest may name people and
    is dropped.
    """
    if len(challenge) > LONGEST_CHALLENGE:
        return {}
    try:
        told = json.loads(base64.b64decode(challenge, validate=True))
    except (ValueError, RecursionError):
        return {}
    named = {name: str(told.get(name, "")) for name in HARMLESS} if isinstance(told, dict) else {}
    return {f"token_{name}": text for name, text in named.items() if HARMLESS[name].fullmatch(text)}


def _without(text: str, *secrets: str) -> str:
    for secret in secrets:
        text = text.replace(secret, "***") if secret else text
    return text
