"""Trouble with a server that counts sign-ins: what is tried again, what is not, and who is told."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import datetime, timedelta
from ipaddress import ip_network

import pytest
import trustme
from django.core import mail
from django.utils import timezone
from pytest_django import Settings

from accounts import lifecycle, notice_mails, notices, roster
from accounts.models import ExternalAccount, Notice, State, Topic
from fetcher.runs import run_fetch
from tests.builders import make_account, make_user
from tests.servers import certificates
from tests.servers.scripted import Pop3Server, says_then_leaves
from wire.guard import Guard

pytestmark = pytest.mark.django_db(transaction=True)
NAME, RIGHT = "box@example.org", "right"
DAY, FIVE_MINUTES = timedelta(days=1), timedelta(minutes=5)


@pytest.fixture(scope="module")
def context(authority: trustme.CA) -> ssl.SSLContext:
    return certificates.good(authority)


@pytest.fixture
def server(
    context: ssl.SSLContext,
    authority_file: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Pop3Server]:
    monkeypatch.setenv("SSL_CERT_FILE", authority_file)
    with Pop3Server(context=context) as server:
        server.secret = NAME, RIGHT
        settings.GUARD = Guard((ip_network("127.0.0.0/8"),), server.guard.connect_to)
        yield server


def an_account(password: str, minutes: int = 60) -> ExternalAccount:
    return make_account(make_user(), address=NAME, password=password, interval_minutes=minutes)


def pass_time(account: ExternalAccount, span: timedelta) -> list[datetime]:
    """Visit whenever a visit is due, until so much time would have passed; return when."""
    clock = end = timezone.now()
    end += span
    visits = []
    while account.next_fetch_at is not None:
        assert run_fetch(account.pk) is not None
        visits.append(clock)
        account.refresh_from_db()
        if account.next_fetch_at is None or account.last_checked_at is None:
            break
        clock += account.next_fetch_at - account.last_checked_at
        if clock > end:
            break
    return visits


@pytest.mark.parametrize("minutes", [1, 5, 60])
def test_a_wrong_password_costs_two_sign_ins_a_day_and_is_told_in_five_minutes(
    server: Pop3Server, minutes: int
) -> None:
    account = an_account("wrong", minutes)
    visits = pass_time(account, DAY)
    assert server.judged == len(visits) == 2
    assert account.state == State.NEEDS_SIGN_IN
    last = timezone.now() + (visits[-1] - visits[0])
    notices.review(last)
    notice = Notice.objects.get()
    assert notice.topic == Topic.SIGN_IN
    assert notice.mail_due_at is not None
    assert notice.mail_due_at - visits[0] < FIVE_MINUTES - timedelta(seconds=30)
    notice_mails.send_due(notice.mail_due_at)
    assert [sent.to for sent in mail.outbox] == [[account.owner.email]]


def test_a_network_that_comes_and_goes_allows_no_third_sign_in(server: Pop3Server) -> None:
    account = an_account("wrong")
    run_fetch(account.pk)
    server.behave("GREETING", says_then_leaves(b""))
    for _ in range(3):
        run_fetch(account.pk)
    del server.behaviours["GREETING"]
    run_fetch(account.pk)
    account.refresh_from_db()
    assert (server.judged, account.state) == (2, State.NEEDS_SIGN_IN)


def test_an_account_that_was_stopped_cannot_be_paused_and_resumed(server: Pop3Server) -> None:
    account = an_account("wrong")
    pass_time(account, DAY)
    with pytest.raises(lifecycle.IllegalTransition):
        roster.pause(account, now=timezone.now())
    pass_time(account, DAY)
    assert (server.judged, account.state) == (2, State.NEEDS_SIGN_IN)


def test_a_good_visit_forgets_a_refusal(server: Pop3Server) -> None:
    account = an_account(RIGHT)
    server.secret = NAME, "changed for a moment"
    run_fetch(account.pk)
    server.secret = NAME, RIGHT
    run_fetch(account.pk)
    account.refresh_from_db()
    assert (account.refusals, account.state, account.last_code) == (0, State.ACTIVE, "")


def test_a_password_mended_within_a_week_goes_on_and_closes_the_notice(server: Pop3Server) -> None:
    account = an_account("wrong")
    pass_time(account, DAY)
    notices.review(timezone.now())
    lifecycle.advance(account, lifecycle.Event.INCOMING_PASSED, now=timezone.now())
    notices.review(timezone.now())
    assert Notice.objects.get().closed_at is not None


BUSY = {
    "in use": "-ERR [IN-USE] Do you have another POP session running?",
    "too soon": "-ERR [LOGIN-DELAY] minimum time between mail checks violation",
    "away": "-ERR [SYS/TEMP] Temporary system problem. Please try again later.",
}


@pytest.mark.parametrize("answer", BUSY.values(), ids=list(BUSY))
def test_a_busy_server_is_tried_again_calmly_and_heals_by_itself(
    server: Pop3Server, answer: str
) -> None:
    account = an_account(RIGHT)
    server.behave("PASS", lambda talk, _argument: talk.say(answer))
    server.behave("AUTH", lambda talk, _argument: talk.say(answer))
    run_fetch(account.pk)
    account.refresh_from_db()
    assert (account.state, account.refusals) == (State.ACTIVE, 0)
    assert account.failing_since is not None
    notices.review(account.failing_since + DAY - FIVE_MINUTES)
    assert not Notice.objects.exists(), "nothing to tell yet"
    notices.review(account.failing_since + DAY)
    assert Notice.objects.get().topic == Topic.TROUBLE
    server.behaviours.clear()
    run_fetch(account.pk)
    notices.review(timezone.now())
    assert Notice.objects.get().closed_at is not None
    account.refresh_from_db()
    assert account.last_code == ""
    assert not account.failing_since


def test_a_full_storage_does_not_count_as_trouble_of_the_account(server: Pop3Server) -> None:
    account = an_account(RIGHT)
    account.owner.quota.allowed_bytes = 1
    account.owner.quota.save()
    server.messages, server.uids = [b"Subject: x\r\n\r\nHello.\r\n"], ["one"]
    for _ in range(2):
        run_fetch(account.pk)
    account.refresh_from_db()
    assert account.last_code == "quota.full"
    assert account.last_facts == {"waiting": 1, "needs": 22, "used": 0, "allowed": 1}
    assert account.failing_since is None
    assert account.next_fetch_at is not None
    assert account.next_fetch_at < timezone.now() + timedelta(minutes=75)
