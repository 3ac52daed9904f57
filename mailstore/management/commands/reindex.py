"""``manage.py reindex``: make every index again from the packs."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from mailstore.reindexing import Progress, reindex


class Command(BaseCommand):
    help = (
        "Make columns, parts, conversations, search words and counters again from the raw "
        "messages, while the program runs. Marks, folders and labels stay. Exits with 0 when all "
        "messages could be read, 1 when some are damaged, 2 when the call itself was wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--owner",
            metavar="EMAIL",
            help="only this person's mail; on SQLite, words that are there already stay",
        )
        parser.add_argument(
            "--after",
            type=int,
            default=0,
            metavar="ID",
            help="go on behind this message, the last that a stopped call has named",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON line a batch")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        progress = Progress(options["after"], 0, 0)
        for progress in reindex(_owner_id(options["owner"]), after=options["after"]):
            self.stdout.write(
                json.dumps(asdict(progress))
                if options["json"]
                else f"{progress.messages} messages done, up to id {progress.after}."
            )
        if progress.damaged:
            self.stderr.write(
                f"{progress.damaged} messages are damaged and were left as they are. "
                "checkstore names them."
            )
            sys.exit(1)


def _owner_id(email: str | None) -> int | None:
    if email is None:
        return None
    owner = User.objects.filter(email__iexact=email).first()
    if owner is None:
        raise CommandError(f"There is nobody with the address {email} here.", returncode=2)
    return owner.pk
