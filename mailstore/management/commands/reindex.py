"""``manage.py reindex``: make every index again from the packs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from accounts.management.base import JsonCommand, Refused, person
from mailstore.reindexing import Progress, reindex


class Command(JsonCommand):
    json_help = "print one JSON line a batch"
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

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        owner_id = person(options["owner"]).pk if options["owner"] else None
        progress = Progress(options["after"], 0, 0)
        for progress in reindex(owner_id, after=options["after"]):
            self.stdout.write(
                json.dumps(asdict(progress))
                if options["json"]
                else f"{progress.messages} messages done, up to id {progress.after}."
            )
        if progress.damaged:
            raise Refused(
                f"{progress.damaged} messages are damaged and were left as they are; checkstore "
                "names them.",
                **asdict(progress),
            )
