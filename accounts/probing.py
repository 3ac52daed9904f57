"""Tries a server step by step, with the time that each step takes."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

from django.conf import settings

from accounts.models.probe import Step
from wire.endpoint import Endpoint, Protocol
from wire.imap import ImapSession, open_imap
from wire.limits import Limits
from wire.login import Login
from wire.pop3 import Pop3Session, open_pop3
from wire.smtp import open_smtp

# Shorter than a test's lease, so that a lapsed lease means a dead worker and not a slow server.
# Whoever has said nothing for so long is silent; judging a secret may take longer.
LIMITS = Limits(session_seconds=90, connect_seconds=10, answer_seconds=12)
# Worth telling a person; servers announce much more.
TOLD = (
    *("UIDL", "TOP", "PIPELINING", "RESP-CODES", "UTF8"),
    *("IDLE", "UIDPLUS", "MOVE", "CONDSTORE", "SPECIAL-USE", "QUOTA", "COMPRESS=DEFLATE"),
    *("XOAUTH2", "OAUTHBEARER", "AUTH=XOAUTH2", "AUTH=OAUTHBEARER"),
)
Facts = dict[str, Any]


class Watch:
    """Tells each step as it begins, with the milliseconds that those before it took."""

    def __init__(self, tell: Callable[[str, dict[str, int]], None]) -> None:
        """Tell to this."""
        self.timings: dict[str, int] = {}
        self._tell = tell
        self._step, self._began = "", 0.0

    def begin(self, step: str) -> None:
        """End the step before and begin the next."""
        self.stop()
        self._tell(step, self.timings)
        self._step, self._began = step, monotonic()

    def begin_outgoing(self, step: str) -> None:
        """Begin a step with the outgoing server."""
        self.begin(f"out_{step}")

    def stop(self) -> None:
        """Take the time of the last step."""
        if self._step:
            self.timings[self._step] = round((monotonic() - self._began) * 1000)
            self._step = ""


def try_incoming(protocol: Protocol, endpoint: Endpoint, login: Login, watch: Watch) -> Facts:
    """Sign in and count; return how many messages there are, their octets, and the abilities.

    Raise a MailError; the watch tells at which step.
    """
    open_session = open_imap if protocol is Protocol.IMAP else open_pop3
    with open_session(
        endpoint, login, guard=settings.GUARD, limits=LIMITS, on_step=watch.begin
    ) as session:
        watch.begin(Step.ABILITIES)
        abilities = _abilities(session)
        watch.begin(Step.LIST)
        messages, octets = session.stat()
        names = not isinstance(session, Pop3Session) or session.gives_uids(messages)
        session.finish()
    watch.stop()
    told = {"messages": messages, "octets": octets, "abilities": abilities}
    return told if names else told | {"no_uidl": True}


def try_outgoing(endpoint: Endpoint, login: Login, sender: str, watch: Watch) -> Facts:
    """Sign in for sending and ask whether an address may be used; nothing is sent.

    Return how large a message may be, where the server tells. Raise a MailError.
    """
    with open_smtp(
        endpoint, login, guard=settings.GUARD, limits=LIMITS, on_step=watch.begin_outgoing
    ) as session:
        watch.begin(Step.OUT_SENDER)
        session.try_sender(sender)
        session.finish()
    watch.stop()
    return {"most_octets": session.most_octets} if session.most_octets else {}


def _abilities(session: Pop3Session | ImapSession) -> list[str]:
    if isinstance(session, ImapSession):
        session.ask_capabilities()
    return [name for name in TOLD if name in session.capabilities]
