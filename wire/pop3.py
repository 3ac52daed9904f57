"""Opens a POP3 session: connects, encrypts, and signs in (RFC 1939, 2449, 2595, 5034)."""

from __future__ import annotations

import ssl

from wire.deadline import Deadline
from wire.dial import Step, dial, ignore
from wire.endpoint import Endpoint, Security
from wire.errors import (
    AuthenticationFailed,
    CertificateInvalid,
    MailError,
    ProtocolError,
    ServerBusy,
    TlsUnavailable,
    about,
)
from wire.guard import Guard
from wire.lines import Lines
from wire.login import PasswordLogin
from wire.pop3_replies import Reply, read_reply, sign_in_error
from wire.pop3_session import Limits, Pop3Session, RemoteItem
from wire.tls import certificate_facts, checked_context, unchecked_context

__all__ = ["Limits", "Pop3Session", "RemoteItem", "open_pop3"]

DEFAULT_LIMITS = Limits()


def open_pop3(
    endpoint: Endpoint,
    login: PasswordLogin,
    *,
    guard: Guard,
    limits: Limits = DEFAULT_LIMITS,
    on_step: Step = ignore,
) -> Pop3Session:
    """Connect, check who the server is, and sign in; the caller closes the session.

    ``on_step`` hears "resolve", "connect", "tls", "greeting" and "sign_in" before each is tried.
    Nothing secret is sent before the server's certificate was checked, unless the endpoint says
    PLAIN. Raise a MailError of account scope for whatever goes wrong.
    """
    with about(endpoint):
        if not login.is_sendable():
            raise AuthenticationFailed("auth.failed")
        lines = _connect(endpoint, guard, limits, on_step)
        try:
            _meet(lines, endpoint, guard, limits, on_step)
            session = Pop3Session(lines, login, limits, endpoint)
            _sign_in(session, login, on_step)
        except BaseException:
            lines.close()
            raise
    return session


def _connect(endpoint: Endpoint, guard: Guard, limits: Limits, on_step: Step) -> Lines:
    deadline = Deadline(limits.session_seconds)
    connection = dial(
        endpoint, guard=guard, deadline=deadline, seconds=limits.connect_seconds, on_step=on_step
    )
    return Lines(connection, deadline, limits.line_bytes)


def _meet(lines: Lines, endpoint: Endpoint, guard: Guard, limits: Limits, on_step: Step) -> None:
    """Come as far as the sign-in: encrypted as asked, and greeted."""
    try:
        _encrypt(lines, endpoint, checked_context(), limits, on_step)
    except CertificateInvalid as error:
        error.facts |= _look_at_certificate(endpoint, guard, limits, error.code)
        raise
    if endpoint.security is not Security.STARTTLS:
        on_step("greeting")
        _greet(lines, limits)


def _encrypt(
    lines: Lines, endpoint: Endpoint, context: ssl.SSLContext, limits: Limits, on_step: Step
) -> None:
    """Bring the connection into TLS, after the greeting and STLS where that is the way."""
    if endpoint.security is Security.PLAIN:
        return
    if endpoint.security is Security.STARTTLS:
        on_step("greeting")
        _greet(lines, limits)
    on_step("tls")
    if endpoint.security is Security.STARTTLS:
        _ask_for_tls(lines, limits)
    lines.deadline.allow(limits.connect_seconds)
    lines.encrypt(context, endpoint.host)


def _greet(lines: Lines, limits: Limits) -> None:
    """Read the greeting. Its words are kept from people: anybody's port could have sent them."""
    lines.deadline.allow(limits.answer_seconds)
    if not read_reply(lines.read_line()).ok:
        raise ServerBusy("server.busy")


def _ask_for_tls(lines: Lines, limits: Limits) -> None:
    # What CAPA says in the clear proves nothing, so it is not asked: STLS itself tells.
    lines.deadline.allow(limits.answer_seconds)
    lines.send(b"STLS\r\n")
    if not read_reply(lines.read_line()).ok:
        raise TlsUnavailable("tls.missing")


def _look_at_certificate(
    endpoint: Endpoint, guard: Guard, limits: Limits, code: str
) -> dict[str, str | int]:
    """Fetch a refused certificate once more to tell its date or name; nothing else is sent."""
    if code not in {"tls.expired", "tls.notyet", "tls.name"}:
        return {}
    try:
        lines = _connect(endpoint, guard, limits, ignore)
    except MailError:
        return {}
    try:
        _encrypt(lines, endpoint, unchecked_context(), limits, ignore)
        return certificate_facts(lines.certificate(), code)
    except (MailError, ValueError):
        return {}
    finally:
        lines.close()


def _sign_in(session: Pop3Session, login: PasswordLogin, on_step: Step) -> None:
    session.ask_capabilities()
    on_step("sign_in")
    reply = _introduce(session, login)
    if reply.sign == "+":
        raise ProtocolError("server.protocol")
    if not reply.ok:
        raise sign_in_error(reply, session.words(reply))
    # Some announce PIPELINING only now. Whoever has no CAPA need not be asked twice.
    if session.offers:
        session.ask_capabilities()


def _introduce(session: Pop3Session, login: PasswordLogin) -> Reply:
    """Give user name and password, by SASL PLAIN where announced, else by USER and PASS."""
    seconds = session.limits.sign_in_seconds
    if "PLAIN" in session.offers.get("SASL", ()):
        # In two steps, since an initial response may exceed the command line's 255 octets.
        reply = session.ask("AUTH PLAIN", seconds=seconds)
        if reply.ok:
            raise ProtocolError("server.protocol")
        return session.ask(login.plain(), seconds=seconds) if reply.sign == "+" else reply
    reply = session.ask(f"USER {login.username}", seconds=seconds)
    return session.ask(f"PASS {login.password}", seconds=seconds) if reply.ok else reply
