"""What a provider gives in a day is never exceeded, and fetching goes on by itself afterwards."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone, translation

from accounts.cards import card_for
from accounts.explain import explain
from accounts.models import ExternalAccount
from fetcher import daily_limits
from fetcher.daily_limits import (
    DAY,
    DailyLimit,
    Spent,
    fits_again_at,
    limit_of,
    room_left,
    spent_by,
)
from fetcher.models import FetchRun
from fetcher.runs import run_fetch
from mailstore.models import Message
from tests.builders import make_account, make_user
from tests.servers.certificates import HOST
from tests.servers.scripted import (
    Pop3Server,
    Talk,
    says,
    says_then_leaves,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LIMIT = DailyLimit("Gmail", 1000)
USABLE = 960
LETTERS = [b"Subject: %d\r\n\r\n%s\r\n" % (number, b"x" * 400) for number in range(4)]


def spent(*ago_and_octets: tuple[float, int]) -> list[Spent]:
    return [Spent(NOW - timedelta(hours=hours), octets) for hours, octets in ago_and_octets]


@pytest.mark.parametrize(
    ("host", "megabytes"),
    [
        ("pop.gmail.com", 1250),
        ("POP.Gmail.com.", 1250),
        ("eu.pop.gmail.com", 1250),
        ("imap.gmail.com", 2500),
        ("pop.gmail.com.example.org", None),
        ("notpop.gmail.com", None),
        ("pop.example.org", None),
    ],
)
def test_a_limit_belongs_to_a_server_by_its_name(host: str, megabytes: int | None) -> None:
    limit = limit_of(host)
    assert (limit.octets // 10**6 if limit else None) == megabytes


def test_what_is_left_is_the_limit_less_a_reserve_and_what_was_spent() -> None:
    assert room_left(LIMIT, []) == USABLE
    assert room_left(LIMIT, spent((1, 500), (23, 460))) == 0
    assert room_left(LIMIT, spent((1, 500), (23, 459))) == 1
    assert room_left(LIMIT, spent((1, 5000))) == 0


def test_it_fits_again_when_enough_was_given_back() -> None:
    had = spent((1, 500), (20, 300), (23, 100))
    assert fits_again_at(LIMIT, had, 60, now=NOW) == NOW
    assert fits_again_at(LIMIT, had, 61, now=NOW) == NOW + timedelta(hours=1)
    assert fits_again_at(LIMIT, had, 160, now=NOW) == NOW + timedelta(hours=1)
    assert fits_again_at(LIMIT, had, 161, now=NOW) == NOW + timedelta(hours=4)
    assert fits_again_at(LIMIT, had, 461, now=NOW) == NOW + timedelta(hours=23)
    assert fits_again_at(LIMIT, had, 5000, now=NOW) == NOW + timedelta(hours=23)


@pytest.mark.django_db
def test_visits_of_one_account_count_for_a_day_from_their_end() -> None:
    account, other = (
        make_account(make_user(name), address=name) for name in ("a@example.org", "b@example.org")
    )
    rows: list[tuple[ExternalAccount, timedelta, timedelta | None, int, int]] = [
        (account, timedelta(hours=25), DAY, 1, 1),
        (account, timedelta(hours=25), DAY - timedelta(seconds=1), 10, 20),
        (account, timedelta(hours=5), timedelta(hours=4), 200, 0),
        (account, timedelta(hours=1), None, 1000, 0),
        (other, timedelta(hours=3), timedelta(hours=2), 10_000, 10_000),
    ]
    for owner, opened, closed, octets, received in rows:
        FetchRun.objects.create(
            account=owner,
            opened_at=NOW - opened,
            lease_until=NOW,
            closed_at=None if closed is None else NOW - closed,
            octets=octets,
            received=received,
        )
    assert sorted(one.octets for one in spent_by(account, now=NOW)) == [20, 200, 1000]


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> int:
    """Give two of the letters a day."""
    limit = DailyLimit("Gmail", 1100)
    monkeypatch.setattr(daily_limits, "LIMITS", {HOST: limit})
    return limit.octets


@pytest.mark.django_db(transaction=True)
def test_fetching_pauses_before_the_limit_and_resumes_by_itself(
    small_limit: int,
    account_at: Callable[[Pop3Server], ExternalAccount],
    good: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Pop3Server(*LETTERS, context=good) as server:
        account = account_at(server)
        first = run_fetch(account.pk)
        account.refresh_from_db()
        assert first is not None
        assert (first.code, first.messages) == ("limit.daily", 2)
        assert first.octets < first.received < small_limit * 2
        assert account.failing_since is None, "however many days it takes, it is no trouble"
        until = datetime.fromisoformat(str(account.last_facts["until"]))
        assert account.next_fetch_at is not None
        assert until <= account.next_fetch_at
        assert timedelta(hours=23) < until - first.opened_at < timedelta(hours=25)
        assert account.last_facts["held"] == 2

        early = run_fetch(account.pk)
        assert early is not None
        assert (early.code, early.messages) == ("limit.daily", 0)
        assert server.heard().count(b"RETR") == 2
        FetchRun.objects.update(closed_at=timezone.now() - DAY)
        later = run_fetch(account.pk)
        assert later is not None
        assert (later.code, Message.objects.count()) == ("", 4)


@pytest.mark.django_db(transaction=True)
def test_what_came_in_a_visit_that_failed_counts_too(
    small_limit: int, account_at: Callable[[Pop3Server], ExternalAccount], good: ssl.SSLContext
) -> None:
    with Pop3Server(*LETTERS, context=good) as server:
        server.behave("RETR", says_then_leaves(b"+OK\r\n" + b"x" * 900))
        account = account_at(server)
        assert run_fetch(account.pk).code == "conn.lost"  # type: ignore[union-attr]  # it ran
        assert room_left(DailyLimit("", 1100), spent_by(account, now=timezone.now())) < 156


@pytest.mark.django_db
def test_the_card_says_until_when_and_whose_limit() -> None:
    now = timezone.now()
    facts = {"provider": "Gmail", "until": "2026-11-24T02:00:00+00:00", "held": 2}
    account = make_account(
        make_user(), last_code="limit.daily", last_facts=facts, next_fetch_at=now + DAY
    )
    card = card_for(account, now=now)
    assert card.reason is not None
    assert (card.tone, str(card.word)) == ("warn", "Waiting")
    assert card.reason.title == "Paused until 02:00, Gmail's daily limit is reached."
    with translation.override("id"), timezone.override("Asia/Jakarta"):
        assert "09:00" in explain("limit.daily", facts).title


DELAYED = 600


def asks_for_delay(talk: Talk, argument: str) -> None:
    talk.block(["UIDL", "USER", f"LOGIN-DELAY {DELAYED} USER"])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_refused", [True, False], ids=["refused", "announced"])
def test_an_announced_login_delay_is_kept_between_two_visits(
    is_refused: bool,
    account_at: Callable[[Pop3Server], ExternalAccount],
    good: ssl.SSLContext,
) -> None:
    with Pop3Server(LETTERS[0], context=good) as server:
        server.behave("CAPA", asks_for_delay)
        if is_refused:
            server.behave("PASS", says(b"-ERR [LOGIN-DELAY] Logins must be 10 minutes apart\r\n"))
        account = account_at(server)
        run = run_fetch(account.pk)
        account.refresh_from_db()
        assert run is not None
        assert account.last_code == ("server.busy" if is_refused else "")
        assert account.next_fetch_at is not None
        assert account.next_fetch_at >= run.opened_at + timedelta(seconds=DELAYED)


@pytest.mark.django_db(transaction=True)
def test_a_provider_that_names_its_bandwidth_is_left_alone_for_an_hour(
    account_at: Callable[[Pop3Server], ExternalAccount], good: ssl.SSLContext
) -> None:
    words = b"-ERR [SYS/TEMP] Account exceeded command or bandwidth limits.\r\n"
    with Pop3Server(*LETTERS, context=good) as server:
        account = account_at(server.behave("RETR", says(words)))
        run = run_fetch(account.pk)
    account.refresh_from_db()
    assert run is not None
    assert run.code == "server.limit"
    assert account.next_fetch_at is not None
    assert account.next_fetch_at >= run.opened_at + timedelta(hours=1)
