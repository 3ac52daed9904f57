"""``manage.py fetchmail``: visit accounts in the foreground and say what was stored."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser
from django.db import connection
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from accounts.explain import explain
from accounts.management.base import WRONG_CALL, JsonCommand, Refused
from accounts.models import ExternalAccount, State
from fetcher.models import FetchRun
from fetcher.outcomes import close_stale_runs
from fetcher.runs import run_fetch
from fetcher.spreading import Result, spread
from fetcher.stopping import Stopping

WATCH_SECONDS = 0.5
BUSY, INACTIVE, LOST = "run.busy", "run.inactive", "run.lost"


class Command(JsonCommand):
    # They read every address and form of the web pages, for a third of what a start costs.
    requires_system_checks = ()
    json_help = "print one JSON line an account"
    help = (
        "Fetch mail now, in the foreground. Exits with 0 when every account was fetched, 1 when "
        "one could not be, 2 when the call itself was wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("account", nargs="?", help="the id that addaccount printed")
        which.add_argument("--all", action="store_true", help="every active account")
        parser.add_argument(
            "--until-done",
            action="store_true",
            help="go on until nothing is left that a limit per visit has put off",
        )
        parser.add_argument(
            "--processes",
            type=_count,
            default=os.cpu_count() or 1,
            metavar="N",
            help="share the accounts among so many processes (default: the processors)",
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        accounts = {account.pk: account for account in self._chosen(options)}
        fetch = partial(_fetch, accounts, until_done=options["until_done"])
        processes, as_json = min(options["processes"], len(accounts)), options["json"]
        ended: dict[int, bool] = {}
        # Where no worker runs, nobody else frees what a killed command was fetching.
        close_stale_runs(now=timezone.now())
        with (
            spread(list(accounts), fetch, processes=processes) as results,
            # A thread of its own begins after the processes, which would begin with half of it.
            _bars(accounts.values(), shown=not as_json and sys.stderr.isatty()),
        ):
            for pk, result in results:
                ended[pk] = self._tell(accounts[pk], result, as_json=as_json)
        for pk in accounts.keys() - ended.keys():
            ended[pk] = self._tell(accounts[pk], _lost(accounts[pk]), as_json=as_json)
        if not all(ended.values()):
            sys.exit(1)

    def _chosen(self, options: dict[str, Any]) -> Sequence[ExternalAccount]:
        if options["all"]:
            return list(ExternalAccount.objects.filter(state=State.ACTIVE).order_by("id"))
        try:
            return [ExternalAccount.objects.get(public_id=options["account"])]
        except (ExternalAccount.DoesNotExist, ValidationError) as error:
            raise Refused(
                f"There is no account {options['account']}; addaccount prints the id.",
                returncode=WRONG_CALL,
            ) from error

    def _tell(self, account: ExternalAccount, result: Result, *, as_json: bool) -> bool:
        """Say how it went; return whether it went well."""
        if as_json:
            self.stdout.write(json.dumps(result))
        elif result["ok"]:
            self.stdout.write(
                f"{account.name}: {result['messages']} messages, {result['octets']} bytes stored."
            )
        else:
            self.stderr.write(f"{account.name}: {result['error']}")
        return bool(result["ok"])


def _count(word: str) -> int:
    """Read a number of at least 1."""
    if (count := int(word)) < 1:
        raise ValueError
    return count


def _fetch(
    accounts: Mapping[int, ExternalAccount], pk: int, stopping: Stopping, *, until_done: bool
) -> Result:
    """Visit one account, once or until nothing is put off."""
    account, more = accounts[pk], True
    result = _nothing(account)
    while more:
        more = _add(result, run_fetch(pk, stopping=stopping)) and until_done
    if not result["ok"]:
        result["error"] = _why(account, result)
    return result


def _nothing(account: ExternalAccount) -> Result:
    return {"account": str(account.public_id), "messages": 0, "octets": 0}


def _lost(account: ExternalAccount) -> Result:
    """Tell of an account whose process was killed; its visit is made again once its lease ends."""
    error = "The process that fetched it ended before it was done; what it stored is kept."
    return _nothing(account) | {"ok": False, "code": LOST, "facts": {}, "error": error}


def _why(account: ExternalAccount, result: Result) -> str:
    """Say why nothing more was fetched; a visit that was not made tells itself no reason."""
    if result["code"] != BUSY:
        words = explain(result["code"], result["facts"])
        return f"{words.title} {words.advice}"
    account.refresh_from_db(fields=["state"])
    if account.state == State.ACTIVE:
        return "It is being fetched already; wait until that visit is over."
    result["code"] = INACTIVE
    return f"It is not fetched while its state is «{account.get_state_display()}»."


def _add(result: Result, run: FetchRun | None) -> bool:
    """Add one visit to the result. Return whether a further visit would find more."""
    if run is None:
        result.update(ok=False, code=BUSY, facts={})
        return False
    result["messages"] += run.messages
    result["octets"] += run.octets
    result.update(ok=not run.code, code=run.code, facts=run.facts)
    return bool(not run.code and run.facts.get("later"))


@contextmanager
def _bars(accounts: Collection[ExternalAccount], *, shown: bool) -> Iterator[None]:
    """Draw a bar for each account under way, from the progress columns that visits write."""
    if not shown:
        yield
        return
    done = threading.Event()
    thread = threading.Thread(target=_draw, args=(accounts, done))
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _draw(accounts: Collection[ExternalAccount], done: threading.Event) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks = {x.pk: bars.add_task(x.name, total=None, visible=False) for x in accounts}
        while not done.wait(WATCH_SECONDS):
            rows = ExternalAccount.objects.filter(pk__in=tasks)
            for pk, kept, total in rows.values_list("pk", "progress_done", "progress_total"):
                bars.update(tasks[pk], completed=kept, total=total or None, visible=bool(total))
    connection.close()
