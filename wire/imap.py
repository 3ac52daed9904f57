"""Opens an IMAP session: connects, encrypts, and signs in (RFC 9051, 3501, 2595)."""

from __future__ import annotations

from wire.dial import Step, ignore
from wire.endpoint import Endpoint, Security
from wire.errors import ProtocolError, TlsUnavailable
from wire.guard import Guard
from wire.imap_client import Client, understood
from wire.imap_replies import greeting_error, read_greeting
from wire.imap_session import ImapSession
from wire.imap_sign_in import sign_in
from wire.limits import Limits
from wire.lines import Lines
from wire.login import Login
from wire.meeting import Manners, meet_to_sign_in
from wire.stream import Stream

__all__ = ["ImapSession", "Limits", "open_imap"]

DEFAULT_LIMITS = Limits()
ANSWER_BYTES = 256 * 1024
# Untagged lines that may come before the answer to STARTTLS.
FEW = 20


def open_imap(
    endpoint: Endpoint,
    login: Login,
    *,
    guard: Guard,
    limits: Limits = DEFAULT_LIMITS,
    on_step: Step = ignore,
) -> ImapSession:
    """Connect, check who the server is, and sign in; the caller closes the session.

    ``on_step`` hears "resolve", "connect", "tls", "greeting" and "sign_in" before each is tried.
    Nothing secret is sent before the server's certificate was checked, unless the endpoint says
    PLAIN, where only a password is. Raise a MailError of account scope for whatever goes wrong.
    """
    with meet_to_sign_in(
        endpoint, login, MANNERS, guard=guard, limits=limits, on_step=on_step
    ) as lines:
        if endpoint.security is not Security.STARTTLS:
            _hear_greeting(lines, limits)
        with understood():
            client = Client(Stream(lines, seconds=limits.answer_seconds, octets=ANSWER_BYTES))
        on_step("sign_in")
        sign_in(client, login, endpoint, limits)
    return ImapSession(client, login, limits, endpoint)


def _hear_greeting(lines: Lines, limits: Limits) -> None:
    """Hear the greeting. Its words are kept from people: anybody's port could have sent them.

    Whoever says that we are signed in already has not asked who we are (RFC 9051 section 7.1.4).
    """
    lines.deadline.allow(limits.answer_seconds)
    kind, text = read_greeting(lines.read_line())
    if kind != "OK":
        raise greeting_error(kind, text)


def _ask_for_tls(lines: Lines) -> None:
    # What CAPABILITY says in the clear proves nothing, so it is not asked: STARTTLS itself tells.
    lines.send(b"tls STARTTLS\r\n")
    for _ in range(FEW):
        tag, _, answer = lines.read_line().partition(b" ")
        if tag == b"tls":
            if not answer.upper().startswith(b"OK"):
                raise TlsUnavailable("tls.missing")
            return
    raise ProtocolError("server.protocol")


MANNERS = Manners(_hear_greeting, _ask_for_tls)
