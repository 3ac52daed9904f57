"""What Muara's commands share: ``--json``, one sentence for each failure, honest exit codes."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseTrouble

from accounts.models import User
from accounts.preparing import wait_until_prepared

WRONG_CALL = 2
INTERRUPTED = 130


class Refused(CommandError):
    """A command could not do what it was asked; ``facts`` stand beside the sentence in JSON."""

    def __init__(self, sentence: str, *, returncode: int = 1, **facts: Any) -> None:
        super().__init__(sentence, returncode=returncode)
        self.facts = facts


class PlainCommand(BaseCommand):
    """A command whose failures are told in a shell as ``muara:`` and one sentence.

    Subclasses raise Refused, or CommandError, with a sentence that says what to do.
    """

    in_shell = False

    def run_from_argv(self, argv: list[str]) -> None:
        """Run from a shell, where a failure is told rather than raised."""
        self.in_shell = True
        super().run_from_argv(argv)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command and tell how it failed, if it did."""
        try:
            wait_until_prepared(self.stderr.write)
            return super().execute(*args, **options)
        except KeyboardInterrupt:
            failure = CommandError("Stopped; what was done is kept.", returncode=INTERRUPTED)
        except DatabaseTrouble as error:
            failure = CommandError(f"The database cannot be used ({error}); {_remedy(error)}.")
        except CommandError as error:
            failure = error
        as_json = options.get("json", False)
        if not (as_json or self.in_shell):
            raise failure
        self.tell_failure(failure, as_json=as_json)
        sys.exit(failure.returncode)

    def tell_failure(self, failure: CommandError, *, as_json: bool) -> None:
        """Say in one sentence, or as one JSON object, what went wrong."""
        if as_json:
            facts = getattr(failure, "facts", {})
            self.stdout.write(json.dumps({"ok": False, "error": str(failure)} | facts))
        else:
            self.stderr.write(f"muara: {failure}")


class JsonCommand(PlainCommand):
    """A command whose every answer, failures included, is JSON on standard output with ``--json``.

    A wrong call counts as a failure too.
    """

    json_help = "print one JSON line"

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Give every such command the same option."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.add_argument("--json", action="store_true", help=self.json_help)
        return parser

    def run_from_argv(self, argv: list[str]) -> None:
        """Run from a shell; with ``--json`` a wrong call is told as JSON too."""
        if "--json" in argv:
            try:
                # Made for a program, the parser raises what it would print for a person.
                self.create_parser(argv[0], argv[1]).parse_args(argv[2:])
            except CommandError as error:
                words = str(error).removeprefix("Error: ")
                self.tell_failure(Refused(f"{words}."), as_json=True)
                sys.exit(WRONG_CALL)
        super().run_from_argv(argv)


def _remedy(error: Exception) -> str:
    lacking = "no such" in str(error) or "does not exist" in str(error)
    return "run manage.py migrate first" if lacking else "see that it is there and can be written"


def read_password() -> str:
    """Read one line from standard input; refuse where there is none."""
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise Refused("No password came by standard input.", returncode=WRONG_CALL)
    return password


def person(email: str) -> User:
    """Return whom an address belongs to; refuse one that nobody here has."""
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        raise Refused(f"There is nobody with the address {email} here.", returncode=WRONG_CALL)
    return user
