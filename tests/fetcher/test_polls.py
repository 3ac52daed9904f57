"""Visit after visit to a scripted server: nothing is lost or doubled, however little was asked."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import ExternalAccount
from fetcher.models import FetchRun, RemoteFolder
from fetcher.runs import run_fetch
from tests.fetcher.mailboxes import hold, letter, letters, stored, visit
from tests.servers.scripted import Pop3Server, says_then_leaves

pytestmark = pytest.mark.django_db(transaction=True)


pipelined = pytest.mark.parametrize("kind", ["pipelined"])


HISTORIES = {
    "it grows": ["abc", "abc", "abcd", "abcd", "abcdef", "abcdef"],
    "it begins empty": ["", "", "a", "a", "ab"],
    "it is emptied": ["abc", "abc", "", "", "d"],
    "one goes": ["abc", "abc", "bc", "bc", "bcd"],
    "one goes, one comes": ["abc", "abc", "bcd", "bcd"],
    "the last goes, one comes": ["abc", "abc", "abd", "abd"],
    "one goes, two come": ["abc", "abc", "bcde", "bcde"],
    "one comes in at the front": ["abc", "abc", "dabc", "dabc", "dabce"],
    "it is turned round": ["abc", "abc", "cba", "cba", "dcba", "dcbae"],
    "one goes and comes back": ["abc", "abc", "ab", "ab", "abc", "abcd"],
    "many come": ["abc", "abc", "abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxyz"],
}


@pytest.mark.parametrize("history", HISTORIES.values(), ids=list(HISTORIES))
def test_whatever_becomes_of_a_mailbox_each_message_is_stored_once(
    server: Pop3Server, account: ExternalAccount, history: list[str]
) -> None:
    for step, names in enumerate(history):
        hold(server, names)
        visit(account)
        assert stored() == letters("".join(set().union(*history[: step + 1])))


def test_a_changed_uid_of_the_last_message_is_seen(
    server: Pop3Server, account: ExternalAccount, kind: str
) -> None:
    hold(server, "abc")
    visit(account)
    visit(account)
    server.messages[-1], server.uids[-1] = letter("d"), "uid-d"
    visit(account)
    assert stored() == letters("abcd")


def test_a_repeated_uid_is_two_messages(server: Pop3Server, account: ExternalAccount) -> None:
    hold(server, "ab")
    visit(account)
    visit(account)
    server.messages.append(letter("c"))
    server.uids.append("uid-b")
    visit(account)
    visit(account)
    assert stored() == letters("abc")


@pipelined
def test_a_server_that_announces_less_than_before_loses_nothing(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "ab")
    visit(account)
    server.pipelining, server.sasl = False, ""
    hold(server, "abc")
    visit(account)
    assert stored() == letters("abc")
    assert server.judged == 2


@pipelined
def test_after_a_failure_the_server_is_asked_afresh_and_nothing_is_lost(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "ab")
    visit(account)
    hold(server, "abcdefgh")
    server.behave("RETR", says_then_leaves(b"+OK\r\nSubj"))
    failed = run_fetch(account.pk)
    assert failed is not None
    assert failed.code == "conn.lost"
    folder = RemoteFolder.objects.get()
    assert (folder.offers_before, folder.last_uid) == ("", "uid-b")
    del server.behaviours["RETR"]
    visit(account)
    assert stored() == letters("abcdefgh")
    assert RemoteFolder.objects.get().offers_before


def writes(queries: CaptureQueriesContext) -> list[str]:
    """Return what was written, as verb and table."""
    pattern = re.compile(r'(INSERT|UPDATE|DELETE)(?: OR IGNORE)?(?: INTO| FROM)? "(\w+)"')
    found = (pattern.match(query["sql"]) for query in queries)
    return [f"{match[1]} {match[2]}" for match in found if match]


@pipelined
def test_a_poll_without_news_writes_next_to_nothing(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "abc")
    visit(account)
    visit(account)
    server.received.clear()
    with CaptureQueriesContext(connection) as queries:
        visit(account)
    assert writes(queries) == [
        "INSERT fetcher_fetchrun",
        "DELETE fetcher_fetchrun",
        "UPDATE accounts_externalaccount",
        "UPDATE accounts_quota",
    ]
    assert not [query for query in queries if "fetcher_remoteuid" in query["sql"]]
    asked = [b"USER box@example.org", b"PASS secret", b"STAT", b"UIDL 3"]
    assert [line.strip() for line in server.received[:4]] == asked
    assert FetchRun.objects.count() == 1


@pipelined
def test_where_only_a_tail_is_new_only_its_names_are_looked_up(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "abc")
    visit(account)
    hold(server, "abcd")
    with CaptureQueriesContext(connection) as queries:
        visit(account)
    looked = [query["sql"] for query in queries if 'FROM "fetcher_remoteuid"' in query["sql"]]
    assert looked
    few = ("'uid-d'", 'gone_at" IS NOT NULL AND')
    assert all(any(sign in sql for sign in few) for sql in looked)


@pipelined
def test_what_is_due_to_be_deleted_is_found_though_nothing_is_new(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "abc")
    visit(account)
    visit(account)
    account.incoming.delete_after_days = 1
    account.incoming.save()
    visit(account)
    assert server.deleted == set()
    yesterday = timezone.now() - timedelta(days=1)
    folder = RemoteFolder.objects.get()
    folder.stored(["uid-a"]).update(stored_at=yesterday)
    RemoteFolder.objects.update(oldest_stored_at=yesterday)
    assert visit(account).deleted == 1
    assert server.deleted == {1}
    hold(server, "bc")
    visit(account)
    oldest = RemoteFolder.objects.get().oldest_stored_at
    assert oldest is not None
    assert oldest > yesterday


@pipelined
def test_now_and_then_the_whole_list_is_asked_for_regardless(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "abc")
    visit(account)
    visit(account)
    hold(server, "dbc")
    visit(account)
    assert stored() == letters("abc"), "one that took the place of another of its size is not seen"
    RemoteFolder.objects.update(listed_at=timezone.now() - timedelta(days=1))
    visit(account)
    assert stored() == letters("abcd")


@pipelined
def test_what_was_left_for_later_keeps_the_whole_list_wanted(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "abc")
    ExternalAccount.objects.update(max_per_cycle=2)
    for _ in range(2):
        visit(account)
    assert stored() == letters("abc")
    visit(account)
    assert RemoteFolder.objects.get().last_count == 3
