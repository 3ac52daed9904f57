"""Takes the times and counts of a visit from outside, by wrapping what it goes through."""

from __future__ import annotations

import functools
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from types import ModuleType
from typing import Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from mailstore import packs, parsing, search
from wire import pop3, tls
from wire.pop3 import Pop3Session, Position, RemoteItem

OURS = ("accounts", "aggregator", "fetcher", "mailstore", "wire")
WRITES = ("INSERT", "UPDATE", "DELETE")
Function = Callable[..., Any]


@dataclass
class Measures:
    """What was seen: seconds by phase, counts by name, and the sessions that were opened.

    Phases that run side by side add up to more than the time that passed. ``listed`` names the
    messages that were last seen at the server where the whole list was asked for, else it is None
    and ``count`` tells how many there were.
    """

    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    counts: Counter[str] = field(default_factory=Counter)
    sessions: list[Pop3Session] = field(default_factory=list)
    listed: list[RemoteItem] | None = None
    count: int = 0
    tls: str = ""

    def timed(self, phase: str, function: Function) -> Function:
        """Return a function that does the same and adds its time to a phase."""

        @functools.wraps(function)
        def measured(*arguments: Any, **named: Any) -> Any:
            began = perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds[phase] += perf_counter() - began
                self.counts[phase] += 1

        return measured

    def heard(self, function: Function, listen: Callable[..., None]) -> Function:
        """Return a function that does the same and tells its result, with what it was given."""

        @functools.wraps(function)
        def overheard(*arguments: Any, **named: Any) -> Any:
            result = function(*arguments, **named)
            listen(result, *arguments)
            return result

        return overheard

    def timed_steps(self, phase: str, function: Function) -> Function:
        """Return a generator function that does the same; only its own steps are timed."""

        @functools.wraps(function)
        def measured(*arguments: Any, **named: Any) -> Iterator[Any]:
            steps = function(*arguments, **named)
            following = self.timed(phase, functools.partial(next, steps, self))
            while (value := following()) is not self:
                yield value

        return measured


@contextmanager
def measured() -> Iterator[Measures]:
    """Measure everything that this process does until the block ends."""
    measures = Measures()
    with ExitStack() as stack:
        for place, name, replacement in _replacements(measures):
            stack.callback(setattr, place, name, getattr(place, name))
            setattr(place, name, replacement)
        yield measures


def _replacements(measures: Measures) -> Iterator[tuple[object, str, Function]]:
    yield from _of_session(measures)
    yield from _of_storing(measures)
    for phase, function in (
        ("parse", parsing.parse),
        ("pack", packs.write_pack),
        ("index", search.index),
    ):
        yield from _everywhere(function, measures.timed(phase, function))
    for name in ("fsync", "fdatasync"):
        yield os, name, measures.timed("fsync", getattr(os, name))


def _of_session(measures: Measures) -> Iterator[tuple[object, str, Function]]:
    def note_list(items: list[RemoteItem], _session: Pop3Session) -> None:
        measures.listed, measures.count = items, len(items)

    def note_tail(
        items: list[RemoteItem] | None, _session: Pop3Session, position: Position
    ) -> None:
        if items is not None:
            measures.listed, measures.count = None, position.count + len(items)

    def note_session(session: Pop3Session, *_given: object) -> None:
        measures.sessions.append(session)

    def note_tls(connection: Any, *_given: object) -> None:
        measures.tls = connection.version() or ""

    opened = measures.timed("connect", measures.heard(pop3.open_pop3, note_session))
    yield from _everywhere(pop3.open_pop3, opened)
    yield from _everywhere(tls.encrypt, measures.heard(tls.encrypt, note_tls))
    for name, listen in (("list_items", note_list), ("changes_since", note_tail)):
        asked = measures.heard(getattr(Pop3Session, name), listen)
        yield Pop3Session, name, measures.timed("list", asked)
    for name in ("retrieve", "headers"):
        yield Pop3Session, name, measures.timed_steps("wire", getattr(Pop3Session, name))


def _of_storing(measures: Measures) -> Iterator[tuple[object, str, Function]]:
    """Time the outermost transactions, and count commits, those of single statements too."""
    enter, leave = transaction.Atomic.__enter__, transaction.Atomic.__exit__
    execute = CursorWrapper.execute

    def entered(atomic: transaction.Atomic) -> None:
        is_outermost = not transaction.get_connection(atomic.using).in_atomic_block
        enter(atomic)
        if is_outermost:
            atomic.began_at = perf_counter()  # type: ignore[attr-defined]

    def left(atomic: transaction.Atomic, *error: Any) -> None:
        try:
            leave(atomic, *error)
        finally:
            if not transaction.get_connection(atomic.using).in_atomic_block:
                measures.seconds["rows"] += perf_counter() - atomic.began_at  # type: ignore[attr-defined]

    def executed(cursor: CursorWrapper, sql: Any, *arguments: Any, **named: Any) -> Any:
        if not cursor.db.in_atomic_block and str(sql).lstrip().upper().startswith(WRITES):
            measures.counts["commit"] += 1
        return execute(cursor, sql, *arguments, **named)

    yield transaction.Atomic, "__enter__", entered
    yield transaction.Atomic, "__exit__", left
    yield CursorWrapper, "execute", executed
    commit = BaseDatabaseWrapper.commit
    yield BaseDatabaseWrapper, "commit", measures.timed("commit", commit)


def _everywhere(
    function: Function, replacement: Function
) -> Iterator[tuple[object, str, Function]]:
    """Name every place where our own modules hold a function, whoever imported it."""
    for module in list(sys.modules.values()):
        if isinstance(module, ModuleType) and module.__name__.partition(".")[0] in OURS:
            for name, value in list(vars(module).items()):
                if value is function:
                    yield module, name, replacement
