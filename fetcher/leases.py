"""Keeps the runs of this process from lapsing for as long as their visits last."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Lock, Thread
from time import sleep

import structlog
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from accounts.models import ExternalAccount
from fetcher.models import FetchRun

log = structlog.get_logger()
# So long an account stays locked by a worker that was killed.
LEASE = timedelta(minutes=2)
RENEW_SECONDS = 30
# A visit ends by itself long before; what is older hangs in a way that nobody thought of.
LONGEST_VISIT = timedelta(hours=5)


class Leases:
    """The runs that are open in this process, renewed all at once by one thread.

    A visit cannot do it itself: it may wait for one large message, or parse one.
    """

    def __init__(self, seconds: float) -> None:
        """Renew every so many seconds."""
        self._seconds = seconds
        self._held: set[int] = set()
        self._lock = Lock()
        self._thread: Thread | None = None

    def __len__(self) -> int:
        """Count the visits under way in this process."""
        return len(self._held)

    @contextmanager
    def held(self, run: FetchRun) -> Iterator[None]:
        """Renew a run, from now to the end of the block or of this process."""
        with self._lock:
            self._held.add(run.pk)
            if not (self._thread and self._thread.is_alive()):
                self._thread = Thread(target=self._renew_held, daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._held.discard(run.pk)

    def _renew_held(self) -> None:
        while True:
            sleep(self._seconds)
            with self._lock:
                held = set(self._held)
                if not held:
                    self._thread = None
                    return
            try:
                renew(held, now=timezone.now())
            except (OperationalError, InterfaceError):
                log.warning("leases not renewed", runs=len(held))
            finally:
                connection.close()


def renew(run_ids: Collection[int], *, now: datetime) -> None:
    """Prolong the leases of runs that are still open, and the claims on their accounts."""
    runs = FetchRun.objects.filter(
        pk__in=run_ids, closed_at=None, opened_at__gt=now - LONGEST_VISIT
    )
    runs.update(lease_until=now + LEASE)
    # Whoever closes a run meanwhile takes the claim away, and it shall stay away.
    claimed = ExternalAccount.objects.exclude(dispatched_until=None)
    claimed.filter(runs__in=runs).update(dispatched_until=now + LEASE)


LEASES = Leases(RENEW_SECONDS)
