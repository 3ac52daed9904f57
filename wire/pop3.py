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
    TlsUnavailable,
    about,
)
from wire.guard import Guard
from wire.limits import Limits
from wire.lines import Lines
from wire.login import Login, TokenLogin
from wire.pop3_memory import Capabilities, Position
from wire.pop3_replies import RemoteItem, read_reply
from wire.pop3_session import Pop3Session, read_greeting
from wire.pop3_sign_in import sign_in
from wire.tls import certificate_facts, checked_context, unchecked_context

__all__ = ["Capabilities", "Limits", "Pop3Session", "Position", "RemoteItem", "open_pop3"]

DEFAULT_LIMITS = Limits()


def open_pop3(
    endpoint: Endpoint,
    login: Login,
    *,
    guard: Guard,
    limits: Limits = DEFAULT_LIMITS,
    on_step: Step = ignore,
    remembered: Capabilities | None = None,
    position: Position | None = None,
) -> Pop3Session:
    """Connect, check who the server is, and sign in; the caller closes the session.

    ``remembered`` is what the last session learnt of this server: it saves flights, and where it
    no longer holds the end is the same. ``position`` is what ``changes_since`` will be asked,
    so that its questions go along with the sign-in.

    ``on_step`` hears "resolve", "connect", "tls", "greeting" and "sign_in" before each is tried.
    Nothing secret is sent before the server's certificate was checked, unless the endpoint says
    PLAIN, where only a password is. Raise a MailError of account scope for whatever goes wrong.
    """
    with about(endpoint):
        if not login.is_sendable():
            raise AuthenticationFailed("auth.failed")
        if isinstance(login, TokenLogin) and endpoint.security is Security.PLAIN:
            raise TlsUnavailable("tls.missing")
        lines = _connect(endpoint, guard, limits, on_step)
        try:
            _meet(lines, endpoint, guard, limits, on_step)
            session = Pop3Session(lines, login, limits, endpoint)
            questions = position.questions() if position else []
            sign_in(session, login, remembered or Capabilities(), questions, on_step)
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
    """Come as far as the greeting: encrypted as asked. Before STLS it is read, else it is not."""
    try:
        _encrypt(lines, endpoint, checked_context(), limits, on_step)
    except CertificateInvalid as error:
        error.facts |= _look_at_certificate(endpoint, guard, limits, error.code)
        raise
    if endpoint.security is not Security.STARTTLS:
        on_step("greeting")


def _encrypt(
    lines: Lines, endpoint: Endpoint, context: ssl.SSLContext, limits: Limits, on_step: Step
) -> None:
    """Bring the connection into TLS, after the greeting and STLS where that is the way."""
    if endpoint.security is Security.PLAIN:
        return
    if endpoint.security is Security.STARTTLS:
        on_step("greeting")
        read_greeting(lines, limits)
    on_step("tls")
    if endpoint.security is Security.STARTTLS:
        _ask_for_tls(lines, limits)
    lines.deadline.allow(limits.connect_seconds)
    lines.encrypt(context, endpoint.host)


def _ask_for_tls(lines: Lines, limits: Limits) -> None:
    # What CAPA says in the clear proves nothing, so it is not asked: STLS itself tells. What was
    # said before we asked is no answer.
    if lines.waiting:
        raise ProtocolError("server.protocol")
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
