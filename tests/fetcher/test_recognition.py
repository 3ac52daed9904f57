"""Servers that change, reuse or lose the names of their messages: nothing is lost or doubled."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from time import sleep, time

import pytest
from pytest_django import Settings

from accounts.models import ExternalAccount, Plan, Quota
from fetcher.models import FetchRun, RemoteUid
from fetcher.runs import run_fetch
from mailstore.models import Message
from mailstore.packs import read_raw
from tests.builders import make_account, make_user
from tests.fetcher.mailboxes import hold, letter, letters, stored, visit
from tests.servers.cable import Cable, run_cable
from tests.servers.dovecot import Dovecot
from tests.servers.scripted import Pop3Server, says
from tests.sweeps import IS_WHOLE, RESULTS, seconds
from wire.guard import Guard

pytestmark = pytest.mark.django_db(transaction=True)
ALPHABET = "abcdefghijklmnopqrstuvwxyz"
MANY = 10_000 if IS_WHOLE else 300
pipelined = pytest.mark.parametrize("kind", ["pipelined"])
named_by_server = pytest.mark.parametrize("kind", ["pipelined", "lock step", "without CAPA"])


def asked(server: Pop3Server, command: bytes) -> int:
    return sum(line.startswith(command) for line in server.received)


@named_by_server
def test_renumbered_messages_are_recognised_by_their_headers(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, ALPHABET[:20])
    visit(account)
    before = set(Message.objects.values_list("pk", flat=True))
    server.uids = [f"other-{uid}" for uid in server.uids]
    server.received.clear()
    run = visit(account)
    assert run.facts == {"recognised": 20}
    assert (asked(server, b"TOP"), asked(server, b"RETR")) == (20, 0)
    assert set(Message.objects.values_list("pk", flat=True)) == before
    assert set(RemoteUid.objects.values_list("uid", flat=True)) == set(server.uids)
    assert FetchRun.objects.filter(facts={"recognised": 20}).count() == 1, "it stays in the journal"
    server.received.clear()
    visit(account)
    assert asked(server, b"TOP") == 0


@named_by_server
def test_what_is_new_among_renumbered_messages_is_fetched(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, ALPHABET[:20])
    visit(account)
    hold(server, "z" + ALPHABET[:20] + "y")
    server.uids = [f"other-{uid}" for uid in server.uids]
    assert visit(account).messages == 2
    assert stored() == letters(ALPHABET[:20] + "yz")


@named_by_server
def test_one_message_under_a_new_name_is_recognised(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "abc")
    visit(account)
    server.uids[1] = "moved-there-and-back"
    server.received.clear()
    visit(account)
    assert asked(server, b"RETR") == 0
    assert stored() == letters("abc")


@named_by_server
def test_names_that_are_message_numbers_lose_and_double_nothing(
    server: Pop3Server, account: ExternalAccount
) -> None:
    for names in ["abc", "bcd", "cdef", "f", "fgh", "h", "ijklm"]:
        server.messages = [letter(name) + b"x\r\n" * ord(name) for name in names]
        server.uids = [str(number) for number in range(1, len(names) + 1)]
        visit(account)
    assert stored() == Counter(letter(name) + b"x\r\n" * ord(name) for name in "abcdefghijklm")


@pipelined
@pytest.mark.parametrize("refused", ["TOP", "UIDL", "TOP and UIDL"])
def test_bytes_that_are_here_already_are_not_stored_twice(
    server: Pop3Server, account: ExternalAccount, refused: str
) -> None:
    hold(server, "abc")
    visit(account)
    for command in refused.split(" and "):
        server.behave(command, says(b"-ERR unknown command\r\n"))
    server.uids = [f"other-{uid}" for uid in server.uids]
    run = visit(account)
    assert (run.messages, run.facts.get("recognised")) == (0, 3)
    assert stored() == letters("abc")
    used = Quota.objects.get(owner=account.owner).used_bytes
    assert used == sum(len(raw) for raw in letters("abc"))


@pipelined
def test_equal_messages_side_by_side_stay_two(server: Pop3Server, account: ExternalAccount) -> None:
    hold(server, "a")
    visit(account)
    server.messages.append(letter("a"))
    server.uids.append("another")
    assert visit(account).messages == 1
    assert stored() == letters("aa")
    server.uids = ["new-1", "new-2"]
    visit(account)
    assert stored() == letters("aa")


@pipelined
def test_messages_whose_headers_tell_nothing_are_told_apart_by_their_bytes(
    server: Pop3Server, account: ExternalAccount
) -> None:
    server.messages, server.uids = [b"Subject: scan\r\n\r\n1\r\n"], ["one"]
    visit(account)
    server.messages, server.uids = [b"Subject: scan\r\n\r\n2\r\n"], ["two"]
    visit(account)
    assert Message.objects.count() == 2


@pipelined
def test_without_names_equal_headers_of_another_size_are_another_message(
    server: Pop3Server, account: ExternalAccount
) -> None:
    server.behave("UIDL", says(b"-ERR unknown command\r\n"))
    hold(server, "a")
    visit(account)
    server.messages = [letter("a") + b"more\r\n"]
    visit(account)
    assert Message.objects.count() == 2


@pytest.mark.parametrize("kind", ["pipelined", "without UIDL"])
@pytest.mark.parametrize("lie", [0, 7], ids=["nothing", "always the same"])
def test_sizes_that_are_lies_lose_and_double_nothing(
    server: Pop3Server, account: ExternalAccount, lie: int
) -> None:
    server.behave(
        "LIST",
        lambda talk, number: (
            talk.say(f"+OK {number} {lie}")
            if number
            else talk.block([f"{n} {lie}" for n in range(1, len(server.messages) + 1)])
        ),
    )
    for names in ["abc", "abcd", "bcd", "bcda"]:
        hold(server, names)
        visit(account)
    assert stored() == letters("abcd")


@pipelined
def test_sizes_that_change_from_visit_to_visit_cost_headers_and_no_download(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "abc")
    visit(account)
    visit(account)
    server.behave("LIST", says(b"+OK\r\n1 1\r\n2 2\r\n3 3\r\n.\r\n"))
    server.behave("STAT", says(b"+OK 3 6\r\n"))
    server.received.clear()
    visit(account)
    assert (asked(server, b"TOP"), asked(server, b"RETR")) == (3, 0)
    server.received.clear()
    visit(account)
    assert asked(server, b"TOP") == 0


@pipelined
def test_a_mailbox_that_was_gone_for_a_while_is_known_when_it_is_back(
    server: Pop3Server, account: ExternalAccount
) -> None:
    hold(server, "abc")
    visit(account)
    hold(server, "")
    visit(account)
    assert RemoteUid.objects.gone().count() == 3
    hold(server, "abc")
    server.received.clear()
    visit(account)
    assert asked(server, b"RETR") == 0
    assert RemoteUid.objects.gone().count() == 0


@pytest.fixture
def mail_cable(at_dovecot: Dovecot, settings: Settings) -> Iterator[Cable]:
    """Lead the visits to the mail server through a cable, unencrypted so that it can count."""
    with run_cable(at_dovecot.ports["pop3"]) as cable:
        settings.GUARD = Guard(connect_to={("pop.example.org", 110): ("127.0.0.1", cable.port)})
        yield cable


def long_letter(number: int) -> bytes:
    received = "".join(
        f"Received: from relay{hop}.example.org ([192.0.2.{hop}]) by mx{hop}.example.org with "
        f"ESMTPS\r\n id {number:08}{hop:04}; Mon, 23 Nov 2026 08:00:00 +0700\r\n"
        for hop in range(12)
    )
    return (
        f"{received}From: Siti <siti@example.org>\r\nSubject: Surat {number}\r\n"
        f"Message-ID: <{number}@example.org>\r\nDate: Mon, 23 Nov 2026 08:00:00 +0700\r\n\r\n"
        f"{'Selamat pagi. ' * 500}\r\n"
    ).encode()


@pytest.mark.servers
@pytest.mark.timeout(seconds(180, 1800))
def test_a_real_server_that_renumbers_everything_costs_headers_alone(
    mail_cable: Cable, dovecot: Dovecot
) -> None:
    address = "renumbered@example.org"
    raws = [long_letter(number) for number in range(MANY)]
    dovecot.add_user(address, "right")
    dovecot.deliver(address, *raws)
    account = make_account(make_user(), address=address, password="right")
    Plan.objects.update_or_create(is_default=True, defaults={"allow_plain": True})
    type(account.incoming).objects.update(port=110, security="plain")
    run_fetch(account.pk)
    rows = list(Message.objects.order_by("pk").values())
    assert len(rows) == MANY
    mail_cable.undisturbed()
    run_fetch(account.pk)
    # It must look at everything that is there.
    listing = mail_cable.octets

    uidlist = dovecot.folder / "mail" / address / "dovecot-uidlist"
    # Its UIDVALIDITY, which every UIDL holds, is the second in which the list was made.
    while f" V{int(time())} " in uidlist.read_text():
        sleep(0.05)
    for file in uidlist.parent.glob("dovecot*"):
        file.unlink()
    mail_cable.undisturbed()
    run = run_fetch(account.pk)
    assert run is not None
    assert (run.code, run.messages, run.facts) == ("", 0, {"recognised": MANY})
    assert list(Message.objects.order_by("pk").values()) == rows
    heads = sum(raw.index(b"\r\n\r\n") + 4 for raw in raws)
    sent = b"".join(chunk for _, chunk in mail_cable.asked)
    assert len(re.findall(rb"TOP \d+ 0\r\n", sent)) == MANY
    assert b"RETR" not in sent
    frame = MANY * len("+OK\r\n.\r\nTOP 10000 0\r\n")
    RESULTS.append(
        f"renumbered: {MANY} messages, {heads} octets of headers, {mail_cable.octets} moved, "
        f"{len(mail_cable.asked)} flights"
    )
    assert mail_cable.octets <= 1.01 * heads + frame + listing + MANY * 40
    assert Counter(read_raw(m.blob) for m in Message.objects.select_related("blob__pack")) == (
        Counter(raws)
    )
