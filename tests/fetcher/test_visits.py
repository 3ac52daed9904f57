"""Accounts are visited side by side: those whose servers hang keep nobody else waiting."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Thread

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.models import ExternalAccount, Plan, State, User
from aggregator.celery import app
from fetcher import visits
from fetcher.claims import claim_due_accounts
from fetcher.models import FetchRun, RemoteFolder
from fetcher.tasks import fetch_accounts
from tests.builders import make_account, make_user
from tests.servers.scripted import Pop3Server, says, says_then_stalls, then
from tests.sweeps import IS_WHOLE
from wire.endpoint import Security
from wire.guard import Guard

pytestmark = pytest.mark.django_db(transaction=True)
NAME, PASSWORD = "box@example.org", "secret"
HANGING, HONEST = (200, 50) if IS_WHOLE else (40, 10)


@contextmanager
def server_of(*messages: bytes) -> Iterator[Pop3Server]:
    """Run a server that needs no certificate."""
    with Pop3Server(*messages, security=Security.PLAIN) as server:
        server.secret = NAME, PASSWORD
        yield server


def make_accounts(owner: User, hosts: list[str]) -> list[ExternalAccount]:
    """Make an account at each host; all of them have the same name there."""
    Plan.objects.update_or_create(is_default=True, defaults={"name": "Open", "allow_plain": True})
    accounts = []
    for host in hosts:
        address = f"{ExternalAccount.objects.count()}@example.org"
        account = make_account(owner, address=address, host=host, password=PASSWORD)
        account.incoming.port, account.incoming.security = 110, "plain"
        account.incoming.username = NAME
        account.incoming.save()
        accounts.append(account)
    return accounts


def lead(settings: Settings, ways: dict[str, Pop3Server]) -> None:
    """Lead names to servers."""
    pairs = {
        (host, 110): next(iter(server.guard.connect_to.values())) for host, server in ways.items()
    }
    settings.GUARD = Guard(connect_to=pairs)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("hosts", [1, HANGING], ids=["one server", "many servers"])
def test_accounts_that_hang_keep_no_honest_one_waiting(
    hosts: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CONNECTIONS_PER_HOST = HANGING // 2
    monkeypatch.setattr(visits, "PATIENCE_SECONDS", 0.5)
    names = [f"hangs{number % hosts}.example.org" for number in range(HANGING)]
    with server_of(b"Subject: hello\r\n\r\nhello\r\n") as good, server_of() as bad:
        bad.behave("GREETING", says_then_stalls(b""))
        lead(settings, dict.fromkeys(names, bad) | {"good.example.org": good})
        owner = make_user()
        make_accounts(owner, names)
        honest = make_accounts(owner, ["good.example.org"] * HONEST)
        # One slot of the worker only: one batch after the other.
        batches = list(claim_due_accounts(timezone.now()))
        worker = Thread(target=work, args=(batches,))
        worker.start()
        keys = [account.pk for account in honest]
        wait_for_visits(keys)
        under_way = FetchRun.objects.filter(closed_at=None)
        assert under_way.count() == (HANGING if hosts > 1 else HANGING // 2)
        assert not under_way.filter(account__in=keys).exists()
        worker.join()
        assert ExternalAccount.objects.filter(last_checked_at=None).count() == HANGING
    wait_for_end()


@pytest.mark.timeout(20)
def test_a_first_hang_of_more_servers_than_there_are_places_keeps_no_honest_one_waiting(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visits, "_FREE", BoundedSemaphore(3))
    monkeypatch.setattr(visits, "PATIENCE_SECONDS", 0.1)
    names = [f"hangs{number}.example.org" for number in range(9)]
    with server_of(b"Subject: hello\r\n\r\nhello\r\n") as good, server_of() as bad:
        bad.behave("GREETING", says_then_stalls(b""))
        lead(settings, dict.fromkeys(names, bad) | {"good.example.org": good})
        owner = make_user()
        hanging = make_accounts(owner, names)
        honest = make_accounts(owner, ["good.example.org"])
        worker = Thread(target=work, args=([[account.pk for account in hanging + honest]],))
        worker.start()
        wait_for_visits([account.pk for account in honest])
        assert FetchRun.objects.filter(closed_at=None, by_worker=True).count() == len(hanging)
        worker.join()
    wait_for_end()
    assert visits._FREE._value == 3
    assert visits._FREE_TO_LAST._value == visits.LASTING


def work(batches: list[list[int]]) -> None:
    try:
        for batch in batches:
            visits.visit_all(batch, lambda: False)
    finally:
        connection.close()


def wait_for_visits(account_ids: list[int]) -> None:
    while ExternalAccount.objects.filter(pk__in=account_ids, last_checked_at=None).exists():
        time.sleep(0.05)


def wait_for_end() -> None:
    """Wait for visits that go on after their batch."""
    while FetchRun.objects.filter(closed_at=None).exists():
        time.sleep(0.05)


def test_visits_that_find_nothing_share_their_statements(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visits, "GATHERED_SECONDS", 60.0)
    with server_of(b"Subject: hello\r\n\r\nhello\r\n") as server:
        lead(settings, {"good.example.org": server})
        accounts = make_accounts(make_user(), ["good.example.org"] * 10)
        keys = [account.pk for account in accounts]
        for _ in range(2):
            visits.visit_all(keys, lambda: False)
        ExternalAccount.objects.update(last_checked_at=None, last_code="x", refusals=1)
        with CaptureQueriesContext(connection) as queries:
            visits.visit_all(keys, lambda: False)
    assert len(queries) < 2 * len(keys)
    for account in ExternalAccount.objects.all():
        assert account.last_checked_at is not None
        assert (account.last_code, account.refusals, account.dispatched_until) == ("", 0, None)
        assert account.next_fetch_at is not None
        assert (account.next_fetch_at - account.last_checked_at).total_seconds() == 300
    assert FetchRun.objects.count() == len(keys), "one for each first visit, none for the others"
    assert RemoteFolder.objects.count() == len(keys)


def test_an_account_that_was_paused_meanwhile_is_left_to_its_owner(settings: Settings) -> None:
    with server_of() as server:
        lead(settings, {"good.example.org": server})
        (account,) = make_accounts(make_user(), ["good.example.org"])
        visits.visit_all([account.pk], lambda: False)

        def pause(*_: object) -> None:
            ExternalAccount.objects.update(state=State.PAUSED, next_fetch_at=None)
            connection.close()

        server.behave("STAT", then(pause, says(b"+OK 0 0\r\n")))
        visits.visit_all([account.pk], lambda: False)
    account.refresh_from_db()
    assert (account.state, account.next_fetch_at) == (State.PAUSED, None)
    assert not FetchRun.objects.filter(closed_at=None).exists()


def test_a_batch_that_ends_sees_what_else_is_due(settings: Settings) -> None:
    with server_of() as server:
        lead(settings, {"good.example.org": server})
        (account,) = make_accounts(make_user(), ["good.example.org"])
        (other,) = make_accounts(account.owner, ["other.example.org"])
        fetch_accounts([account.pk])
    with app.connection_for_read() as broker:
        nudge = broker.SimpleQueue("celery").get(block=False)
        nudge.ack()
    assert nudge.headers["task"] == fetch_accounts.name
    other.refresh_from_db()
    assert other.dispatched_until is not None
