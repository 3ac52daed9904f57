"""A trouble is told once: not too soon, as long as it lasts, and it closes by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts import lifecycle, notices, quotas
from accounts.lifecycle import Event
from accounts.models import ExternalAccount, Notice, Plan, Quota, State, Topic, User
from accounts.telling import tell_all
from accounts.troubles import TROUBLES
from tests.builders import make_account, make_user

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FULL = {"last_code": "quota.full", "last_facts": {"needs": 10**15}}
FACTS = {"host": "pop.example.org", "port": 995}


def failing(code: str, since: timedelta, **fields: Any) -> ExternalAccount:
    """Make an active account that has been failing for so long."""
    trouble = {"last_code": code, "last_facts": FACTS, "failing_since": NOW - since}
    return make_account(make_user(), **(trouble | fields))


def told() -> list[tuple[str, str, bool]]:
    """Return topic and code of each notice, and whether it is open."""
    rows = Notice.objects.order_by("id").values_list("topic", "code", "closed_at")
    return [(topic, code, closed is None) for topic, code, closed in rows]


@pytest.mark.parametrize(
    ("code", "after"),
    [
        ("server.busy", DAY),
        ("conn.timeout", DAY),
        ("conn.dns", DAY),
        ("server.protocol", DAY),
        ("server.ours", DAY),
        ("tls.expired", HOUR),
        ("tls.selfsigned", HOUR),
        ("conn.private", HOUR),
    ],
)
def test_trouble_is_told_once_it_has_lasted(code: str, after: timedelta) -> None:
    failing(code, after - MINUTE)
    notices.review(NOW)
    assert told() == []
    notices.review(NOW + MINUTE)
    assert told() == [(Topic.TROUBLE, code, True)]


def test_trouble_of_no_known_length_is_told_after_a_day() -> None:
    assert TROUBLES["limit.deletion"].told_after is None
    failing("limit.deletion", DAY)
    notices.review(NOW)
    assert told() == [(Topic.TROUBLE, "limit.deletion", True)]


def test_a_second_look_tells_nothing_again() -> None:
    failing("conn.timeout", 2 * DAY)
    notices.review(NOW)
    notices.review(NOW + MINUTE)
    assert told() == [(Topic.TROUBLE, "conn.timeout", True)]


def test_a_notice_says_what_is_the_matter_now() -> None:
    account = failing("conn.timeout", 2 * DAY)
    notices.review(NOW)
    ExternalAccount.objects.update(last_code="conn.dns", last_facts={"host": "gone.example.org"})
    notices.review(NOW + MINUTE)
    notice = Notice.objects.get(account=account)
    assert (notice.code, notice.facts) == ("conn.dns", {"host": "gone.example.org"})


def test_a_notice_closes_when_the_account_works_again() -> None:
    failing("conn.timeout", 2 * DAY)
    notices.review(NOW)
    ExternalAccount.objects.update(last_code="", failing_since=None)
    notices.review(NOW + MINUTE)
    assert told() == [(Topic.TROUBLE, "conn.timeout", False)]
    assert Notice.objects.get().mail_due_at is None, "what is over needs no mail"


def test_trouble_that_comes_back_within_a_day_is_shown_but_not_mailed_again() -> None:
    failing("tls.expired", 2 * HOUR)
    notices.review(NOW)
    Notice.objects.update(mail_due_at=None, mailed_at=NOW)
    ExternalAccount.objects.update(last_code="", failing_since=None)
    notices.review(NOW + HOUR)
    ExternalAccount.objects.update(last_code="tls.expired", failing_since=NOW + 2 * HOUR)
    notices.review(NOW + 4 * HOUR)
    assert told() == [(Topic.TROUBLE, "tls.expired", True)]
    assert Notice.objects.get().mail_due_at is None


def test_a_refused_sign_in_is_told_at_once_and_ends_with_a_passed_test() -> None:
    account = failing("auth.failed", MINUTE)
    lifecycle.advance(account, Event.SIGN_IN_REFUSED, now=NOW)
    notices.review(NOW)
    assert told() == [(Topic.SIGN_IN, "auth.failed", True)]
    lifecycle.advance(account, Event.INCOMING_PASSED, now=NOW)
    notices.review(NOW)
    lifecycle.advance(account, Event.SIGN_IN_REFUSED, now=NOW, last_code="auth.failed")
    notices.review(NOW)
    assert told() == [
        (Topic.SIGN_IN, "auth.failed", False),
        (Topic.SIGN_IN, "auth.failed", True),
    ], "a password that changes again is new trouble"


def test_a_week_without_sign_in_stops_the_account_and_is_told_anew() -> None:
    account = failing("auth.failed", MINUTE)
    lifecycle.advance(account, Event.SIGN_IN_REFUSED, now=NOW)
    notices.review(NOW)
    assert lifecycle.stop_forsaken(NOW + 7 * DAY - MINUTE) == 0
    assert lifecycle.stop_forsaken(NOW + 7 * DAY) == 1
    account.refresh_from_db()
    assert account.state == State.DISABLED
    notices.review(NOW + 7 * DAY)
    assert told() == [
        (Topic.SIGN_IN, "auth.failed", False),
        (Topic.STOPPED, "auth.failed", True),
    ]


def test_an_account_stopped_by_hand_is_told_so() -> None:
    account = make_account(make_user())
    lifecycle.advance(account, Event.STOPPED, now=NOW)
    notices.review(NOW)
    assert told() == [(Topic.STOPPED, "account.stopped", True)]


@pytest.mark.parametrize("event", [Event.PAUSED, Event.REMOVED, Event.ARCHIVED])
def test_an_account_that_its_owner_puts_away_is_told_of_no_longer(event: Event) -> None:
    account = failing("conn.timeout", 2 * DAY)
    notices.review(NOW)
    lifecycle.advance(account, event, now=NOW)
    notices.review(NOW)
    assert told() == [(Topic.TROUBLE, "conn.timeout", False)]


def test_a_full_storage_is_told_once_for_all_accounts_of_a_person() -> None:
    owner = make_user()
    for number in range(3):
        make_account(owner, address=f"{number}@example.org", **FULL)
    notices.review(NOW)
    assert told() == [(Topic.FULL, "quota.full", True)]
    assert Notice.objects.get().facts["used"] == 0


def test_room_again_is_mailed_where_a_full_storage_was() -> None:
    make_account(make_user(), **FULL)
    notices.review(NOW)
    Notice.objects.update(mail_due_at=None, mailed_at=NOW)
    ExternalAccount.objects.update(last_code="")
    notices.review(NOW + HOUR)
    assert told() == [(Topic.FULL, "quota.full", False), (Topic.ROOM, "quota.room", False)]
    assert Notice.objects.get(topic=Topic.ROOM).mail_due_at is not None


def test_a_storage_that_fills_and_empties_all_day_is_mailed_once_each() -> None:
    make_account(make_user())
    for hour in range(8):
        ExternalAccount.objects.update(**FULL if hour % 2 else {"last_code": ""})
        notices.review(NOW + hour * HOUR)
        Notice.objects.exclude(mail_due_at=None).update(mail_due_at=None, mailed_at=NOW)
    assert [topic for topic, _code, _open in told()] == [Topic.FULL, Topic.ROOM]


def test_a_full_storage_that_was_never_mailed_ends_in_silence() -> None:
    make_account(make_user(), **FULL)
    notices.review(NOW)
    ExternalAccount.objects.update(last_code="")
    notices.review(NOW + MINUTE)
    assert told() == [(Topic.FULL, "quota.full", False)]


def use(percent: int, owner: User | None = None) -> None:
    """Let a person use so much of what they are allowed, look, and send what is to be mailed."""
    owner = owner or User.objects.get()
    Quota.objects.filter(owner=owner).update(used_bytes=percent, allowed_bytes=100)
    notices.review_storage(NOW)


def mail() -> list[str]:
    """Send what waits to be mailed, and return what it is about."""
    due = Notice.objects.exclude(mail_due_at=None)
    topics = list(due.order_by("id").values_list("topic", flat=True))
    due.update(mail_due_at=None, mailed_at=NOW)
    return topics


def test_a_storage_that_fills_up_is_mailed_at_80_and_at_95_percent() -> None:
    make_user()
    use(79)
    assert told() == []
    use(80)
    use(94)
    assert mail() == [Topic.FILLING]
    use(95)
    assert mail() == [Topic.TIGHT]
    use(99)
    use(85)
    use(96)
    assert mail() == [], "it was told of both within a day"
    assert told() == [
        (Topic.FILLING, "quota.filling", True),
        (Topic.TIGHT, "quota.tight", True),
    ]


def test_a_storage_that_fell_below_a_share_is_told_again_later() -> None:
    make_user()
    use(80)
    assert mail() == [Topic.FILLING]
    use(79)
    assert [is_open for *_, is_open in told()] == [False]
    Notice.objects.update(closed_at=NOW - 2 * DAY)
    use(81)
    assert mail() == [Topic.FILLING]


def test_who_is_told_of_a_graver_share_gets_no_mail_of_the_lesser() -> None:
    make_user()
    use(97)
    assert mail() == [Topic.TIGHT]
    bob = make_user("bob@example.org")
    make_account(bob, **FULL)
    notices.review(NOW)
    use(100, bob)
    assert mail() == [Topic.FULL]
    assert Notice.objects.filter(owner=bob, closed_at=None).count() == 3


def test_nothing_is_told_of_an_empty_storage_whatever_is_allowed() -> None:
    make_user()
    Quota.objects.update(allowed_bytes=0)
    notices.review_storage(NOW)
    assert told() == []


def test_plans_count_where_a_person_has_no_limit_of_their_own() -> None:
    small = Plan.objects.create(name="Small", storage_bytes=100)
    make_user(plan=small)
    bob = make_user("bob@example.org")
    Quota.objects.update(used_bytes=85)
    notices.review_storage(NOW)
    assert [notice.owner.email for notice in Notice.objects.all()] == ["alice@example.org"]
    Plan.objects.filter(is_default=True).update(storage_bytes=100)
    notices.review_storage(NOW)
    assert Notice.objects.filter(owner=bob).exists()


def test_of_a_storage_only_what_is_gravest_now_is_shown_and_once() -> None:
    owner = make_user()
    account = make_account(owner, **FULL)
    notices.review(NOW)
    use(100)

    def shown() -> list[str]:
        tellings = tell_all(owner, ExternalAccount.objects.all(), quotas.usage(owner.pk))
        return [f"{telling.headline}. {telling.reason.title}" for telling in tellings]

    assert shown() == ["Your storage is full. 100\xa0bytes of 100\xa0bytes are used."]
    Quota.objects.update(allowed_bytes=120)
    account.last_code = ""
    account.save()
    assert shown() == ["Your storage is filling up. 100\xa0bytes of 120\xa0bytes are used."]


def test_notices_are_kept_for_three_months() -> None:
    failing("conn.timeout", 2 * DAY)
    notices.review(NOW)
    notices.forget_old(NOW + 365 * DAY)
    assert Notice.objects.exists(), "an open one stays"
    ExternalAccount.objects.update(last_code="", failing_since=None)
    notices.review(NOW + DAY)
    notices.forget_old(NOW + 90 * DAY)
    assert Notice.objects.exists()
    notices.forget_old(NOW + 92 * DAY)
    assert not Notice.objects.exists()


def test_an_account_prepared_for_its_owner_is_told_until_it_is_finished() -> None:
    account = make_account(make_user(), state=State.PREPARED, next_fetch_at=None)
    notices.review(NOW)
    notices.review(NOW + MINUTE)
    assert told() == [(Topic.PREPARED, "account.prepared", True)]
    notice = Notice.objects.get()
    assert notice.mail_due_at == NOW + notices.GATHER
    (telling,) = tell_all(account.owner, [account], quotas.usage(account.owner_id))
    assert "finish adding" in telling.headline
    assert telling.place.endswith(f"{account.public_id}/connection/")
    lifecycle.advance(account, Event.INCOMING_PASSED, now=NOW)
    notices.review(NOW + 2 * MINUTE)
    assert told() == [(Topic.PREPARED, "account.prepared", False)]
