"""Visits many accounts side by side: a thread each for the network, few statements for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from threading import BoundedSemaphore, Lock
from time import monotonic

from django.db import connection
from django.utils import timezone

from fetcher import service, tally
from fetcher.desks import desk
from fetcher.models import FetchRun
from fetcher.opening import open_runs, patiently
from fetcher.outcomes import Outcome, close
from fetcher.quiet import QUIET, close_quiet
from fetcher.runs import visit
from fetcher.stopping import Stopping

# The most visits of one process that may have begun just now, and the most that may last longer:
# threads that wait cost next to nothing, and servers that hang must leave some for the others.
AT_A_TIME = 250
LASTING = 500
# Visits that end within this time of each other are closed together.
GATHERED_SECONDS = 0.1
# Whoever called waits so long; visits that last longer go on and are closed one by one.
PATIENCE_SECONDS = 3.0

_THREADS = ThreadPoolExecutor(max_workers=AT_A_TIME + LASTING, thread_name_prefix="visit")
_FREE, _FREE_TO_LAST = BoundedSemaphore(AT_A_TIME), BoundedSemaphore(LASTING)


@dataclass(slots=True)
class Visit:
    """A visit under way, and the places among which it has one until it has ended."""

    run: FetchRun
    places: BoundedSemaphore | None = field(default_factory=lambda: _FREE)
    lock: Lock = field(default_factory=Lock)

    def end(self, _: Future[Outcome | None]) -> None:
        """Give the place back."""
        with self.lock:
            if self.places:
                self.places.release()
            self.places = None

    def go_on(self) -> None:
        """Leave the place to a visit that begins, if there is one among those that last."""
        with self.lock:
            if self.places is _FREE and _FREE_TO_LAST.acquire(blocking=False):
                self.places = _FREE_TO_LAST
                _FREE.release()


Visits = dict[Future[Outcome | None], Visit]


def visit_all(account_ids: Sequence[int], stopping: Stopping) -> None:
    """Visit accounts side by side, and return when most visits are over."""
    rest = list(account_ids)
    while rest and not stopping():
        some = [rest.pop(0) for _ in range(_take(len(rest)))]
        _gather(_begin(some, stopping))


def _take(most: int) -> int:
    """Take as many of the free threads as there are, at least one."""
    _FREE.acquire()
    taken = 1
    while taken < most and _FREE.acquire(blocking=False):
        taken += 1
    return taken


def _begin(account_ids: Sequence[int], stopping: Stopping) -> Visits:
    runs: list[FetchRun] = []
    try:
        runs = patiently(partial(open_runs, account_ids, now=timezone.now(), by_worker=True))
    finally:
        if unused := len(account_ids) - len(runs):
            _FREE.release(unused)
    visits = {_THREADS.submit(_visit, run, stopping): Visit(run) for run in runs}
    for begun, one in visits.items():
        begun.add_done_callback(one.end)
    return visits


def _visit(run: FetchRun, stopping: Stopping) -> Outcome | None:
    try:
        return visit(run, stopping)
    finally:
        connection.close()


def _gather(visits: Visits) -> None:
    """Close runs as their visits end. Those that take long close their own."""
    patience = monotonic() + PATIENCE_SECONDS
    while visits and monotonic() < patience:
        ended = wait(visits, timeout=GATHERED_SECONDS).done
        _close({visits.pop(one).run: one.result() for one in ended})
    for slow, one in visits.items():
        one.go_on()
        slow.add_done_callback(partial(_close_slow, one.run))


def _close_slow(run: FetchRun, ended: Future[Outcome | None]) -> None:
    try:
        with desk():
            _close({run: ended.result()})
            write_counts()
    finally:
        connection.close()


def write_counts() -> None:
    """Make the counts of the visits that have ended last."""
    for sums in (tally.HOURS, service.DAYS):
        sums.write_down()


def _close(outcomes: Mapping[FetchRun, Outcome | None]) -> None:
    quiet = [run for run, outcome in outcomes.items() if outcome == QUIET]
    closed = patiently(lambda: close_quiet(quiet, now=timezone.now())) if quiet else set[int]()
    for run, outcome in outcomes.items():
        if outcome and run.pk not in closed:
            patiently(partial(close, run, outcome, now=timezone.now()))
