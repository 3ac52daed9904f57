"""Opens the conversation with an account's server and gives each message there a name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.conf import settings

from accounts.credentials import sign_in
from accounts.models import ExternalAccount, Purpose
from accounts.policy import check_account
from fetcher.desks import away, desk
from fetcher.identity import Named
from fetcher.memory import Memory
from fetcher.models import MAX_UID, RemoteFolder
from mailstore.parsing import fingerprint, is_telling
from wire.endpoint import Protocol
from wire.errors import MailError
from wire.imap import open_imap
from wire.login import Login
from wire.pop3 import Limits, Position, RemoteItem, open_pop3
from wire.session import MailSession

# The largest message that is usually allowed comes within it at the pace that is called steady.
OVERTIME_SECONDS = 3 * 3600


def open_session(
    account: ExternalAccount, memory: Memory, *, max_message_bytes: int
) -> MailSession:
    """Dial, check the server and sign in. Raise MailError, or SealBroken for the secret.

    What administrators do not allow any more is not dialled.
    """
    check_account(account)
    limits = Limits(message_bytes=max_message_bytes, overtime_seconds=OVERTIME_SECONDS)

    def attempt(login: Login) -> MailSession:
        return _sign_in(account, login, memory, limits)

    return sign_in(account, Purpose.INCOMING, attempt)


def _sign_in(account: ExternalAccount, login: Login, memory: Memory, limits: Limits) -> MailSession:
    endpoint = account.incoming.endpoint()
    if account.incoming.protocol == Protocol.IMAP:
        return open_imap(endpoint, login, guard=settings.GUARD, limits=limits)
    return open_pop3(
        endpoint,
        login,
        guard=settings.GUARD,
        limits=limits,
        remembered=memory.capabilities,
        position=memory.position,
    )


@dataclass(frozen=True, slots=True)
class Heading:
    """What header fields tell of a message; ``is_telling`` if no other is likely to have them."""

    fingerprint: str
    is_telling: bool


class Headings:
    """The header fields of listed messages, each asked for once in a session (TOP n 0)."""

    def __init__(self, session: MailSession) -> None:
        """Ask in this session."""
        self._session = session
        self._read: dict[int, Heading] = {}

    def of(self, items: Iterable[RemoteItem]) -> dict[int, Heading]:
        """Return by number what is told of messages; nothing of those whose headers fail."""
        wanted = {item.number: item for item in items}
        new = [item for number, item in wanted.items() if number not in self._read]
        with away():
            for item, raw in self._session.headers(new):
                if not isinstance(raw, MailError):
                    self._read[item.number] = Heading(fingerprint(raw), is_telling(raw))
        return {number: self._read[number] for number in wanted if number in self._read}

    def names(self, items: Sequence[RemoteItem]) -> Iterator[tuple[int, str]]:
        """Name messages by the fingerprint of their headers; where TOP fails, of the whole."""
        told = self.of(items)
        yield from ((number, heading.fingerprint) for number, heading in told.items())
        without_top = [item for item in items if item.number not in told]
        for item, raw in self._session.retrieve(without_top):
            if not isinstance(raw, MailError):
                yield item.number, fingerprint(raw)


def find_messages(
    session: MailSession, headings: Headings, folder: RemoteFolder, position: Position | None
) -> tuple[list[Named], bool]:
    """List what is there, each under its UIDL, or a made name where the server has none.

    Only what came after ``position``, and False, where the server confirms that nothing else has
    changed; else everything, and True.
    """
    tail = session.changes_since(position) if position else None
    if tail is None or not _are_new(folder, tail):
        return find_all(session, headings), True
    return [Named(item, item.uid) for item in tail], False


def find_all(session: MailSession, headings: Headings) -> list[Named]:
    """List everything that is there."""
    items = session.list_items()
    made = dict(headings.names([item for item in items if not usable(item.uid)]))
    return [
        Named(item, item.uid) if usable(item.uid) else Named(item, made[item.number], True)
        for item in items
        if usable(item.uid) or item.number in made
    ]


def _are_new(folder: RemoteFolder, tail: Sequence[RemoteItem]) -> bool:
    """Tell whether each has a name that was never seen here; repeats need the whole list."""
    uids = [item.uid for item in tail]
    is_named = all(map(usable, uids)) and len(set(uids)) == len(uids)
    with desk():
        return is_named and not (uids and folder.stored(uids).exists())


def usable(uid: str) -> bool:
    """Tell whether a server's id fits our column; RFC 1939 allows 70 characters, we take 200."""
    return 0 < len(uid) <= MAX_UID
