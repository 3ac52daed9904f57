"""Messages that cannot be had are seen, hold up no others, and are tried again in time."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import ExternalAccount, Plan
from fetcher import sessions, setaside, sittings
from fetcher.models import SetAside
from fetcher.planning import TRIES
from fetcher.runs import run_fetch
from fetcher.visits import visit_all
from mailstore.models import Message
from mailstore.parsing import UNREAD, parse
from tests.fetcher.mailboxes import hold, letter, letters, stored, visit
from tests.servers.scripted import (
    Behaviour,
    Pop3Server,
    Talk,
    retr,
    says_then_leaves,
    says_then_stalls,
    stat,
)
from wire.limits import Limits

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.parametrize("kind", ["pipelined", "lock step"]),
]


def refuses(number: str, words: str) -> Behaviour:
    """Make a RETR that refuses one message."""

    def behaviour(talk: Talk, argument: str) -> None:
        return talk.say(words) if argument == number else retr(talk, argument)

    return behaviour


def leaves_at(number: str) -> Behaviour:
    """Make a RETR that breaks off in the middle of one message."""

    def behaviour(talk: Talk, argument: str) -> None:
        if argument != number:
            return retr(talk, argument)
        talk.send(b"+OK\r\nSubject: bro")
        raise ConnectionResetError

    return behaviour


def test_a_message_that_is_refused_five_times_is_set_aside_for_a_day(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "abc")
    server.behave("RETR", refuses("2", "-ERR cannot open message"))
    for count in range(1, TRIES + 1):
        assert visit(account).facts == {"skipped": 1, "unkept": 1}
        assert SetAside.objects.get().tries == count
    assert stored() == letters("ac")
    server.received.clear()
    assert visit(account).facts == {"set_aside": 1}
    assert b"RETR" not in server.heard()
    visit(account)
    account.refresh_from_db()
    assert account.last_facts == {"set_aside": 1}, "the card goes on saying so"

    server.behave("RETR", retr)
    yesterday = timezone.now() - timedelta(days=1)
    SetAside.objects.update(last_at=yesterday)
    account.remotefolder_set.update(listed_at=yesterday)
    assert visit(account).facts == {}
    assert stored() == letters("abc")
    assert SetAside.objects.count() == 0


def hangs_at(number: str) -> Behaviour:
    """Make a RETR that never answers for one message."""
    stall = says_then_stalls(b"+OK\r\nSubject: ha")
    return lambda talk, argument: (stall if argument == number else retr)(talk, argument)


@pytest.mark.parametrize("breaks", [leaves_at("5"), hangs_at("5")], ids=["leaves", "hangs"])
def test_a_message_over_which_the_session_breaks_does_not_hold_up_the_others(
    server: Pop3Server,
    account: ExternalAccount,
    breaks: Behaviour,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sessions, "Limits", partial(Limits, answer_seconds=0.3))
    hold(server, "abcdef")
    server.behave("RETR", breaks)
    run = visit(account)
    assert (run.messages, run.planned, run.facts) == (5, 6, {"skipped": 1, "unkept": 1})
    assert run.received > sum(map(len, server.messages[:4]))
    assert stored() == letters("abcdf")
    assert SetAside.objects.get().uid == "uid-e"
    account.refresh_from_db()
    assert (account.failing_since, account.last_code) == (None, "")
    for count in range(2, TRIES + 1):
        visit(account)
        assert SetAside.objects.get().tries == count
    assert visit(account).facts == {"set_aside": 1}


def test_what_comes_is_stored_before_what_hung_is_tried_again(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "abc")
    server.behave("RETR", leaves_at("1"))
    visit(account)
    hold(server, "abcd")
    here: list[int] = []

    def watched(talk: Talk, argument: str) -> None:
        if argument == "1":
            here.append(Message.objects.count())
            connection.close()
        retr(talk, argument)

    server.behave("RETR", watched)
    visit(account)
    assert here == [3]
    assert stored() == letters("abcd")


def test_where_every_message_breaks_the_session_the_visit_soon_ends(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "abcdef")
    server.behave("RETR", says_then_leaves(b""))
    run = run_fetch(account.pk)
    assert run is not None
    assert (run.code, server.connections) == ("conn.lost", sittings.MOST)
    assert [row.tries for row in SetAside.objects.all()] == [1] * sittings.MOST


def test_a_session_that_breaks_over_no_message_is_not_begun_again(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "abc")
    server.behave("LIST", says_then_leaves(b"+OK\r\n1 "))
    run = run_fetch(account.pk)
    assert run is not None
    assert (run.code, server.connections) == ("conn.lost", 1)


def test_a_message_that_is_too_large_is_read_once_and_left_until_more_is_allowed(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "ac")
    server.messages.insert(1, letter("b") + b"x" * 4000 + b"\r\n")
    server.uids.insert(1, "uid-b")
    account.owner.plan = Plan.objects.create(name="small", max_message_bytes=1000)
    account.owner.save()
    assert visit(account).facts == {"too_large": 1, "unkept": 1}
    assert stored() == letters("ac")
    row = SetAside.objects.get()
    assert (row.code, row.size) == ("message.toolarge", len(server.messages[1]))
    server.received.clear()
    visit(account)
    assert b"RETR" not in server.heard()
    account.refresh_from_db()
    assert account.last_facts == {"too_large": 1}

    Plan.objects.update(max_message_bytes=10_000)
    account.remotefolder_set.update(listed_at=timezone.now() - timedelta(days=1))
    visit(account)
    assert sum(stored().values()) == 3


def test_a_size_that_is_an_immense_lie_keeps_nothing_away(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "abc")
    lies = [f"{number} {10**17}" for number in (1, 2, 3)]
    server.behave("LIST", lambda talk, _: talk.block(lies))
    assert visit(account).facts == {}
    assert stored() == letters("abc")


def test_a_message_set_aside_is_tried_again_when_its_owner_asks(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "abc")
    server.behave("RETR", refuses("2", "-ERR [SYS/PERM] <b>cannot</b> open message"))
    for _ in range(TRIES):
        visit(account)
    row = SetAside.objects.get()
    assert (row.number, row.said) == (2, "[SYS/PERM] <b>cannot</b> open message")
    later = timezone.now() + timedelta(hours=1)
    ExternalAccount.objects.update(next_fetch_at=later)
    visit(account)
    server.received.clear()

    assert setaside.try_again(account, [row.pk], now=timezone.now()) == 1
    assert list(ExternalAccount.objects.due(timezone.now())) == [account]
    visit(account)
    assert server.heard().count(b"RETR") == 1
    row.refresh_from_db()
    assert (row.tries, row.is_wanted) == (TRIES + 1, False)
    server.received.clear()
    visit(account)
    assert b"RETR" not in server.heard(), "once asked is tried once"

    server.behave("RETR", retr)
    setaside.try_again(account, [row.pk], now=timezone.now())
    assert visit(account).facts == {}
    assert stored() == letters("abc")
    assert not SetAside.objects.exists()


def test_a_wish_that_comes_during_a_visit_is_not_forgotten(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "abc")
    server.behave("RETR", refuses("2", "-ERR cannot open message"))
    for _ in range(TRIES):
        visit(account)
    row = SetAside.objects.get()

    def wishing(talk: Talk, argument: str) -> None:
        setaside.try_again(account, [row.pk], now=timezone.now())
        connection.close()
        return retr(talk, argument)

    hold(server, "abcd")
    server.behave("RETR", wishing)
    assert visit(account).facts == {"set_aside": 1}
    assert stored() == letters("acd")
    assert list(ExternalAccount.objects.due(timezone.now())) == [account], "at once"
    server.behave("RETR", retr)
    visit(account)
    assert stored() == letters("abcd")
    account.refresh_from_db()
    assert account.next_fetch_at is not None
    assert account.next_fetch_at > timezone.now(), "and once only"


def test_a_wish_that_comes_during_a_visit_without_news_is_heard_too(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "abc")
    server.behave("RETR", refuses("2", "-ERR cannot open message"))
    for _ in range(TRIES + 1):
        visit(account)
    row = SetAside.objects.get()

    def wishing(talk: Talk, argument: str) -> None:
        setaside.try_again(account, [row.pk], now=timezone.now())
        connection.close()
        del server.behaviours["STAT"]
        return stat(talk, argument)

    server.behave("RETR", retr)
    server.behave("STAT", wishing)
    visit_all([account.pk], lambda: False)
    assert "STAT" not in server.behaviours
    assert list(ExternalAccount.objects.due(timezone.now())) == [account], "at once"
    visit(account)
    assert stored() == letters("abc")


def test_a_message_that_cannot_be_read_is_stored_and_listed(
    server: Pop3Server, account: ExternalAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(server, "abc")
    broken = letter("b")
    monkeypatch.setattr(
        "fetcher.keeping.parse", lambda raw: UNREAD if raw == broken else parse(raw)
    )
    visit(account)
    row = SetAside.objects.get()
    assert (row.code, row.message) == ("message.unread", Message.objects.get(subject=""))
    (left,) = setaside.told(setaside.rows_of(account), account)
    assert "stored as it came" in left.reason.title
    assert (left.can_try, left.next_at) == (False, None)
    account.remotefolder_set.update(last_count=None)
    visit(account)
    assert SetAside.objects.count() == 1, "it stays listed"
    assert sum(stored().values()) == 3


def test_a_message_that_went_away_is_no_longer_said_to_be_left(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "abc")
    server.behave("RETR", refuses("2", "-ERR cannot open message"))
    visit(account)
    hold(server, "ac")
    server.behave("RETR", retr)
    assert visit(account).facts == {}
    assert SetAside.objects.count() == 0


def test_a_message_that_stalls_time_and_again_is_called_too_slow(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "abc")
    visit(account)
    folder = account.remotefolder_set.get()
    now = timezone.now()
    late = SetAside(account=account, remote_folder=folder, uid="x", code="conn.timeout", size=9)
    late.tries, late.first_at, late.last_at = TRIES, now, now
    late.save()
    (left,) = setaside.told(setaside.rows_of(account), account)
    assert "too slowly" in left.reason.title
    assert left.next_at == now + timedelta(days=1)
