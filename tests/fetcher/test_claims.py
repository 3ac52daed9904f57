"""Who is visited next: everybody in turn, no server by too many at once, found from an index."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import chain
from threading import Thread
from time import monotonic

import pytest
from django.db import connection
from pytest_django import Settings

from accounts.models import ExternalAccount, IncomingServer
from fetcher import claims
from fetcher.claims import Due, UnderWay, choose, claim_due_accounts
from tests.builders import make_account, make_user
from tests.sweeps import IS_WHOLE, RESULTS, seconds

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NONE = timedelta()
SOON = NOW + timedelta(seconds=1)
on_postgresql = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="tests/test_on_postgres.py runs it there"
)


def claimed(now: datetime) -> list[int]:
    return list(chain.from_iterable(claim_due_accounts(now)))


def test_a_crowded_server_makes_room_for_the_others() -> None:
    queue = [Due(number, "a", is_failing=False) for number in range(5)]
    queue.append(Due(5, "b", is_failing=False))
    under_way = UnderWay()
    under_way.by_host["a"] = 1
    assert choose(queue, under_way, per_host=3) == {NONE: [0, 1, 5], claims.SET_BACK: [2, 3, 4]}


def test_accounts_that_failed_last_time_never_take_all_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(claims, "FAILING_UNDER_WAY", 2)
    queue = [Due(number, f"h{number}", is_failing=number != 3) for number in range(5)]
    assert choose(queue, UnderWay(), per_host=9) == {
        NONE: [0, 1, 3],
        claims.FAILING_SET_BACK: [2, 4],
    }


def test_a_long_queue_before_one_server_is_not_looked_at_all_the_time() -> None:
    queue = [Due(number, "a", is_failing=False) for number in range(1000)]
    waits = choose(queue, UnderWay(), per_host=100)
    assert [len(some) for some in waits.values()] == [100] * 10
    assert max(waits) == claims.SET_BACK * 9


@pytest.mark.django_db
def test_connections_to_a_server_are_counted_over_all_workers(settings: Settings) -> None:
    settings.CONNECTIONS_PER_HOST = 3
    owner = make_user()
    same = [
        make_account(owner, address=f"s{n}@example.org", host="POP.example.org", next_fetch_at=NOW)
        for n in range(5)
    ]
    first = claimed(SOON)
    assert sorted(first) == [account.pk for account in same[:3]]
    other = make_account(owner, address="o@example.org", host="b.example.org", next_fetch_at=NOW)
    later = SOON + timedelta(seconds=20)
    assert claimed(later) == [other.pk], "the server has enough of us, whoever asks"
    ExternalAccount.objects.filter(pk=first[0]).update(dispatched_until=None)
    assert len(claimed(later + claims.SET_BACK)) == 1


@pytest.mark.django_db
def test_what_is_claimed_waits_in_the_database_and_not_in_the_broker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(claims, "UNDER_WAY", 2)
    owner = make_user()
    for number in range(3):
        make_account(owner, address=f"{number}@example.org", next_fetch_at=NOW)
    assert len(claimed(SOON)) == 2
    assert claimed(SOON) == []


def fill(count: int) -> None:
    """Make so many accounts of a thousand servers, visited every five minutes, evenly spread."""
    model = make_account(make_user(), next_fetch_at=NOW)
    names = [field.column for field in ExternalAccount._meta.concrete_fields]
    own = {
        "id": f"{model.pk} + n",
        "public_id": "gen_random_uuid()",
        "address": "n || '@example.org'",
        "next_fetch_at": "next_fetch_at + n * interval '300 seconds' / %s",
    }
    quoted = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(own.get(name, f'"{name}"') for name in names)
    servers = [
        field.column for field in IncomingServer._meta.concrete_fields if field.column != "id"
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO accounts_externalaccount ({quoted}) SELECT {values} "
            "FROM accounts_externalaccount, generate_series(1, %s) AS n",
            [count, count],
        )
        quoted = ", ".join(f'"{name}"' for name in servers)
        own = {"account_id": "account_id + n", "host": "'pop' || n %% 1000 || '.example.org'"}
        values = ", ".join(own.get(name, f'"{name}"') for name in servers)
        cursor.execute(
            f"INSERT INTO accounts_incomingserver ({quoted}) SELECT {values} "
            "FROM accounts_incomingserver, generate_series(1, %s) AS n",
            [count],
        )
        cursor.execute("ANALYZE accounts_externalaccount, accounts_incomingserver")


def plan_of(query: object) -> str:
    return str(query.explain())  # type: ignore[attr-defined]  # any query set can


@on_postgresql
@pytest.mark.django_db
def test_what_is_due_is_found_from_an_index_however_many_accounts_there_are() -> None:
    fill(20_000)
    due = ExternalAccount.objects.due(NOW + timedelta(seconds=30)).order_by("next_fetch_at")
    plan = plan_of(due.values_list("id", "failing_since")[: claims.CLAIM_LIMIT])
    assert "account_due" in plan
    assert "Seq Scan" not in plan
    assert "Sort" not in plan
    plan = plan_of(ExternalAccount.objects.filter(dispatched_until__gte=NOW).order_by())
    assert "account_under_way" in plan


@pytest.mark.skipif(not IS_WHOLE, reason="only MUARA_SWEEP=whole fills a database with a million")
@pytest.mark.timeout(seconds(60, 1800))
@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_two_dispatchers_claim_thousands_a_second_of_a_million_accounts() -> None:
    fill(1_000_000)
    now, rates = NOW + timedelta(seconds=30), []
    for _ in range(2):
        begun, before = monotonic(), under_way()
        dispatchers = [Thread(target=claim_and_leave, args=(now,)) for _ in range(2)]
        for dispatcher in dispatchers:
            dispatcher.start()
        for dispatcher in dispatchers:
            dispatcher.join()
        rates.append((under_way() - before) / (monotonic() - begun))
        ExternalAccount.objects.exclude(dispatched_until=None).update(dispatched_until=None)
        now += timedelta(seconds=15)
    RESULTS.append(f"postgresql: claims a second of a million: {[round(rate) for rate in rates]}")


def claim_and_leave(now: datetime) -> None:
    try:
        claimed(now)
    finally:
        connection.close()


def under_way() -> int:
    return ExternalAccount.objects.exclude(dispatched_until=None).count()
