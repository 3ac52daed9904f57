"""Works through an iterator in a thread of its own, one step ahead of whoever uses its values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, Queue
from threading import Event, Thread
from typing import Generic, TypeVar

from django.db import connection

Value = TypeVar("Value")
PATIENCE_SECONDS = 1


@contextmanager
def ahead(
    source: Iterator[Value], left: Event, overdue: Callable[[], Value | None] = lambda: None
) -> Iterator[Iterator[Value]]:
    """Lend what ``source`` yields; its error is raised after everything that came before it.

    One value waits while the one before it is used and the next one is made, and no more, so that
    memory is bounded. ``left`` is set once the user has left; ``source`` should look at it often,
    since its end is waited for: nothing that it uses is ever used by two threads at a time.
    ``overdue`` is asked for a value now and then while none is ready, from the user's thread.
    """
    worker = _Worker(source, left)
    worker.start()
    try:
        yield worker.values(overdue)
    finally:
        left.set()
        for _ in worker.rest():
            pass
        worker.join()


class _Worker(Thread, Generic[Value]):
    """The thread; ``None`` follows its last value."""

    def __init__(self, source: Iterator[Value], left: Event) -> None:
        super().__init__(name="ahead", daemon=True)
        self._source = source
        self._left = left
        self._ready: Queue[tuple[Value] | None] = Queue(maxsize=1)
        self._is_over = False
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            for value in self._source:
                self._ready.put((value,))
                if self._left.is_set():
                    break
        except BaseException as error:  # noqa: BLE001 - it is raised where the values are used
            self._error = error
        finally:
            # Whoever makes the values may have asked the database, over this thread's connection.
            # Not left to the source: where it is not used up, any thread may come to end it.
            connection.close()
            self._ready.put(None)

    def values(self, overdue: Callable[[], Value | None]) -> Iterator[Value]:
        while not self._is_over:
            try:
                yield from self._take(self._ready.get(timeout=PATIENCE_SECONDS))
            except Empty:
                if early := overdue():
                    yield early
        if self._error:
            raise self._error

    def rest(self) -> Iterator[Value]:
        while not self._is_over:
            yield from self._take(self._ready.get())

    def _take(self, handed: tuple[Value] | None) -> tuple[Value, ...]:
        self._is_over = handed is None
        return handed or ()
