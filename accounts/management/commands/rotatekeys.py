"""``manage.py rotatekeys``: seal every secret again with the newest key."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils import timezone

from accounts.management.base import WRONG_CALL, JsonCommand, Refused
from accounts.rotation import rotate


class Command(JsonCommand):
    help = (
        "Seal every stored secret again with the newest of the keys, while the "
        "program runs; the older keys may be taken away afterwards. Exits with 0 when all secrets "
        "have the newest key, 1 when some do not open with any key, 2 when the call itself was "
        "wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--lost",
            action="store_true",
            help="forget secrets whose key is gone; their accounts ask for the password again, and "
            "second factors made with it are switched off",
        )
        parser.add_argument("--yes", action="store_true", help="forget them without asking")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        outcome = rotate(lost=False, now=timezone.now())
        if options["lost"] and outcome.unreadable:
            if not options["yes"]:
                self._confirm(outcome.unreadable, may_ask=not options["json"])
            forgotten = rotate(lost=True, now=timezone.now()).forgotten
            outcome = replace(outcome, unreadable=0, forgotten=forgotten)
        if outcome.unreadable:
            raise Refused(
                f"{outcome.unreadable} secrets open with no key here; put the missing one back "
                f"into {settings.CREDENTIAL_KEYS_FROM}, or forget them with --lost.",
                **asdict(outcome),
            )
        if options["json"]:
            self.stdout.write(json.dumps({"ok": True} | asdict(outcome)))
        else:
            self.stdout.write(
                f"Sealed again: {outcome.resealed}. Had the newest key already: {outcome.current}. "
                f"Forgotten: {outcome.forgotten}."
            )

    def _confirm(self, count: int, *, may_ask: bool) -> None:
        """Go on only with a person's word: what is forgotten cannot be had back."""
        if not (may_ask and sys.stdin.isatty()):
            raise Refused(
                f"{count} secrets would be forgotten for good; say --yes to agree.",
                returncode=WRONG_CALL,
            )
        self.stdout.write(f"{count} secrets open with no key here. Forget them for good? [y/N]")
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            raise Refused("Nothing was forgotten.")
