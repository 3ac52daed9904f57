"""``manage.py rotatekeys``: seal every secret again with the newest key."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from accounts.rotation import rotate


class Command(BaseCommand):
    help = (
        "Seal every stored secret again with the newest of MUARA_CREDENTIAL_KEYS, while the "
        "program runs; the older keys may be taken away afterwards. Exits with 0 when all secrets "
        "have the newest key, 1 when some do not open with any key."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--lost",
            action="store_true",
            help="forget secrets whose key is gone; their accounts ask for the password again, and "
            "second factors made with it are switched off",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON line")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        outcome = rotate(lost=options["lost"], now=timezone.now())
        if options["json"]:
            self.stdout.write(json.dumps({"ok": not outcome.unreadable} | asdict(outcome)))
        else:
            self.stdout.write(
                f"Sealed again: {outcome.resealed}. Had the newest key already: {outcome.current}. "
                f"Forgotten: {outcome.forgotten}."
            )
        if outcome.unreadable:
            self.stderr.write(
                f"{outcome.unreadable} secrets open with no key here. Put the missing one back "
                "into MUARA_CREDENTIAL_KEYS, or forget them with --lost."
            )
            sys.exit(1)
