"""What may be remembered of a mailbox between visits, and whether it still holds; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wire.errors import ProtocolError
from wire.pop3_replies import RemoteItem, Reply, read_totals, read_uids

# Real servers announce a few hundred characters.
LONGEST_REMEMBERED = 2000


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a server announced before and after the sign-in, in lines as CAPA gives them.

    Nothing in ``before`` means that nothing is known.
    """

    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a mailbox is known: its count, the uid of its last message, and STAT's octets.

    ``octets`` is None where STAT was never asked.
    """

    count: int
    last_uid: str
    octets: int | None = None

    def questions(self) -> list[str]:
        """Return the commands whose answers tell whether the mailbox begins as it did."""
        return ["STAT", f"UIDL {self.count}"] if self.count else ["STAT"]

    def is_confirmed(self, last: Sequence[Reply]) -> bool:
        """Tell from the answers after STAT's whether the last message is where it was."""
        return all(_read_uid(reply, self.count) == self.last_uid for reply in last)

    def explains(self, octets: int, items: Sequence[RemoteItem]) -> bool:
        """Tell whether the octets of now are those of then and of the new messages."""
        return self.octets is None or self.octets + sum(item.size for item in items) == octets


def write_capabilities(offers: Mapping[str, frozenset[str]]) -> str:
    """Return announced capabilities as text, always in the same order; nothing if too odd."""
    lines = sorted(" ".join([name, *sorted(words)]) for name, words in offers.items())
    is_plain = all(line.isascii() and line.isprintable() for line in lines)
    text = "\n".join(lines) if is_plain else ""
    return text if len(text) <= LONGEST_REMEMBERED else ""


def read_answered_totals(reply: Reply) -> tuple[int, int] | None:
    """Return count and octets of an answer to STAT, or None for any other answer."""
    try:
        return read_totals(reply.text) if reply.ok else None
    except ProtocolError:
        return None


def item_questions(numbers: Sequence[int]) -> list[str]:
    """Return the commands that list just these messages (RFC 1939 sections 5 and 7)."""
    return [f"{command} {number}" for number in numbers for command in ("LIST", "UIDL")]


def read_items(numbers: Sequence[int], replies: Sequence[Reply]) -> list[RemoteItem] | None:
    """Return the messages of the answers to ``item_questions``; None where one has no uid."""
    items = []
    for number, listed, named in zip(numbers, replies[::2], replies[1::2], strict=True):
        totals, uid = read_answered_totals(listed), _read_uid(named, number)
        if totals is None or totals[0] != number or not uid:
            return None
        items.append(RemoteItem(number, uid, totals[1]))
    return items


def _read_uid(reply: Reply, number: int) -> str:
    try:
        return read_uids(reply.text.encode()).get(number, "") if reply.ok else ""
    except ProtocolError:
        return ""
