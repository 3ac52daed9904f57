"""Tells whether a mail server that was only guessed is really there."""

from __future__ import annotations

from wire import imap, pop3, smtp
from wire.endpoint import Endpoint, Protocol, Security
from wire.errors import MailError
from wire.guard import Guard
from wire.limits import Limits
from wire.meeting import meet

MANNERS = {
    Protocol.POP3: pop3.MANNERS,
    Protocol.IMAP: imap.MANNERS,
    Protocol.SMTP: smtp.MANNERS,
}


def greets(protocol: Protocol, endpoint: Endpoint, *, guard: Guard, seconds: float) -> bool:
    """Tell whether a server of the protocol greets there and proves who it is; nobody signs in.

    Each of looking up, connecting and greeting may take ``seconds``, all together no longer.
    """
    if endpoint.security is Security.PLAIN:
        return False
    limits = Limits(session_seconds=seconds, connect_seconds=seconds, answer_seconds=seconds)
    manners = MANNERS[protocol]
    try:
        lines = meet(endpoint, manners, guard=guard, limits=limits)
        try:
            if endpoint.security is Security.TLS:
                manners.hear_greeting(lines, limits)
        finally:
            lines.close()
    except MailError:
        return False
    return True
