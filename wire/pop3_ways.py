"""Chooses how to sign in to a POP3 server, by what it announces; pure (RFC 1939, 5034, 7628)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wire.endpoint import Endpoint
from wire.errors import AuthenticationFailed, MechanismMissing
from wire.login import Login, PasswordLogin, TokenLogin

Offers = Mapping[str, frozenset[str]]
# With its line end (RFC 2449 section 4); RFC 5034 section 4 holds initial responses to it.
LONGEST_COMMAND = 255
TOKEN_MECHANISMS = {"XOAUTH2", "OAUTHBEARER"}


@dataclass(frozen=True, slots=True)
class Way:
    """How to sign in: what is said first and holds no secret, the sign to go on, and the secret.

    ``surrender`` answers the challenge by which a token is refused, where the mechanism has one.
    """

    opening: str
    invitation: str
    secret: str = field(repr=False)
    surrender: str | None = None

    @property
    def in_one_line(self) -> str | None:
        """Return opening and secret as one command; None for USER and PASS, and where too long."""
        line = f"{self.opening} {self.secret}"
        fits = self.invitation == "+" and len(line) + len("\r\n") <= LONGEST_COMMAND
        return line if fits else None


def choose_way(login: Login, offers: Offers, endpoint: Endpoint) -> Way:
    """Choose a way; neither kind of secret ever stands in for the other.

    Raise MechanismMissing where a token is not taken, AuthenticationFailed where only tokens are.
    """
    mechanisms = offers.get("SASL", frozenset())
    if isinstance(login, TokenLogin):
        return _token_way(login, mechanisms, endpoint)
    if mechanisms & TOKEN_MECHANISMS and "PLAIN" not in mechanisms and "USER" not in offers:
        raise AuthenticationFailed("auth.oauth")
    return _password_way(login, mechanisms, has_user="USER" in offers)


def _password_way(login: PasswordLogin, mechanisms: frozenset[str], *, has_user: bool) -> Way:
    """Choose USER and PASS where they are announced and fit, else PLAIN where it is.

    PLAIN takes any letters, USER and PASS any server.
    """
    if "PLAIN" in mechanisms and not (has_user and login.fits_user_and_pass()):
        return Way("AUTH PLAIN", "+", login.plain().decode("ascii"))
    return Way(f"USER {login.username}", "+OK", f"PASS {login.password}")


def _token_way(login: TokenLogin, mechanisms: frozenset[str], endpoint: Endpoint) -> Way:
    """Choose XOAUTH2, which providers see every day, else OAUTHBEARER, which is the standard."""
    if "XOAUTH2" in mechanisms:
        return Way("AUTH XOAUTH2", "+", login.xoauth2().decode("ascii"), surrender="")
    if "OAUTHBEARER" in mechanisms:
        secret = login.oauthbearer(endpoint).decode("ascii")
        return Way("AUTH OAUTHBEARER", "+", secret, surrender="AQ==")
    raise MechanismMissing("auth.mechanism")
