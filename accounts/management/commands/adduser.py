"""``manage.py adduser``: make a person who can sign in."""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser
from django.core.validators import validate_email

from accounts.management.base import WRONG_CALL, JsonCommand, Refused, read_password
from accounts.people import add_person


class Command(JsonCommand):
    help = (
        "Make a person who can sign in. Exits with 0 when made, 1 when the address is taken or "
        "the password refused, 2 when the call itself was wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="the address that the person signs in with")
        parser.add_argument("--admin", action="store_true", help="may administer this place")
        parser.add_argument(
            "--password-stdin",
            action="store_true",
            required=True,
            help="read the password from the first line of standard input",
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        try:
            validate_email(options["email"])
        except ValidationError as error:
            words = f"{options['email']!r} is no email address."
            raise Refused(words, returncode=WRONG_CALL) from error
        try:
            person = add_person(options["email"], read_password(), admin=options["admin"])
        except ValidationError as error:
            raise Refused(" ".join(error.messages)) from error
        if options["json"]:
            self.stdout.write(json.dumps({"ok": True, "id": person.pk, "email": person.email}))
        else:
            self.stdout.write(f"{person.email} can sign in now.")
