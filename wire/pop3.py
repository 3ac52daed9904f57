"""Opens a POP3 session: connects, encrypts, and signs in (RFC 1939, 2449, 2595, 5034)."""

from __future__ import annotations

from wire.dial import Step, ignore
from wire.endpoint import Endpoint
from wire.errors import TlsUnavailable
from wire.guard import Guard
from wire.limits import Limits
from wire.lines import Lines
from wire.login import Login
from wire.meeting import Manners, meet_to_sign_in
from wire.pop3_memory import Capabilities, Position
from wire.pop3_replies import RemoteItem, read_reply
from wire.pop3_session import Pop3Session, read_greeting
from wire.pop3_sign_in import sign_in

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
    with meet_to_sign_in(
        endpoint, login, MANNERS, guard=guard, limits=limits, on_step=on_step
    ) as lines:
        session = Pop3Session(lines, login, limits, endpoint)
        questions = position.questions() if position else []
        sign_in(session, login, remembered or Capabilities(), questions, on_step)
    return session


def _ask_for_tls(lines: Lines) -> None:
    # What CAPA says in the clear proves nothing, so it is not asked: STLS itself tells.
    lines.send(b"STLS\r\n")
    if not read_reply(lines.read_line()).ok:
        raise TlsUnavailable("tls.missing")


MANNERS = Manners(read_greeting, _ask_for_tls)
