"""The benchfetch command at a real Dovecot: what it counts, and when it calls a fetch complete."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import ExternalAccount, Plan
from mailstore.parsing import parse
from mailstore.queries import list_messages
from tests.fetcher.test_runs import Mailbox, letter
from tests.fetcher.test_runs import mailbox as mailbox  # noqa: PLC0414 - pytest finds it by name

pytestmark = [pytest.mark.servers, pytest.mark.django_db(transaction=True)]
PHASES = ("connect_s", "list_s", "wire_s", "parse_s", "store_s", "index_s")


def run(account: ExternalAccount) -> dict[str, Any]:
    out = io.StringIO()
    code: str | int | None = 0
    try:
        call_command("benchfetch", str(account.public_id), stdout=out)
    except SystemExit as ending:
        code = ending.code
    told: dict[str, Any] = json.loads(out.getvalue())
    assert code == (0 if told["ok"] else 1)
    return told


def test_it_tells_what_was_stored_and_where_the_time_went(mailbox: Mailbox) -> None:
    account = mailbox(letter(1), letter(2))
    told = run(account)
    assert (told["ok"], told["listed"], told["stored"], told["messages"]) == (True, 2, 2, 2)
    assert told["bytes"] == len(letter(1)) + len(letter(2))
    assert all(0 < told[phase] <= told["wall_s"] for phase in PHASES), told
    assert told["round_trips"] >= 3
    assert told["commits"] >= 3, "the run opened, the batch stored, the run closed"
    assert told["fsyncs"] >= 2, "a pack and its name"
    assert told["tls"] == "TLSv1.3"
    assert "PIPELINING" in told["server_caps"]
    assert len(list_messages(account.owner).messages) == 2


def test_a_poll_with_nothing_new_is_complete_too(mailbox: Mailbox) -> None:
    account = mailbox(letter(1))
    run(account)
    told = run(account)
    assert (told["ok"], told["listed"], told["stored"], told["messages"]) == (True, 1, 1, 0)


def test_a_message_left_behind_makes_it_incomplete(mailbox: Mailbox) -> None:
    Plan.objects.update_or_create(
        is_default=True, defaults={"name": "Standard", "max_message_bytes": len(letter(1))}
    )
    told = run(mailbox(letter(1), letter(2) + b"more\r\n"))
    assert (told["ok"], told["listed"], told["stored"]) == (False, 2, 1)
    assert told["errors"] == {"too_large": 1}


def test_a_refused_password_is_named(mailbox: Mailbox) -> None:
    told = run(mailbox(letter(1), password="wrong"))
    assert (told["ok"], told["errors"]) == (False, {"auth.failed": 1})


def test_afterwards_nothing_is_measured_any_more(mailbox: Mailbox) -> None:
    before = parse
    run(mailbox(letter(1)))
    from fetcher import keeping  # noqa: PLC0415 - looked at now, not when this file was read

    assert keeping.parse is before  # type: ignore[attr-defined]  # which it imports


@pytest.mark.django_db
def test_an_unknown_account_ends_with_2() -> None:
    with pytest.raises(CommandError) as error:
        call_command("benchfetch", "no-id")
    assert error.value.returncode == 2
