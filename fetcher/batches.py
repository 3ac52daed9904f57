"""Puts together what is stored together, and lets nothing wait long for what comes next."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock
from time import monotonic
from typing import Generic, Protocol, TypeVar

from fetcher.planning import BATCH_BYTES, BATCH_MESSAGES, BATCH_SECONDS, FIRST_MESSAGES
from wire.errors import MailError


class Weighed(Protocol):
    """What is known of a message here."""

    @property
    def octets(self) -> int:
        """Return its size."""


Message = TypeVar("Message", bound=Weighed)


class Batches(Generic[Message]):
    """Batches of what comes; what came before an error is not lost with it.

    The first one is small, so that people see their newest mail at once. While one thread waits
    for the next message, another may take what has waited long enough.
    """

    def __init__(self, received: Iterator[Message]) -> None:
        """Begin with nothing."""
        self._received = received
        self._lock = Lock()
        self._batch: list[Message] = []
        self._octets, self._begun = 0, 0.0
        self._most = min(FIRST_MESSAGES, BATCH_MESSAGES)

    def __iter__(self) -> Iterator[list[Message]]:
        """Yield batches until nothing more comes."""
        try:
            for one in self._received:
                if self._octets + one.octets > BATCH_BYTES or self._has_waited():
                    yield from self._ready()
                self._add(one)
                if len(self._batch) >= self._most:
                    yield from self._ready()
        except MailError:
            yield from self._ready()
            raise
        yield from self._ready()

    def overdue(self) -> list[Message]:
        """Take what came and has waited long, though the next message hangs; mostly nothing."""
        return self._take() if self._has_waited() else []

    def _has_waited(self) -> bool:
        return bool(self._batch) and monotonic() - self._begun > BATCH_SECONDS

    def _add(self, one: Message) -> None:
        with self._lock:
            self._begun = self._begun if self._batch else monotonic()
            self._batch.append(one)
            self._octets += one.octets

    def _ready(self) -> Iterator[list[Message]]:
        if batch := self._take():
            yield batch

    def _take(self) -> list[Message]:
        with self._lock:
            batch, self._batch, self._octets = self._batch, [], 0
            self._most = BATCH_MESSAGES if batch else self._most
        return batch
