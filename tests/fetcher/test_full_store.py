"""A store that fills up: nothing is lost, nothing overshoots, and fetching goes on by itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts import quotas
from accounts.models import ExternalAccount, Quota
from fetcher.runs import run_fetch
from mailstore.models import Message
from tests.builders import make_account
from tests.fetcher.mailboxes import NAME, PASSWORD, hold, letter, letters, stored, visit
from tests.servers.scripted import Pop3Server

pytestmark = pytest.mark.django_db(transaction=True)
pipelined = pytest.mark.parametrize("kind", ["pipelined"])
SIZE = len(letter("a"))


def allow(account: ExternalAccount, octets: int) -> None:
    Quota.objects.filter(owner=account.owner).update(allowed_bytes=octets)


def used(account: ExternalAccount) -> int:
    return Quota.objects.get(owner=account.owner).used_bytes


@pipelined
def test_sizes_that_are_lies_fill_the_store_to_the_brim_and_the_rest_waits(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "abcdef")
    server.behave("LIST", lambda talk, _: talk.block([f"{n} 1" for n in range(1, 7)]))
    account.incoming.delete_after_days = 0
    account.incoming.save()
    allow(account, 4 * SIZE + 10)
    run = run_fetch(account.pk)
    assert run is not None
    assert (run.code, run.facts["waiting"], run.messages) == ("quota.full", 2, 4)
    assert stored() == letters("cdef")
    assert used(account) == 4 * SIZE
    assert server.deleted == set()


@pipelined
def test_freed_room_makes_waiting_accounts_due_at_once(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "abc")
    allow(account, 2 * SIZE)
    run_fetch(account.pk)
    account.refresh_from_db()
    now = timezone.now()
    assert account.last_code == "quota.full"
    assert account.next_fetch_at is not None
    assert now < account.next_fetch_at < now + timedelta(minutes=7), "raised limits are seen soon"
    quotas.give_back(account.owner_id, SIZE)
    assert list(ExternalAccount.objects.due(timezone.now())) == [account]
    quotas.take(account.owner_id, SIZE)

    allow(account, 3 * SIZE)
    visit(account)
    assert stored() == letters("abc")
    account.refresh_from_db()
    assert account.last_facts == {}


def test_freed_room_wakes_no_account_that_is_stopped(account: ExternalAccount) -> None:
    later = timezone.now() + timedelta(hours=1)
    ExternalAccount.objects.update(last_code="quota.full", state="paused", next_fetch_at=later)
    quotas.take(account.owner_id, 10)
    quotas.give_back(account.owner_id, 10)
    account.refresh_from_db()
    assert account.next_fetch_at == later


@pipelined
def test_parallel_visits_overshoot_by_nothing(server: Pop3Server, account: ExternalAccount) -> None:
    hold(server, "abcdefghijklmnopqrstuvwxyz")
    accounts = [account]
    for number in range(2):
        address = f"{number}@example.org"
        accounts.append(
            make_account(account.owner, address=address, password=PASSWORD, host="pop.example.org")
        )
    for one in accounts:
        type(one.incoming).objects.update(username=NAME)
    allow(account, 31 * SIZE + 5)

    def fetch(pk: int) -> str:
        try:
            run = run_fetch(pk)
            return run.code if run else "none"
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as threads:
        codes = list(threads.map(fetch, [one.pk for one in accounts]))
    assert set(codes) <= {"", "quota.full"}
    assert "quota.full" in codes
    assert used(account) == 31 * SIZE == SIZE * Message.objects.count()
    for one in accounts:
        of_one = Message.objects.filter(account=one)
        assert of_one.count() == len(set(of_one.values_list("subject", flat=True)))
