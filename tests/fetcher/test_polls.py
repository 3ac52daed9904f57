"""Visit after visit to a scripted server: nothing is lost or doubled, however little was asked."""

from __future__ import annotations

import re
import ssl
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network

import pytest
import trustme
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.models import ExternalAccount
from fetcher.models import FetchRun, RemoteFolder
from fetcher.runs import run_fetch
from mailstore.models import Message
from mailstore.packs import read_raw
from tests.builders import make_account, make_user
from tests.servers import certificates
from tests.servers.scripted import Pop3Server, says, says_then_leaves
from wire.guard import Guard

pytestmark = pytest.mark.django_db(transaction=True)
NAME, PASSWORD = "box@example.org", "secret"


def letter(name: str) -> bytes:
    """Make a message that is like no other, and as long as all others with one letter."""
    return f"Message-ID: <{name}@example.org>\r\nSubject: {name}\r\n\r\nSelamat pagi.\r\n".encode()


def hold(server: Pop3Server, names: str) -> None:
    """Let the mailbox hold one message for each letter, in this order."""
    server.messages = [letter(name) for name in names]
    server.uids = [f"uid-{name}" for name in names]


@pytest.fixture(scope="session")
def context(authority: trustme.CA) -> ssl.SSLContext:
    return certificates.good(authority)


@pytest.fixture(params=["pipelined", "lock step", "without UIDL", "without CAPA"])
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def server(
    kind: str,
    context: ssl.SSLContext,
    authority_file: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Pop3Server]:
    monkeypatch.setenv("SSL_CERT_FILE", authority_file)
    with Pop3Server(context=context, pipelining=kind == "pipelined") as server:
        server.secret = NAME, PASSWORD
        for missing in {"without UIDL": ["UIDL"], "without CAPA": ["CAPA"]}.get(kind, []):
            server.behave(missing, says(b"-ERR unknown command\r\n"))
        settings.GUARD = Guard((ip_network("127.0.0.0/8"),), server.guard.connect_to)
        yield server


pipelined = pytest.mark.parametrize("kind", ["pipelined"])


@pytest.fixture
def account() -> ExternalAccount:
    return make_account(make_user(), address=NAME, password=PASSWORD)


def visit(account: ExternalAccount) -> FetchRun:
    run = run_fetch(account.pk)
    assert run is not None
    assert run.code == ""
    return run


def stored() -> Counter[bytes]:
    messages = Message.objects.select_related("blob__pack")
    return Counter(read_raw(message.blob) for message in messages)


def letters(names: str) -> Counter[bytes]:
    return Counter(letter(name) for name in names)


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
    hold(server, "abcd")
    server.behave("RETR", says_then_leaves(b"+OK\r\nSubj"))
    failed = run_fetch(account.pk)
    assert failed is not None
    assert failed.code == "conn.lost"
    folder = RemoteFolder.objects.get()
    assert (folder.offers_before, folder.last_uid) == ("", "uid-b")
    del server.behaviours["RETR"]
    visit(account)
    assert stored() == letters("abcd")
    assert RemoteFolder.objects.get().offers_before


def writes(queries: CaptureQueriesContext) -> list[str]:
    """Return what was written, as verb and table."""
    pattern = re.compile(r'(INSERT|UPDATE|DELETE)(?: INTO| FROM)? "(\w+)"')
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
    assert all("'uid-d'" in sql for sql in looked)


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
