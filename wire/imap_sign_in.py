"""Signs in to an IMAP server, in one way only (RFC 9051 section 6.2, 7628, 2971)."""

from __future__ import annotations

from wire.endpoint import Endpoint
from wire.errors import (
    AuthenticationFailed,
    MailError,
    MechanismMissing,
    ProtocolError,
    TlsUnavailable,
)
from wire.imap_client import Client, Response
from wire.imap_replies import LOCKED, NEEDS_TLS, code_in, refusal
from wire.limits import Limits
from wire.login import Login, TokenLogin, refused_token_facts
from wire.ourselves import NAME, VERSION
from wire.refusals import sign_in_error, token_error

# RFC 2971; some providers let in nobody without.
OURSELVES = f'("name" "{NAME}" "version" "{VERSION}")'


def sign_in(client: Client, login: Login, endpoint: Endpoint, limits: Limits) -> None:
    """Say who we are, and learn what the server can do from there on. Raise a MailError if not.

    A secret that was judged is never sent again.
    """
    offers, facts = client.offers, dict[str, str | int]()
    client.bounded.allow(limits.sign_in_seconds)
    status, words = _try(client, login, offers, endpoint, facts)
    client.bounded.allow(limits.answer_seconds)
    if status != "OK":
        text = b" ".join(word for word in words if isinstance(word, bytes))
        raise _error(login, text.decode("utf-8", "replace"), facts, client)
    client.enter()
    if "ID" in offers:
        client.command("ID", OURSELVES)


def _try(
    client: Client,
    login: Login,
    offers: frozenset[str],
    endpoint: Endpoint,
    facts: dict[str, str | int],
) -> Response:
    if isinstance(login, TokenLogin):
        return _with_token(client, login, offers, endpoint, facts)
    if "AUTH=PLAIN" in offers:
        return _authenticate(client, "PLAIN", [login.plain()], facts)
    if offers & {"AUTH=XOAUTH2", "AUTH=OAUTHBEARER"} and "LOGINDISABLED" in offers:
        raise AuthenticationFailed("auth.oauth")
    if "LOGINDISABLED" in offers:
        is_clear = not client.bounded.lines.is_encrypted
        raise TlsUnavailable("tls.required") if is_clear else MechanismMissing("auth.mechanism")
    return client.command("LOGIN", _quoted(login.username), _quoted(login.password))


def _with_token(
    client: Client,
    login: TokenLogin,
    offers: frozenset[str],
    endpoint: Endpoint,
    facts: dict[str, str | int],
) -> Response:
    if "AUTH=XOAUTH2" in offers:
        return _authenticate(client, "XOAUTH2", [login.xoauth2(), b""], facts)
    if "AUTH=OAUTHBEARER" in offers:
        return _authenticate(client, "OAUTHBEARER", [login.oauthbearer(endpoint), b"AQ=="], facts)
    raise MechanismMissing("auth.mechanism")


def _authenticate(
    client: Client, mechanism: str, answers: list[bytes], facts: dict[str, str | int]
) -> Response:
    """Answer each challenge in turn; the last answer of a token's way is to its refusal."""
    waiting = iter(answers)

    def answer(challenge: bytes) -> bytes:
        facts.update(refused_token_facts(challenge.decode("utf-8", "replace")))
        reply = next(waiting, None)
        if reply is None:
            raise ProtocolError("server.protocol")
        return reply

    return client.authenticate(mechanism, answer)


def _error(login: Login, text: str, facts: dict[str, str | int], client: Client) -> MailError:
    detail = login.redact(text) if client.bounded.lines.is_encrypted else ""
    refused = refusal(text, detail)
    if code_in(text) == NEEDS_TLS:
        return TlsUnavailable("tls.required", detail=detail)
    if isinstance(login, TokenLogin):
        return token_error(refused, facts)
    if code_in(text) in LOCKED:
        return AuthenticationFailed("auth.locked", detail=detail)
    return sign_in_error(refused)


def _quoted(text: str) -> bytes:
    """Quote a word; what is not ASCII goes as UTF-8, which some servers without PLAIN take."""
    return b'"' + text.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'
