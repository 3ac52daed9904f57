"""``manage.py addaccount``: test a server and add the account, as the page does."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from accounts import onboarding, probe_runs
from accounts.explain import explain_once
from accounts.forms.adding import AccountForm
from accounts.management.base import WRONG_CALL, JsonCommand, Refused, person, read_password
from accounts.models import Probe, User
from accounts.models.probe import ProbeState
from accounts.onboarding import AccountRefused, NewAccount
from accounts.policy import policy_of
from wire.endpoint import Protocol


class Command(JsonCommand):
    help = (
        "Sign in to a mail server and add the account once that has worked; prints its id. Exits "
        "with 0 when added, 1 when the test failed, 2 when the call itself was wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--owner", required=True, help="address of the person it belongs to")
        parser.add_argument("--address", required=True, help="address of the mailbox")
        parser.add_argument("--protocol", required=True, choices=["pop3", "imap"])
        parser.add_argument("--host", required=True, help="name of the server")
        parser.add_argument("--port", required=True, type=int, help="995 with tls, else 110")
        parser.add_argument("--security", required=True, choices=["tls", "starttls", "plain"])
        parser.add_argument("--username", required=True)
        parser.add_argument(
            "--password-stdin",
            action="store_true",
            required=True,
            help="read the password from the first line of standard input",
        )
        parser.add_argument(
            "--delete-after-days",
            type=int,
            choices=[0, 7, 14, 30],
            help="delete at the provider so long after storing; without it, never",
        )
        parser.add_argument("--name", default="", help="how the account is called here")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        owner = person(options["owner"])
        wanted = _wanted(owner, options, read_password())
        try:
            probe = onboarding.begin_probe(owner, wanted, now=timezone.now(), limited=False)
            probe_runs.run_now(probe)
        except AccountRefused as error:
            raise _refusal(error.code, error.facts) from error
        if probe.state == ProbeState.FAILED:
            raise _refusal(probe.code, probe.facts)
        self._tell(probe, options)

    def _tell(self, probe: Probe, options: dict[str, Any]) -> None:
        account = str(probe.account.public_id) if probe.account else ""
        if options["json"]:
            self.stdout.write(json.dumps({"ok": True, "account": account} | probe.facts))
        else:
            self.stdout.write(account)


def _refusal(code: str, facts: dict[str, Any]) -> Refused:
    words = explain_once(code, facts)
    sentence = f"{words.title} {words.advice}"
    return Refused(sentence, code=code, title=words.title, advice=words.advice)


def _told(error: dict[str, str]) -> str:
    """Speak of another person's plan: whoever calls may well be the administrator."""
    if error["code"] == "policy.plain":
        return (
            "The plan of this person does not allow unencrypted connections; use tls or starttls, "
            "or let an administrator allow them in the plan."
        )
    return error["message"]


def _wanted(owner: User, options: dict[str, Any], password: str) -> NewAccount:
    """Let the form of the page judge the values; end with exit code 2 where it refuses one."""
    days = options["delete_after_days"]
    typed = {
        **{name: options[name] for name in ("address", "name", "host", "port", "security")},
        "username": options["username"],
        "password": password,
        "delete_from_server": days is not None,
        "delete_after_days": days or 0,
    }
    protocol = Protocol(options["protocol"])
    form = AccountForm(typed, policy=policy_of(owner), protocol=protocol)
    if not form.is_valid():
        refusals = form.errors.get_json_data().items()
        told = (f"{name}: {_told(error)}" for name, errors in refusals for error in errors)
        raise Refused(" ".join(told), returncode=WRONG_CALL)
    return form.wanted_for(options["address"])
