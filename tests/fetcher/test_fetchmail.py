"""The fetchmail command at a real Dovecot: what it stores, prints and answers with."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Min
from django.utils import timezone

from accounts.models import ExternalAccount, State
from fetcher.leases import LEASE
from fetcher.models import FetchRun
from mailstore.models import Message
from tests.fetcher.offers import LETTERS, Offer
from tests.fetcher.test_runs import Mailbox, letter
from tests.fetcher.test_runs import mailbox as mailbox  # noqa: PLC0414 - pytest finds it by name

pytestmark = [pytest.mark.servers, pytest.mark.django_db(transaction=True)]


def run(*words: str) -> str:
    out = io.StringIO()
    call_command("fetchmail", *words, stdout=out, stderr=out)
    return out.getvalue()


def test_it_stores_what_is_there_and_says_how_much(mailbox: Mailbox) -> None:
    account = mailbox(letter(1), letter(2))
    said = run(str(account.public_id))
    assert "2 messages" in said
    assert Message.objects.count() == 2


def test_until_done_goes_on_past_the_limit_of_a_visit(mailbox: Mailbox) -> None:
    account = mailbox(*(letter(number) for number in range(5)), max_per_cycle=2)
    once = json.loads(run(str(account.public_id), "--json"))
    assert (once["messages"], once["facts"]) == (2, {"later": 3})
    rest = json.loads(run("--all", "--until-done", "--json"))
    assert (rest["messages"], rest["ok"], rest["facts"]) == (3, True, {})


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("processes", ["1", "2"])
def test_all_accounts_are_visited_side_by_side(offer: Callable[[], Offer], processes: str) -> None:
    accounts = [offer().account for _ in range(18)]
    lines = run("--all", "--json", "--processes", processes).splitlines()
    told = [json.loads(line) for line in lines]
    stored = {result["account"]: result["messages"] for result in told}
    assert stored == {str(one.public_id): len(LETTERS) for one in accounts}
    first_end = FetchRun.objects.aggregate(Min("closed_at"))["closed_at__min"]
    assert FetchRun.objects.filter(opened_at__lt=first_end).count() > 1


def test_a_refused_password_is_told_in_words_and_ends_with_1(
    mailbox: Mailbox, capsys: pytest.CaptureFixture[str]
) -> None:
    account = mailbox(letter(1), password="wrong")
    with pytest.raises(SystemExit) as ending:
        call_command("fetchmail", str(account.public_id))
    assert ending.value.code == 1
    assert "did not accept this user name and password" in capsys.readouterr().err


def test_an_account_under_way_is_left_to_whoever_fetches_it(
    mailbox: Mailbox, capsys: pytest.CaptureFixture[str]
) -> None:
    account = mailbox(letter(1))
    now = timezone.now()
    FetchRun.objects.create(account=account, opened_at=now, lease_until=now + LEASE)
    with pytest.raises(SystemExit):
        call_command("fetchmail", str(account.public_id))
    assert "being fetched already" in capsys.readouterr().err


def test_what_a_killed_command_was_fetching_is_free_once_its_lease_is_up(mailbox: Mailbox) -> None:
    account = mailbox(letter(1))
    then = timezone.now() - 2 * LEASE
    FetchRun.objects.create(account=account, opened_at=then, lease_until=then + LEASE)
    assert "1 messages" in run(str(account.public_id))


def test_an_account_that_rests_is_not_called_busy(
    mailbox: Mailbox, capsys: pytest.CaptureFixture[str]
) -> None:
    account = mailbox(letter(1), state=State.PAUSED, next_fetch_at=None)
    with pytest.raises(SystemExit):
        call_command("fetchmail", str(account.public_id), "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["code"]) == (False, "run.inactive")
    assert told["error"] == "It is not fetched while its state is «Paused»."


@pytest.mark.django_db
@pytest.mark.parametrize("word", ["no-id", "8c6a5fd0-0000-4000-8000-000000000000"])
def test_an_unknown_account_ends_with_2(word: str) -> None:
    assert not ExternalAccount.objects.exists()
    with pytest.raises(CommandError) as error:
        run(word)
    assert error.value.returncode == 2
