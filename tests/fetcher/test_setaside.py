"""Messages that cannot be had are seen, hold up no others, and are tried again in time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import ExternalAccount, Plan
from fetcher import setaside
from fetcher.models import SetAside
from fetcher.planning import TRIES
from fetcher.runs import run_fetch
from mailstore.models import Message
from mailstore.parsing import UNREAD, parse
from tests.fetcher.mailboxes import hold, letter, letters, stored, visit
from tests.servers.scripted import Behaviour, Pop3Server, Talk, retr

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


def test_a_message_over_which_the_session_breaks_does_not_hold_up_the_others(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "abcdef")
    server.behave("RETR", leaves_at("5"))
    codes = []
    for _ in range(TRIES + 1):
        run = run_fetch(account.pk)
        assert run is not None
        codes.append(run.code)
    assert codes == ["conn.lost"] * TRIES + [""]
    assert stored() == letters("abcdf")
    assert SetAside.objects.get().uid == "uid-e"


def test_after_the_first_break_the_others_come_before(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "abcdef")
    server.behave("RETR", leaves_at("6"))
    run_fetch(account.pk)
    assert stored() == letters("")
    run_fetch(account.pk)
    assert stored() == letters("abcde")


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
    visit(account)
    assert stored() == letters("abcd")


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
