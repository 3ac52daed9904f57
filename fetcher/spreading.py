"""Visits accounts in the foreground: by threads, and on each of the machine's processors."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing, contextmanager, suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from threading import Event, Thread
from typing import Any

from django.db import connection, connections

from fetcher.stopping import Stopping, either
from fetcher.visits import write_counts

# Their servers' time is what visits wait for; beyond this many our own is.
AT_A_TIME = 16
Result = dict[str, Any]
Fetch = Callable[[int, Stopping], Result]
Told = tuple[int, Result]


@contextmanager
def spread(account_ids: Sequence[int], fetch: Fetch, *, processes: int) -> Iterator[Iterator[Told]]:
    """Visit accounts by threads of so many processes, each account in one of them.

    What is lent yields each account with its result as its visit ends, and nothing of accounts
    whose process was killed. When the caller leaves or is killed, the processes end as soon as
    they have stored what they hold.
    """
    if processes > 1:
        with _children(account_ids, fetch, processes) as results:
            yield _received(results)
    else:
        with closing(_side_by_side(account_ids, fetch)) as told:
            yield told


@contextmanager
def _children(account_ids: Sequence[int], fetch: Fetch, count: int) -> Iterator[list[Connection]]:
    # A connection to the database must not be spoken through by two.
    connections.close_all()
    context = get_context("fork")
    left, children, results = context.Event(), list[ForkProcess](), list[Connection]()
    try:
        for number in range(count):
            ours, theirs = context.Pipe(duplex=False)
            about = account_ids[number::count], fetch, left.is_set, theirs
            child = context.Process(target=_fetch_share, args=about)
            child.start()
            theirs.close()
            children.append(child)
            results.append(ours)
        yield results
    finally:
        left.set()
        for child in children:
            child.join()


def _received(results: list[Connection]) -> Iterator[Told]:
    while results:
        told = wait(results)
        for one in [one for one in results if one in told]:
            try:
                yield one.recv()
            except EOFError:
                results.remove(one)


def _side_by_side(
    account_ids: Sequence[int], fetch: Fetch, stopping: Stopping = lambda: False
) -> Generator[Told, None, None]:
    left = Event()
    with ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="fetchmail") as threads:
        try:
            how = either(stopping, left.is_set)
            visits = {threads.submit(_fetch, fetch, pk, how): pk for pk in account_ids}
            for visit in as_completed(visits):
                if (result := visit.result()) is not None:
                    yield visits[visit], result
        finally:
            # Whoever interrupts us waits only for the batches that are being stored.
            left.set()
            threads.shutdown(wait=False, cancel_futures=True)
    write_counts()


def _fetch_share(
    account_ids: Sequence[int], fetch: Fetch, stopping: Stopping, results: Connection
) -> None:
    # The terminal's Ctrl-C reaches all; whoever started us hears it and passes it on in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    orphaned = Event()
    Thread(target=_watch_parent, args=(orphaned,), daemon=True).start()
    with suppress(BrokenPipeError):
        for told in _side_by_side(account_ids, fetch, either(stopping, orphaned.is_set)):
            results.send(told)


def _watch_parent(orphaned: Event) -> None:
    if parent := parent_process():
        parent.join()
    orphaned.set()


def _fetch(fetch: Fetch, account_id: int, stopping: Stopping) -> Result | None:
    try:
        return None if stopping() else fetch(account_id, stopping)
    finally:
        connection.close()
