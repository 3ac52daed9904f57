"""``manage.py exportmail``: take a person's raw messages out."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser

from accounts.management.base import WRONG_CALL, JsonCommand, Refused, person
from accounts.models import ExternalAccount
from mailstore.exporting import FORMS, export
from mailstore.models import Message, MessageQuerySet
from mailstore.packs import BlobDamaged


class Command(JsonCommand):
    help = (
        "Export raw messages, byte for byte (mbox quotes its From lines, reversibly). Exits with 0 "
        "when all were written, 1 when not, 2 when the call itself was wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--owner", required=True, metavar="EMAIL", help="whose mail")
        parser.add_argument("--account", metavar="ID", help="only this account's mail")
        parser.add_argument("--format", required=True, choices=sorted(FORMS), help="which form")
        parser.add_argument("destination", type=Path, metavar="DEST", help="a new folder or file")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        messages = _messages(options["owner"], options["account"])
        destination = options["destination"]
        try:
            with _private_files():
                count = export(messages, options["format"], destination)
        except FileExistsError as error:
            raise Refused(
                f"{destination} exists already. Name a new place.", returncode=WRONG_CALL
            ) from error
        except OSError as error:
            raise Refused(f"{destination} cannot be written: {error.strerror}.") from error
        except BlobDamaged as error:
            raise Refused(f"Stopped: {error}. What came before it was written.") from error
        if options["json"]:
            told = {"ok": True, "messages": count, "destination": str(destination)}
            self.stdout.write(json.dumps(told))
        else:
            self.stdout.write(f"{count} messages written to {destination}.")


@contextmanager
def _private_files() -> Iterator[None]:
    """Make what is written within for this user alone to read: it is private mail."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _messages(email: str, account: str | None) -> MessageQuerySet:
    owner = person(email)
    messages = Message.objects.for_user(owner)
    if account is None:
        return messages
    try:
        chosen = ExternalAccount.objects.get(owner=owner, public_id=account)
    except (ExternalAccount.DoesNotExist, ValidationError) as error:
        raise Refused(f"{email} has no account {account}.", returncode=WRONG_CALL) from error
    return messages.filter(account=chosen)
