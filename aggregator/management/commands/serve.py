"""``manage.py serve``: the whole program on one machine, with nothing else to install."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from threading import Timer
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError
from django.db.models import Max
from django.utils import timezone

from accounts.keycheck import keys_problem
from accounts.management.base import PlainCommand
from accounts.preparing import preparing
from aggregator.database import remedy
from aggregator.lifeline import end_with_parent, take_lock
from aggregator.staticfiles import collect_if_stale
from aggregator.supervisor import Supervisor
from aggregator.web import cannot_listen
from fetcher.models import Heartbeat
from fetcher.outcomes import close_left_open
from wire.listening import try_to_listen

SILENCE_LIMIT = timedelta(seconds=60)
# Whoever waits longer than this is told for what.
SLOW_SECONDS = 3.0


class Command(PlainCommand):
    help = "Serve Muara: the web pages and the worker that fetches mail. Ctrl-C ends it."
    is_slow = False

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        if not settings.EMBEDDED:
            raise CommandError(
                "MUARA_REDIS_URL is set: that shape runs web, worker and beat on their own, as "
                "docker-compose.yml shows. Unset it to use serve."
            )
        end_with_parent()
        lock = self._lock(Path(settings.MUARA_DATA))
        self._try_address(settings.MUARA_BIND, settings.MUARA_PORT)
        with preparing(), self._step("Bringing the database up to date …"):
            self._prepare_database()
        with self._step("Collecting the files of the pages …"):
            collect_if_stale()
        if self.is_slow:
            self._say("Starting the web server and the worker …")
        started = timezone.now()
        supervisor = Supervisor(self._say, lock, lambda: worker_is_silent(since=started), free_runs)
        code = supervisor.run()
        self._say("Muara has stopped.")
        sys.exit(code)

    def _say(self, sentence: str) -> None:
        self.stdout.write(sentence)
        self.stdout.flush()

    @contextmanager
    def _step(self, sentence: str) -> Iterator[None]:
        """Say what is being done if it takes long."""
        slow = Timer(SLOW_SECONDS, self._say_slowly, [sentence])
        slow.start()
        try:
            yield
        finally:
            slow.cancel()

    def _say_slowly(self, sentence: str) -> None:
        self.is_slow = True
        self._say(sentence)

    def _lock(self, data: Path) -> int:
        try:
            data.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (settings.PACK_FOLDER, settings.EMAIL_FILE_PATH):
                folder.mkdir(mode=0o700, exist_ok=True)
            lock = take_lock(data / "serve.lock")
        except OSError as error:
            raise CommandError(
                f"{error.filename} cannot be used ({error.strerror}). Make {data} writable for "
                "this user, or set MUARA_DATA to another folder."
            ) from error
        if lock is None:
            raise CommandError(
                f"Muara is already running on {data}. Stop it first, or set MUARA_DATA to another "
                "folder."
            )
        return lock

    def _try_address(self, host: str, port: int) -> None:
        """Refuse an address that the web process could not use, before anything is changed."""
        try:
            try_to_listen(host, port)
        except OSError as error:
            raise CommandError(cannot_listen(host, port, error)) from error

    def _prepare_database(self) -> None:
        """Bring the database up to date, for this user alone to read."""
        os.umask(0o077)
        try:
            call_command("migrate", interactive=False, verbosity=0)
            problem = keys_problem()
            close_left_open(now=timezone.now())
        except (DatabaseError, sqlite3.Error) as error:
            raise CommandError(
                f"The database {settings.DATABASES['default']['NAME']} cannot be used "
                f"({str(error).strip()}); {remedy(error)}."
            ) from error
        if problem:
            raise CommandError(problem)


def worker_is_silent(*, since: Any) -> bool:
    """Tell that no worker has beaten for a minute, counted from our own start at the earliest."""
    try:
        beat = Heartbeat.objects.aggregate(last=Max("beat_at"))["last"]
    except DatabaseError:
        return False
    return bool(timezone.now() - max(beat or since, since) > SILENCE_LIMIT)


def free_runs() -> None:
    """Close the runs of a worker that died, the only one; where that fails their leases lapse."""
    with suppress(DatabaseError):
        close_left_open(now=timezone.now())
