"""OAuth 2.0 with a mail provider: consent asked for, exchanged for a grant, and renewed (RFC 6749).

Each way of speaking it stands on a library that is heavy and is loaded with the first talk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol
from urllib.parse import urlsplit

from wire.deadline import Deadline
from wire.errors import AuthenticationFailed, ClientRefused, ConsentMissing, MailError, ServerBusy
from wire.guard import Guard
from wire.http import Line

TALK_SECONDS = 25.0
# An access token without a stated life is asked for anew after this long (RFC 6749 section 5.1).
USUAL_SECONDS = 3600
Flow = dict[str, Any]


class Dialect(StrEnum):
    """Which library speaks with a provider."""

    MICROSOFT = "microsoft"
    STANDARD = "standard"


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider, and how we are known to it; the secret never shows in ``repr``.

    ``issuer`` is where it publishes its endpoints; one that publishes none has ``endpoints``
    (by their names in RFC 8414). ``extra`` goes along with what we ask of a person.
    """

    dialect: Dialect
    issuer: str
    client_id: str
    secret: str = field(repr=False)
    scopes: tuple[str, ...]
    endpoints: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """Return the host that stands for the provider in what people are told."""
        return urlsplit(self.issuer or self.endpoints.get("token_endpoint", "")).hostname or ""


@dataclass(frozen=True, slots=True)
class Request:
    """What a person is asked at the provider: who, and where to come back to with what."""

    redirect_uri: str
    state: str = field(repr=False)
    address: str


@dataclass(frozen=True, slots=True)
class Grant:
    """What a provider gave: tokens that never show in ``repr``, and for how many seconds.

    ``refresh_token`` is empty where the old one stays; ``lapses`` is when even that one ends, if
    the provider says so. ``addresses`` are those of the person who consented, if it told any.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    seconds: int
    lapses: int | None = None
    addresses: frozenset[str] = frozenset()


class Talk(Protocol):
    """A conversation with one provider; flows are plain values, to be kept secret meanwhile."""

    def begin(self, request: Request) -> Flow:
        """Return a flow with ``url``, where a person is asked; PKCE is always used (RFC 7636)."""

    def finish(self, flow: Flow, answer: Mapping[str, str]) -> Grant:
        """Exchange the code that the person brought back (RFC 6749 section 4.1.3)."""

    def begin_device(self) -> Flow:
        """Return a flow with ``user_code``, ``verification_uri``, ``interval`` (RFC 8628)."""

    def poll_device(self, flow: Flow) -> Grant | None:
        """Ask once whether the person has consented; None while that is still awaited."""

    def refresh(self, refresh_token: str) -> Grant:
        """Exchange a refresh token for new ones (RFC 6749 section 6)."""


@contextmanager
def talk_to(provider: Provider, *, guard: Guard) -> Iterator[Talk]:
    """Open a conversation of at most 25 seconds; never within a transaction.

    Raise a MailError, with the provider's host among its facts: ServerBusy or ConnectionFailed for
    what passes, AuthenticationFailed where a grant is gone, ConsentMissing where none was given,
    ClientRefused where the provider does not know us.
    """
    # No answer of a token endpoint may lead elsewhere: what is sent there is secret.
    line = Line(guard, Deadline(TALK_SECONDS))
    try:
        with _opened(provider, line) as talk:
            yield talk
    except MailError as error:
        error.facts.setdefault("host", provider.host)
        raise


@contextmanager
def _opened(provider: Provider, line: Line) -> Iterator[Talk]:
    if provider.dialect is Dialect.MICROSOFT:
        from wire import oauth_microsoft  # noqa: PLC0415 - heavy

        with oauth_microsoft.opened(provider, line) as talk:
            yield talk
    else:
        from wire import oauth_standard  # noqa: PLC0415 - heavy

        with oauth_standard.opened(provider, line) as other:
            yield other


# What a provider says when it is a matter of the person, who must consent (again); the last three
# are OpenID Connect Core section 3.1.2.6.
GONE = {"invalid_grant", "interaction_required", "login_required", "consent_required"}
PASSING = {"temporarily_unavailable", "server_error", "slow_down"}


def refusal(error: str, description: str = "") -> MailError:
    """Say what an error of OAuth means (RFC 6749 sections 4.1.2.1 and 5.2, RFC 8628 section 3.5).

    Whatever is not known here speaks of us, not of the person.
    """
    if error in GONE:
        return AuthenticationFailed("auth.grant", detail=description)
    if error == "access_denied":
        return ConsentMissing("oauth.denied", detail=description)
    if error == "expired_token":
        return ConsentMissing("oauth.expired", detail=description)
    if error in PASSING:
        return ServerBusy("server.busy", detail=description)
    return ClientRefused("oauth.client", detail=description or error)


def check_answer(provider: Provider, answer: Mapping[str, str]) -> None:
    """Raise for a refusal, and for the answer of another provider than was asked (RFC 9207)."""
    issuer = answer.get("iss")
    if issuer is not None and issuer.rstrip("/") != provider.issuer.rstrip("/"):
        raise ConsentMissing("oauth.expired")
    if "code" not in answer:
        raise refusal(answer.get("error", ""), answer.get("error_description", ""))


def grant_of(told: Mapping[str, Any], claims: Mapping[str, Any]) -> Grant:
    """Read the answer of a token endpoint (RFC 6749 section 5.1). Raise where it is none."""
    if "access_token" not in told:
        raise refusal(str(told.get("error", "")), str(told.get("error_description", "")))
    lapses = told.get("refresh_token_expires_in")
    return Grant(
        str(told["access_token"]),
        str(told.get("refresh_token") or ""),
        int(told.get("expires_in") or USUAL_SECONDS),
        int(lapses) if lapses else None,
        addresses_in(claims),
    )


def addresses_in(claims: Mapping[str, Any]) -> frozenset[str]:
    """Return the addresses by which a person is known, in lower case; unproved ones are no use."""
    names = ["preferred_username", "upn"]
    if claims.get("email_verified") is not False:
        names.append("email")
    found = (str(claims.get(name) or "").lower() for name in names)
    return frozenset(address for address in found if "@" in address)
