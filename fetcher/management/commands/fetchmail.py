"""``manage.py fetchmail``: visit accounts in the foreground and say what was stored."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser
from django.db import connection
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from accounts.explain import explain
from accounts.management.base import WRONG_CALL, JsonCommand, Refused
from accounts.models import ExternalAccount, State
from fetcher import service, tally
from fetcher.models import FetchRun
from fetcher.runs import run_fetch

WATCH_SECONDS = 0.5
BUSY = "run.busy"
INACTIVE = "run.inactive"


class Command(JsonCommand):
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

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        accounts = self._chosen(options)
        results = [self._fetch(account, options) for account in accounts]
        for sums in (tally.HOURS, service.DAYS):
            sums.write_down()
        if not all(result["ok"] for result in results):
            sys.exit(1)

    def _chosen(self, options: dict[str, Any]) -> Iterable[ExternalAccount]:
        if options["all"]:
            return list(ExternalAccount.objects.filter(state=State.ACTIVE).order_by("id"))
        try:
            return [ExternalAccount.objects.get(public_id=options["account"])]
        except (ExternalAccount.DoesNotExist, ValidationError) as error:
            raise Refused(
                f"There is no account {options['account']}; addaccount prints the id.",
                returncode=WRONG_CALL,
            ) from error

    def _fetch(self, account: ExternalAccount, options: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = {"account": str(account.public_id), "messages": 0, "octets": 0}
        more = True
        while more:
            with _progress(account, shown=not options["json"] and sys.stderr.isatty()):
                run = run_fetch(account.pk)
            more = _add(result, run) and options["until_done"]
        if not result["ok"]:
            result["error"] = _why(account, result)
        self._tell(account, result, as_json=options["json"])
        return result

    def _tell(self, account: ExternalAccount, result: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(result))
        elif result["ok"]:
            self.stdout.write(
                f"{account.name}: {result['messages']} messages, {result['octets']} bytes stored."
            )
        else:
            self.stderr.write(f"{account.name}: {result['error']}")


def _why(account: ExternalAccount, result: dict[str, Any]) -> str:
    """Say why nothing more was fetched; a visit that was not made tells itself no reason."""
    if result["code"] != BUSY:
        words = explain(result["code"], result["facts"])
        return f"{words.title} {words.advice}"
    account.refresh_from_db(fields=["state"])
    if account.state == State.ACTIVE:
        return "It is being fetched already; wait until that visit is over."
    result["code"] = INACTIVE
    return f"It is not fetched while its state is «{account.get_state_display()}»."


def _add(result: dict[str, Any], run: FetchRun | None) -> bool:
    """Add one visit to the result. Return whether a further visit would find more."""
    if run is None:
        result.update(ok=False, code=BUSY, facts={})
        return False
    result["messages"] += run.messages
    result["octets"] += run.octets
    result.update(ok=not run.code, code=run.code, facts=run.facts)
    return bool(not run.code and run.facts.get("later"))


class _progress:  # noqa: N801 - reads as a verb at its one use
    """Draw a bar from the account's own progress columns while a visit is under way."""

    def __init__(self, account: ExternalAccount, *, shown: bool) -> None:
        self.account = account
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._draw) if shown else None

    def __enter__(self) -> None:
        if self.thread:
            self.thread.start()

    def __exit__(self, *_error: object) -> None:
        self.done.set()
        if self.thread:
            self.thread.join()

    def _draw(self) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(self.account.name, total=None)
            while not self.done.wait(WATCH_SECONDS):
                row = ExternalAccount.objects.only("progress_done", "progress_total").get(
                    pk=self.account.pk
                )
                bar.update(task, completed=row.progress_done, total=row.progress_total or None)
        connection.close()
