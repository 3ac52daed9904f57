"""Chooses how to sign in to a submission server, by what it announces; pure (RFC 4954, 7628)."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

from wire.endpoint import Endpoint
from wire.errors import AuthenticationFailed, MechanismMissing
from wire.login import Login, PasswordLogin, TokenLogin


@dataclass(frozen=True, slots=True)
class Way:
    """A SASL mechanism and our answers, one to each challenge.

    They follow the command instead of going along with it, since tokens do not fit its line
    (RFC 5321 section 4.5.3.1.4). The last answer of a token's way is to the refusal.
    """

    mechanism: str
    answers: tuple[str, ...] = field(repr=False)


def choose_way(login: Login, announced: str, endpoint: Endpoint) -> Way:
    """Choose a way; neither kind of secret ever stands in for the other.

    Raise MechanismMissing where ours is not taken, AuthenticationFailed where only tokens are.
    """
    mechanisms = frozenset(announced.upper().split())
    if isinstance(login, TokenLogin):
        return _token_way(login, mechanisms, endpoint)
    return _password_way(login, mechanisms)


def _password_way(login: PasswordLogin, mechanisms: frozenset[str]) -> Way:
    if "PLAIN" in mechanisms:
        return Way("PLAIN", (login.plain().decode("ascii"),))
    if "LOGIN" in mechanisms:
        return Way("LOGIN", (_encoded(login.username), _encoded(login.password)))
    if mechanisms & {"XOAUTH2", "OAUTHBEARER"}:
        raise AuthenticationFailed("auth.oauth")
    raise MechanismMissing("auth.mechanism")


def _token_way(login: TokenLogin, mechanisms: frozenset[str], endpoint: Endpoint) -> Way:
    if "XOAUTH2" in mechanisms:
        return Way("XOAUTH2", (login.xoauth2().decode("ascii"), ""))
    if "OAUTHBEARER" in mechanisms:
        return Way("OAUTHBEARER", (login.oauthbearer(endpoint).decode("ascii"), "AQ=="))
    raise MechanismMissing("auth.mechanism")


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")
