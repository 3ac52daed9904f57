"""Comes as far as a server's greeting: connected, encrypted as asked, and sure who it is."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from wire.certificates import read_chain
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
from wire.tls import certificate_facts, checked_context, unchecked_context


@dataclass(frozen=True, slots=True)
class Manners:
    """How a protocol begins in clear: hearing the greeting, then asking for TLS (RFC 2595, 3207).

    Both raise MailErrors. Nothing that was said then is believed later. ``wrong`` is the code of
    names and passwords that are not accepted.
    """

    hear_greeting: Callable[[Lines, Limits], None]
    ask_for_tls: Callable[[Lines], None]
    wrong: str = "auth.failed"


@contextmanager
def meet_to_sign_in(
    endpoint: Endpoint,
    login: Login,
    manners: Manners,
    *,
    guard: Guard,
    limits: Limits,
    on_step: Step,
) -> Iterator[Lines]:
    """Lend a connection as ``meet`` makes it, closed if the block fails; errors name the endpoint.

    Nobody is dialled for a name or password that no server could take, nor for a token that would
    be sent in clear.
    """
    with about(endpoint):
        if not login.is_sendable():
            raise AuthenticationFailed(manners.wrong)
        if isinstance(login, TokenLogin) and endpoint.security is Security.PLAIN:
            raise TlsUnavailable("tls.missing")
        lines = meet(endpoint, manners, guard=guard, limits=limits, on_step=on_step)
        try:
            yield lines
        except BaseException:
            lines.close()
            raise


def meet(
    endpoint: Endpoint, manners: Manners, *, guard: Guard, limits: Limits, on_step: Step = ignore
) -> Lines:
    """Connect and encrypt as the endpoint says; the caller closes the connection.

    With STARTTLS the greeting has been read, otherwise it comes next. ``on_step`` hears "resolve",
    "connect", "tls" and "greeting" before each is tried. Raise a MailError; CertificateInvalid
    shows the chain that was refused, for which the server is asked once more.
    """
    lines = _connect(endpoint, guard, limits, on_step)
    try:
        _encrypt(lines, endpoint, manners, checked_context(), limits, on_step)
    except CertificateInvalid as error:
        lines.close()
        _look_at_certificate(error, endpoint, manners, guard, limits)
        raise
    except BaseException:
        lines.close()
        raise
    if endpoint.security is not Security.STARTTLS:
        on_step("greeting")
    return lines


def _connect(endpoint: Endpoint, guard: Guard, limits: Limits, on_step: Step) -> Lines:
    deadline = Deadline(limits.session_seconds, limits.overtime_seconds)
    connection = dial(
        endpoint, guard=guard, deadline=deadline, seconds=limits.connect_seconds, on_step=on_step
    )
    return Lines(connection, deadline, limits.line_bytes)


def _encrypt(
    lines: Lines,
    endpoint: Endpoint,
    manners: Manners,
    context: ssl.SSLContext,
    limits: Limits,
    on_step: Step,
) -> None:
    """Bring the connection into TLS, after the greeting and STARTTLS where that is the way."""
    if endpoint.security is Security.PLAIN:
        return
    if endpoint.security is Security.STARTTLS:
        on_step("greeting")
        manners.hear_greeting(lines, limits)
    on_step("tls")
    if endpoint.security is Security.STARTTLS:
        # What was said before we asked is no answer.
        if lines.waiting:
            raise ProtocolError("server.protocol")
        lines.deadline.allow(limits.answer_seconds)
        manners.ask_for_tls(lines)
    lines.deadline.allow(limits.connect_seconds)
    lines.encrypt(context, endpoint.host)


def _look_at_certificate(
    error: CertificateInvalid, endpoint: Endpoint, manners: Manners, guard: Guard, limits: Limits
) -> None:
    """Fetch a refused certificate once more to show what is wrong; nothing else is sent."""
    try:
        lines = _connect(endpoint, guard, limits, ignore)
    except MailError:
        return
    try:
        _encrypt(lines, endpoint, manners, unchecked_context(), limits, ignore)
        chain = lines.certificates()
        error.chain = read_chain(chain)
        error.facts |= certificate_facts(chain[0], error.code) if chain else {}
    except (MailError, ValueError):
        return
    finally:
        lines.close()
