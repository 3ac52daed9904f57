"""The estimate of the time left, and counts that survive an interrupted visit."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

import pytest
from django.utils import timezone

from accounts.models import ExternalAccount
from fetcher.leases import LEASE
from fetcher.models import FetchRun
from fetcher.outcomes import close_stale_runs
from fetcher.progress import Amount, time_left
from fetcher.runs import run_fetch
from tests.fetcher.offers import LETTERS, Offer

NOTHING = Amount(0, 0)
INTERVAL = timedelta(minutes=5)
FIVE_MINUTES = 300


def mailbox(seed: int, *, newest: float, oldest: float) -> list[int]:
    """Draw sizes as mailboxes have them, most small and a few huge, growing over the years."""
    chance = random.Random(seed)
    steps = 100_000
    return [
        round(chance.lognormvariate(9.2, 1.4) * (newest + (oldest - newest) * place / steps))
        for place in range(steps)
    ]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("newest", "oldest"), [(1, 1), (1.3, 0.7)], ids=["even", "growing"])
@pytest.mark.parametrize(
    ("rate", "each"),
    [(1_000_000, 0.0005), (5_000_000, 0.003), (400_000, 0.002)],
    ids=["even", "messages cost most", "octets cost most"],
)
def test_after_five_minutes_the_time_left_is_right_by_a_fifth(
    seed: int, newest: float, oldest: float, rate: float, each: float
) -> None:
    sizes = mailbox(seed, newest=newest, oldest=oldest)
    planned, took, octets = Amount(len(sizes), sum(sizes)), 0.0, 0
    whole = sum(size / rate + each for size in sizes)
    for done, size in enumerate(sizes, start=1):
        took, octets = took + size / rate + each, octets + size
        left = whole - took
        if took < FIVE_MINUTES or done % 1000 or left < FIVE_MINUTES / 5:
            continue
        guess = time_left(
            planned, Amount(done, octets), NOTHING, took=timedelta(seconds=took), interval=INTERVAL
        )
        assert guess is not None
        assert abs(guess.total_seconds() - left) <= left / 5


def test_nothing_is_guessed_too_early_and_a_finished_part_leaves_nothing() -> None:
    planned = Amount(10, 1000)
    minute = timedelta(minutes=1)
    assert time_left(planned, NOTHING, NOTHING, took=minute, interval=INTERVAL) is None
    soon = timedelta(seconds=1)
    assert time_left(planned, Amount(5, 500), NOTHING, took=soon, interval=INTERVAL) is None
    assert time_left(planned, planned, NOTHING, took=minute, interval=INTERVAL) == timedelta(0)
    lied = Amount(10, 9000)
    assert time_left(planned, lied, NOTHING, took=minute, interval=INTERVAL) == timedelta(0)


def test_what_a_limit_leaves_to_later_visits_takes_their_intervals_too() -> None:
    planned, later = Amount(200, 200_000), Amount(1000, 1_000_000)
    minute = timedelta(minutes=1)
    left = time_left(planned, planned, later, took=minute, interval=INTERVAL)
    assert left == 5 * INTERVAL + 5 * minute


def watched(account: ExternalAccount, *, at: int, then: bool = False) -> Callable[[], bool]:
    """Ask nothing, but note the account's columns after so many messages; then perhaps stop."""
    asked = count(1)
    stopped = False

    def ask() -> bool:
        nonlocal stopped
        if next(asked) == at:
            account.refresh_from_db()
            stopped = then
        return stopped

    return ask


def counted(account: ExternalAccount) -> tuple[int, int]:
    return account.progress_done, account.progress_total


@pytest.mark.servers
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("small_batches")
def test_an_interrupted_visit_goes_on_counting_where_it_stopped(
    offer: Callable[..., Offer],
) -> None:
    account = offer().account
    run_fetch(account.pk, stopping=watched(account, at=20, then=True))
    account.refresh_from_db()
    assert counted(account) == (20, 40)
    assert account.progress_octets == sum(map(len, LETTERS[20:]))
    assert (account.progress_rate, account.progress_ends_at) == (0, None)
    half_way = ExternalAccount.objects.get(pk=account.pk)
    second = run_fetch(account.pk, stopping=watched(half_way, at=20))
    assert second is not None
    # Reading runs ahead of storing, by how much is not told.
    assert half_way.progress_done in {20, 28, 36}
    assert half_way.progress_total == 40
    assert half_way.progress_octets_total == sum(map(len, LETTERS))
    assert (second.planned, second.messages) == (20, 20)
    account.refresh_from_db()
    assert counted(account) == (0, 0), "all is fetched"


@pytest.mark.servers
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("small_batches")
def test_a_killed_worker_leaves_the_count_to_the_next_visit(offer: Callable[..., Offer]) -> None:
    account = offer().account
    seen: list[datetime] = []

    def killed() -> bool:
        if FetchRun.objects.get().messages >= 8:
            close_stale_runs(now=timezone.now() + 2 * LEASE)
            seen.append(timezone.now())
        return False

    lost = run_fetch(account.pk, stopping=killed)
    assert seen
    assert lost is not None
    assert lost.code == "run.lost"
    account.refresh_from_db()
    # Reading runs ahead of storing, by how much is not told.
    done, total = counted(account)
    assert done in {8, 16, 24, 32}
    assert total == 40
    run = run_fetch(account.pk)
    assert run is not None
    assert run.messages == 40 - done


@pytest.mark.servers
@pytest.mark.django_db(transaction=True)
def test_a_limit_per_visit_counts_on_from_visit_to_visit(offer: Callable[..., Offer]) -> None:
    account = offer().account
    ExternalAccount.objects.update(max_per_cycle=15)
    for done in (15, 30, 0):
        run_fetch(account.pk)
        account.refresh_from_db()
        assert counted(account) == (done, 40 if done else 0)
