"""``manage.py benchfetch``: fetch one account as fetchmail does and print where the time went."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser
from django.db import connection
from django.utils import timezone

from accounts.management.base import WRONG_CALL, JsonCommand, Refused
from accounts.models import ExternalAccount
from fetcher.measuring import Measures, measured
from fetcher.models import FetchRun, RemoteUid
from fetcher.runs import run_fetch
from mailstore.models import Message
from mailstore.searchrows import missing

BUSY = "run.busy"
LEFT_BEHIND = ("skipped", "too_large", "set_aside", "waiting")
SEARCH_PATIENCE = 120
SEARCH_PAUSE = 0.01
ASKED_AT_ONCE = 500
STATUS = Path("/proc/self/status")


@dataclass
class Visits:
    """What the visits of one account came to: messages and octets stored, and what went wrong."""

    messages: int = 0
    octets: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    is_done: bool = False

    def add(self, run: FetchRun | None) -> None:
        """Add one visit; none is left to make when it failed or put nothing off."""
        self.is_done = run is None or bool(run.code) or not run.facts.get("later")
        if run is None:
            self.errors[BUSY] += 1
            return
        self.messages += run.messages
        self.octets += run.octets
        if run.code:
            self.errors[run.code] += 1
        self.errors.update({name: n for name, n in run.facts.items() if name in LEFT_BEHIND})


class Command(JsonCommand):
    json_help = "tell failures as JSON too; the result always is"
    help = (
        "Fetch one account now, as fetchmail does, and print one JSON line: what was fetched and "
        "where the time went. Exits with 0 only when as many messages are stored as the server "
        "lists, with 2 when the call itself was wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account", help="the id that addaccount printed")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        account = _account(options["account"])
        visits = Visits()
        started_at, began, cpu = timezone.now(), time.perf_counter(), _cpu_seconds()
        with measured() as measures:
            while not visits.is_done:
                visits.add(run_fetch(account.pk))
            fetched = time.perf_counter()
            lag = _wait_until_searchable(account)
        result: dict[str, Any] = {"ok": False, "account": str(account.public_id)}
        result["started_at"] = started_at.isoformat()
        result |= _totals(visits, seconds=fetched - began + lag, cpu=_cpu_seconds() - cpu)
        result |= _phases(measures, lag) | {"errors": dict(visits.errors)}
        result |= {"listed": measures.count, "stored": _stored(account, measures)}
        result["ok"] = not visits.errors and result["listed"] == result["stored"]
        self.stdout.write(json.dumps(result))
        if not result["ok"]:
            sys.exit(1)


def _account(public_id: str) -> ExternalAccount:
    try:
        return ExternalAccount.objects.get(public_id=public_id)
    except (ExternalAccount.DoesNotExist, ValidationError) as error:
        raise Refused(
            f"There is no account {public_id}; addaccount prints the id.", returncode=WRONG_CALL
        ) from error


def _totals(visits: Visits, *, seconds: float, cpu: float) -> dict[str, Any]:
    return {
        "messages": visits.messages,
        "bytes": visits.octets,
        "wall_s": round(seconds, 3),
        "msgs_per_s": round(visits.messages / seconds, 1),
        "mb_per_s": round(visits.octets / seconds / 1e6, 2),
        "cpu_s": round(cpu, 3),
        "peak_rss_mb": round(_peak_memory() / 1e6, 1),
    }


def _phases(measures: Measures, lag: float) -> dict[str, Any]:
    seconds, sessions = measures.seconds, measures.sessions
    spent = {
        "connect_s": seconds["connect"],
        "list_s": seconds["list"],
        "wire_s": seconds["wire"],
        "parse_s": seconds["parse"],
        "store_s": seconds["pack"] + seconds["rows"] - seconds["index"],
        "index_s": seconds["index"],
        "searchable_lag_s": lag,
    }
    return {name: round(value, 5) for name, value in spent.items()} | {
        "round_trips": sum(session.round_trips for session in sessions),
        "wire_bytes": sum(one.lines.octets_in + one.lines.octets_out for one in sessions),
        "commits": measures.counts["commit"],
        # Those that the program itself asks for; the database adds its own to each commit.
        "fsyncs": measures.counts["fsync"],
        "db": connection.vendor,
        "tls": measures.tls,
        "server_caps": sorted(sessions[-1].capabilities) if sessions else [],
    }


def _stored(account: ExternalAccount, measures: Measures) -> int:
    """Count those of the listed messages that are stored; listed nowhere, those not deleted."""
    rows = RemoteUid.objects.filter(account=account, gone_at=None)
    return (rows.filter(deleted_at=None) if measures.listed is None else rows).count()


def _wait_until_searchable(account: ExternalAccount) -> float:
    """Wait until search knows every message; return the seconds for which it did not."""
    ids = list(Message.objects.filter(account=account).values_list("pk", flat=True))
    began, lag = time.perf_counter(), 0.0
    while _is_missing_any(ids) and lag < SEARCH_PATIENCE:
        time.sleep(SEARCH_PAUSE)
        lag = time.perf_counter() - began
    return lag


def _is_missing_any(ids: list[int]) -> bool:
    starts = range(0, len(ids), ASKED_AT_ONCE)
    return any(missing(ids[start : start + ASKED_AT_ONCE]) for start in starts)


def _cpu_seconds() -> float:
    return sum(os.times()[:4])


def _peak_memory() -> int:
    """Return the most octets of memory that this process ever held."""
    if STATUS.exists():
        line = next(one for one in STATUS.read_text().splitlines() if one.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
