"""Puts together which messages are fetched by one IMAP command, so that memory is bounded; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wire.crowd import SMALL
from wire.limits import Limits
from wire.pop3_replies import RemoteItem

TOGETHER = 100
# Sizes are hints, and everything else that an answer says has its octets too.
SLACK = 4


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages that are small together, or a large one by itself."""

    items: tuple[RemoteItem, ...]
    limits: Limits

    @property
    def uids(self) -> str:
        """Name them as FETCH wants it."""
        return ",".join(str(uid_of(item)) for item in self.items)

    @property
    def octets(self) -> int:
        """Return how many octets the answer may have."""
        return SLACK * SMALL + (self.limits.message_bytes if len(self.items) == 1 else 0)

    def asked(self, what: str) -> str:
        """Return the items of a FETCH. Of what seems too large no more is asked than proves it."""
        most = self.limits.message_bytes
        part = f"<0.{most + 1}>" if self.items[0].size > most else ""
        return f"(UID FLAGS INTERNALDATE {what.replace('BODY', 'BODY.PEEK', 1)}{part})"


def in_batches(items: Iterable[RemoteItem], limits: Limits) -> Iterator[Batch]:
    """Put messages together in the order given; whoever gives them may end early."""
    batch: list[RemoteItem] = []
    octets, most = 0, min(SMALL, limits.message_bytes)
    for item in items:
        if batch and (len(batch) >= TOGETHER or octets + item.size > most):
            yield Batch(tuple(batch), limits)
            batch, octets = [], 0
        batch.append(item)
        octets += item.size
    if batch:
        yield Batch(tuple(batch), limits)


def uid_of(item: RemoteItem) -> int:
    """Return the UID of a message within its mailbox."""
    return int(item.uid.rpartition(":")[2])
