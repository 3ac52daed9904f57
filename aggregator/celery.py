"""The Celery application: what ticks, and the beat that the embedded worker carries inside.

The database is the queue. Every task here is a nudge that may be lost or doubled without harm.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

from celery import Celery, Task, bootsteps
from celery.beat import EmbeddedService
from celery.platforms import SecurityWarning

from aggregator.lifeline import end_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aggregator.settings")

# It warns of unpickling as root; only JSON is taken here.
warnings.filterwarnings("ignore", category=SecurityWarning)

TICK_SECONDS = 1.0
NUDGE_EXPIRES_SECONDS = 10


class SafeTask(Task):  # type: ignore[misc]  # celery ships no types
    """A task that never lets ``SystemExit`` through.

    In a thread pool it would leave the message unacknowledged and its slot taken for good.
    """

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task; an exit becomes an ordinary failure."""
        try:
            return super().__call__(*args, **kwargs)
        except (SystemExit, KeyboardInterrupt) as stop:
            raise RuntimeError("a task tried to end the worker") from stop


app = Celery("muara", task_cls=SafeTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["accounts", "fetcher", "mailstore"])


def _every(task: str, seconds: float) -> dict[str, Any]:
    options = {"expires": max(NUDGE_EXPIRES_SECONDS, seconds)}
    return {"task": task, "schedule": seconds, "options": options}


app.conf.beat_schedule = {
    "probes": _every("accounts.tasks.run_waiting_probes", TICK_SECONDS),
    "codes": _every("accounts.tasks.mail_codes", TICK_SECONDS),
    "lookups": _every("accounts.tasks.run_waiting_look_ups", TICK_SECONDS),
    "trips": _every("accounts.tasks.run_waiting_trips", TICK_SECONDS),
    "grants": _every("accounts.tasks.renew_idle_grants", 600.0),
    "fetch": _every("fetcher.tasks.dispatch_due_accounts", TICK_SECONDS),
    "notices": _every("accounts.tasks.review_notices", 10.0),
    "storage": _every("accounts.tasks.review_storage", 60.0),
    "mails": _every("accounts.tasks.mail_notices", 10.0),
    "forsaken": _every("accounts.tasks.stop_forsaken_accounts", 600.0),
    "counts": _every("fetcher.tasks.forget_old_counts", 3600.0),
    "told": _every("accounts.tasks.forget_old_notices", 3600.0),
    "alignment": _every("accounts.tasks.check_alignment", 10.0),
    "old codes": _every("accounts.tasks.forget_old_codes", 3600.0),
    "stale": _every("fetcher.tasks.close_stale_runs", 30.0),
    "purge": _every("mailstore.tasks.purge_removed_accounts", 60.0),
    "discarded": _every("mailstore.tasks.erase_discarded", 3600.0),
    "emptying": _every("mailstore.tasks.empty_asked", 10.0),
    "snoozed": _every("mailstore.tasks.wake_snoozed", 5.0),
    "returned": _every("mailstore.tasks.take_down_returned", 3600.0),
    "transfers": _every("mailstore.tasks.run_transfers", 2.0),
    "old transfers": _every("mailstore.tasks.forget_old_transfers", 3600.0),
    "statistics": _every("mailstore.tasks.refresh_statistics", 900.0),
    "journal": _every("fetcher.tasks.prune_journal", 3600.0),
    "unsubscribing": _every("mailstore.tasks.leave_lists", 2.0),
    "heart": _every("fetcher.tasks.beat_heart", 5.0),
}


class EmbeddedBeat(bootsteps.StartStopStep):  # type: ignore[misc]  # celery ships no types
    """Tick from a thread of the worker, since its broker is in its own memory."""

    def __init__(self, worker: Any, **options: Any) -> None:
        self.enabled = app.conf.broker_url == "memory://"
        self.beat: Any = None
        super().__init__(worker, **options)

    def start(self, worker: Any) -> None:
        """Start ticking, and end when the supervising process does."""
        end_with_parent()
        self.beat = EmbeddedService(worker.app, thread=True, scheduler_cls="celery.beat:Scheduler")
        self.beat.start()
        # The first one is due only after its interval, and whoever starts us waits for it.
        worker.app.send_task("fetcher.tasks.beat_heart")

    def stop(self, worker: Any) -> None:  # noqa: ARG002 - celery's signature
        """Stop ticking; nudges that were not taken are lost, which is fine."""
        if self.beat is not None:
            self.beat.stop()


app.steps["worker"].add(EmbeddedBeat)
