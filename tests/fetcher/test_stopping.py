"""A visit that its owner stops: it ends soon, keeps what it has, and goes on where it was."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from itertools import count
from threading import Event

import pytest
from django.db import OperationalError, connection
from django.db.models import QuerySet
from django.utils import timezone

from accounts import roster
from accounts.models import ExternalAccount, State
from fetcher import runs, stopping
from fetcher.journal import Entry
from fetcher.leases import LONGEST_VISIT
from fetcher.models import FetchRun, RemoteUid
from fetcher.runs import run_fetch
from fetcher.sessions import OVERTIME_SECONDS
from fetcher.stopping import VISIT_SECONDS, Allowance, Unwanted, either
from mailstore.models import Message
from tests.builders import make_account, make_user
from tests.fetcher.offers import LETTERS, Offer
from tests.servers.scripted import Pop3Server
from wire.deadline import STEADY
from wire.pop3 import Limits

Verb = Callable[[ExternalAccount], None]


def after(messages: int, act: Callable[[], None]) -> Callable[[], bool]:
    """Make a question that is never answered yes, and does something after so many messages."""
    asked = count(1)

    def ask() -> bool:
        if next(asked) == messages:
            act()
        return False

    return ask


@pytest.fixture
def looks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "LOOK_SECONDS", 0)


@pytest.mark.servers
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("small_batches", "looks_at_once")
def test_a_paused_visit_ends_soon_and_a_resumed_one_goes_on_where_it_was(
    offer: Callable[..., Offer],
) -> None:
    box = offer()
    account = box.account

    def pause() -> None:
        roster.pause(ExternalAccount.objects.get(pk=account.pk), now=timezone.now())

    paused = run_fetch(account.pk, stopping=after(20, pause))
    account.refresh_from_db()
    assert paused is not None
    assert paused.messages == 20, "what had come is kept"
    assert Entry(paused).to_come == len(LETTERS) - 20
    assert (account.state, account.next_fetch_at, account.last_code) == (State.PAUSED, None, "")
    assert run_fetch(account.pk) is None

    roster.resume(account, now=timezone.now())
    assert list(ExternalAccount.objects.due(timezone.now())) == [account]
    resumed = run_fetch(account.pk)
    assert resumed is not None
    assert resumed.messages == len(LETTERS) - 20, "nothing is fetched twice"
    assert RemoteUid.objects.count() == Message.objects.count() == len(LETTERS)


@pytest.mark.servers
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("small_batches", "looks_at_once")
def test_an_account_removed_meanwhile_is_left_at_once(offer: Callable[..., Offer]) -> None:
    account = offer().account
    removal = after(5, lambda: roster.remove_account(account, now=timezone.now()))
    run = run_fetch(account.pk, stopping=removal)
    assert run is not None
    assert run.messages == 5
    assert not FetchRun.objects.filter(closed_at=None).exists()


@pytest.mark.django_db
def test_the_database_is_asked_once_a_second_at_most(
    django_assert_num_queries: Callable[..., object],
) -> None:
    account = make_account(make_user())
    unwanted = Unwanted(account.pk)
    ExternalAccount.objects.update(state=State.PAUSED)
    with django_assert_num_queries(0):  # type: ignore[attr-defined]  # a context manager
        assert not any(unwanted() for _ in range(1000))


@pytest.mark.django_db
@pytest.mark.usefixtures("looks_at_once")
def test_a_yes_stays_and_an_absent_database_forbids_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = make_account(make_user())
    unwanted = Unwanted(account.pk)

    def fail(_rows: QuerySet[ExternalAccount]) -> bool:
        raise OperationalError

    with monkeypatch.context() as outage:
        outage.setattr(QuerySet, "exists", fail)
        outage.setattr(connection, "close", lambda: None)
        assert not unwanted()
    ExternalAccount.objects.update(state=State.PAUSED)
    assert unwanted()
    ExternalAccount.objects.update(state=State.ACTIVE)
    assert unwanted()


def test_one_reason_is_enough() -> None:
    assert not either(lambda: False, lambda: False)()
    assert either(lambda: False, lambda: True)()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "lock step"])
def test_a_visit_whose_time_is_up_says_goodbye_and_goes_on_at_once(
    pipelining: bool,
    account_at: Callable[[Pop3Server], ExternalAccount],
    good: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runs, "VISIT_SECONDS", 0)
    goodbye = Event()
    with Pop3Server(*LETTERS[:3], context=good, pipelining=pipelining) as server:
        account = account_at(server.behave("QUIT", lambda *_: goodbye.set()))
        for number in (1, 2, 3):
            goodbye.clear()
            run = run_fetch(account.pk)
            account.refresh_from_db()
            assert run is not None
            assert (run.code, run.messages) == ("", 1)
            assert (account.last_code, account.failing_since) == ("", None)
            assert account.next_fetch_at is not None
            assert account.next_fetch_at <= timezone.now()
            assert Message.objects.count() == number
            assert goodbye.wait(20), "its answer is not waited for"
        run_fetch(account.pk)
        account.refresh_from_db()
    assert account.next_fetch_at is not None
    assert account.next_fetch_at > timezone.now()


def test_an_allowance_that_is_not_up_lets_all_through() -> None:
    allowance = Allowance(60)
    assert list(allowance.spend(range(3))) == [0, 1, 2]
    assert not allowance.is_up


def test_an_allowance_that_is_up_from_the_beginning_lets_one_through() -> None:
    allowance = Allowance(0)
    assert list(allowance.spend(range(3))) == [0]
    assert allowance.is_up


def test_a_visit_ends_by_itself_before_its_session_is_made_to() -> None:
    assert Limits().session_seconds / 2 >= VISIT_SECONDS
    longest = Limits().session_seconds + OVERTIME_SECONDS
    assert longest * STEADY > Limits().message_bytes
    assert longest < LONGEST_VISIT.total_seconds()
