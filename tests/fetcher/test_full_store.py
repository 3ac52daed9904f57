"""A store that fills up: nothing is lost, nothing overshoots, and fetching goes on by itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts import quotas
from accounts.cards import card_for
from accounts.models import ExternalAccount, Quota
from fetcher import setaside
from fetcher.models import SetAside
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
def test_a_size_that_was_a_lie_is_learnt_at_the_first_time(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "abcdef")
    server.behave("LIST", lambda talk, _: talk.block([f"{n} 1" for n in range(1, 7)]))
    allow(account, 4 * SIZE + 10)
    run_fetch(account.pk)
    server.received.clear()
    run = run_fetch(account.pk)
    assert run is not None
    assert (run.code, run.facts["waiting"], run.facts["needs"]) == ("quota.full", 2, SIZE)
    assert b"RETR" not in server.heard()
    assert not setaside.rows_of(account), "nothing is wrong with it"

    allow(account, 4 * SIZE + SIZE)
    assert quotas.resume_waiting() == 1
    run_fetch(account.pk)
    assert stored() == letters("bcdef")
    allow(account, 6 * SIZE)
    visit(account)
    assert stored() == letters("abcdef")
    assert not SetAside.objects.exists()


@pipelined
def test_a_raised_limit_ends_the_words_at_once_and_fetching_resumes(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "abc")
    allow(account, 2 * SIZE)
    run_fetch(account.pk)
    allow(account, 3 * SIZE - 1)
    before = quotas.change_number(account.owner_id)
    assert quotas.resume_waiting() == 0, "there is no room for the one that waits"
    allow(account, 3 * SIZE)
    assert quotas.resume_waiting() == 1
    account.refresh_from_db()
    assert (account.last_code, card_for(account, now=timezone.now()).reason) == ("", None)
    assert list(ExternalAccount.objects.due(timezone.now())) == [account]
    assert quotas.change_number(account.owner_id) > before


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
    card = card_for(account, now=now)
    assert (card.tone, str(card.word)) == ("warn", "Waiting for room")
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
