"""Opens the conversation with an account's server and gives each message there a name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.conf import settings

from accounts.credentials import login_for
from accounts.models import ExternalAccount, Purpose
from fetcher.memory import Memory
from fetcher.models import MAX_UID, RemoteFolder
from fetcher.planning import Found, Listing, number_repeats
from mailstore.parsing import fingerprint
from wire.errors import MailError
from wire.pop3 import Limits, Pop3Session, Position, RemoteItem, open_pop3


def open_session(
    account: ExternalAccount, memory: Memory, *, max_message_bytes: int
) -> Pop3Session:
    """Dial, check the server and sign in. Raise MailError, or SealBroken for the secret."""
    return open_pop3(
        account.incoming.endpoint(),
        login_for(account, Purpose.INCOMING),
        guard=settings.GUARD,
        limits=Limits(message_bytes=max_message_bytes),
        remembered=memory.capabilities,
        position=memory.position,
    )


def find_messages(session: Pop3Session, folder: RemoteFolder, position: Position | None) -> Listing:
    """List what is there, each under its UIDL, or a made name where the server has none.

    Only what came after ``position`` where the server confirms that nothing else has changed.
    """
    tail = session.changes_since(position) if position else None
    if tail is None or not _are_new(folder, tail):
        return Listing(find_all(session), is_whole=True)
    return Listing(number_repeats((item, item.uid, False) for item in tail), is_whole=False)


def find_all(session: Pop3Session) -> list[Found]:
    """List everything that is there."""
    return number_repeats(_named(session, session.list_items()))


def _are_new(folder: RemoteFolder, tail: Sequence[RemoteItem]) -> bool:
    """Tell whether each has a name that was never seen here; repeats need the whole list."""
    uids = [item.uid for item in tail]
    return all(map(usable, uids)) and not (uids and folder.stored(uids).exists())


def _named(session: Pop3Session, items: list[RemoteItem]) -> Iterator[tuple[RemoteItem, str, bool]]:
    nameless = [item for item in items if not usable(item.uid)]
    made = dict(_made_names(session, nameless)) if nameless else {}
    for item in items:
        if usable(item.uid):
            yield item, item.uid, False
        elif item.number in made:
            yield item, made[item.number], True


def usable(uid: str) -> bool:
    """Tell whether a server's id fits our column; RFC 1939 allows 70 characters, we take 200."""
    return 0 < len(uid) <= MAX_UID


def _made_names(session: Pop3Session, items: list[RemoteItem]) -> Iterator[tuple[int, str]]:
    """Name messages by the fingerprint of their headers (TOP); where TOP fails, of the whole."""
    without_top = []
    for item, headers in session.headers(items):
        if isinstance(headers, MailError):
            without_top.append(item)
        else:
            yield item.number, fingerprint(headers)
    for item, raw in session.retrieve(without_top):
        if not isinstance(raw, MailError):
            yield item.number, fingerprint(raw)
