"""Understands what an IMAP server tells of a mailbox and its messages (RFC 9051 section 7); pure.

What cannot be read raises whatever ``wire.imap_client.understood`` knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from imapclient.response_parser import parse_fetch_response, parse_response

from wire.pop3_memory import Position
from wire.pop3_replies import LARGEST_SIZE, RemoteItem

LARGEST_NUMBER = 2**32 - 1
Take = Callable[[str], list[Any]]


@dataclass(frozen=True, slots=True)
class Mailbox:
    """What EXAMINE told: the number of messages, the validity of UIDs, and the next one, if told.

    ``last_uid`` is where the mailbox ends, None where the server does not tell.
    """

    count: int
    validity: int
    next_uid: int | None

    def is_still_at(self, position: Position) -> bool:
        """Tell whether nothing came and nothing went: UIDs only ever grow."""
        validity, _, uid = position.last_uid.partition(":")
        if not position.count:
            return not self.count
        is_same = self.count == position.count and str(self.validity) == validity
        return is_same and self.next_uid == int(uid) + 1


@dataclass(frozen=True, slots=True)
class Fetched:
    """A message or its header as it came, whether it was read there, and since when it is there."""

    raw: bytes = field(repr=False)
    seen: bool
    arrived_at: datetime | None


def read_mailbox(take: Take) -> Mailbox:
    """Understand the answer to EXAMINE."""
    next_uid = take("UIDNEXT")
    validity = take("UIDVALIDITY")
    return Mailbox(
        _number(take("EXISTS")[-1]),
        _number(validity[-1]) if validity else 0,
        _number(next_uid[-1]) if next_uid else None,
    )


def read_status_size(told: Sequence[Any]) -> tuple[int, int] | None:
    """Return count and octets of a STATUS answer; None for an unreadable one."""
    try:
        words = parse_response(list(told))[-1]
        pairs = dict(zip(words[::2], words[1::2], strict=True))
        return _number(pairs[b"MESSAGES"]), min(int(pairs[b"SIZE"]), LARGEST_SIZE)
    except (ValueError, LookupError, TypeError):
        return None


def read_items(told: Sequence[Any], validity: int) -> list[RemoteItem]:
    """Return the listed messages in their order; what has no UID is news nobody asked for."""
    items = []
    for number, about in sorted(_understand(told).items()):
        if b"UID" in about and b"RFC822.SIZE" in about:
            size = min(max(int(about[b"RFC822.SIZE"]), 0), LARGEST_SIZE)
            items.append(RemoteItem(_number(number), f"{validity}:{_number(about[b'UID'])}", size))
    return items


def read_fetched(told: Sequence[Any], what: str) -> dict[int, Fetched]:
    """Return by UID what was fetched; nothing of messages that are not there."""
    return {
        _number(about[b"UID"]): Fetched(raw, _is_seen(about), about.get(b"INTERNALDATE"))
        for about in _understand(told).values()
        if b"UID" in about and (raw := _raw(about, what.encode())) is not None
    }


def _understand(told: Sequence[Any]) -> dict[int, dict[bytes, Any]]:
    if not told:
        return {}
    return dict(parse_fetch_response(list(told), normalise_times=False, uid_is_key=False))


def is_after(position: Position, items: Sequence[RemoteItem]) -> list[RemoteItem] | None:
    """Return what follows the position's last message; None where that is not in its place."""
    if not position.count:
        return list(items)
    if not items or items[0].number != position.count or items[0].uid != position.last_uid:
        return None
    return list(items[1:])


def _raw(about: Mapping[bytes, Any], what: bytes) -> bytes | None:
    """Return the octets, whole or of a part that begins at the first."""
    raw = about.get(what, about.get(what + b"<0>"))
    return raw if isinstance(raw, bytes) else None


def _is_seen(about: Mapping[bytes, Any]) -> bool:
    flags = about.get(b"FLAGS") or ()
    return any(isinstance(flag, bytes) and flag.lower() == b"\\seen" for flag in flags)


def _number(value: Any) -> int:
    number = int(value)
    if not 0 <= number <= LARGEST_NUMBER:
        raise ValueError("no number of IMAP")
    return number
