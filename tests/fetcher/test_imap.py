"""Whole visits to a real IMAP server: INBOX is copied here one way, and left as it was there."""

from __future__ import annotations

import imaplib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.utils import timezone

from accounts.models import ExternalAccount, IncomingServer
from fetcher.models import RemoteFolder, RemoteUid
from fetcher.runs import run_fetch
from mailstore.models import Message
from mailstore.packs import read_raw
from tests.builders import make_account, make_user
from tests.servers.dovecot import Dovecot

pytestmark = [pytest.mark.servers, pytest.mark.django_db(transaction=True)]
ADDRESS = "fetched-by-imap@example.org"
RAWS = [
    f"From: siti@example.org\r\nSubject: {n}\r\nMessage-ID: <{n}@x>\r\n\r\nHalo\r\n".encode()
    for n in range(12)
]


@pytest.fixture
def account(at_dovecot: Dovecot) -> Iterator[ExternalAccount]:
    """Make an account that is fetched by IMAP."""
    at_dovecot.add_user(ADDRESS, "right")
    at_dovecot.deliver(ADDRESS, *RAWS)
    made = make_account(make_user(), address=ADDRESS, password="right")
    way = {"protocol": "imap", "host": "imap.example.org", "port": 993}
    IncomingServer.objects.filter(account=made).update(**way)
    yield made
    at_dovecot.empty([ADDRESS])


@contextmanager
def at_server(dovecot: Dovecot) -> Iterator[imaplib.IMAP4]:
    """Lend another program's session with the mailbox."""
    client = imaplib.IMAP4("127.0.0.1", dovecot.ports["imap"])
    client.login(ADDRESS, "right")
    client.select("INBOX")
    yield client
    client.logout()


def seen_there(dovecot: Dovecot) -> int:
    with at_server(dovecot) as client:
        return len(client.search(None, "SEEN")[1][0].split())


def fetched(account: ExternalAccount) -> int:
    run = run_fetch(account.pk)
    assert run is not None
    assert run.code == ""
    return run.messages


def stored() -> list[bytes]:
    return sorted(read_raw(one.blob) for one in Message.objects.select_related("blob__pack"))


def test_the_inbox_is_stored_byte_for_byte_and_once(account: ExternalAccount) -> None:
    assert fetched(account) == len(RAWS)
    assert stored() == sorted(RAWS)
    assert fetched(account) == 0
    folder = RemoteFolder.objects.get()
    assert folder.last_count == len(RAWS)
    assert set(RemoteUid.objects.values_list("listed_size", flat=True)) == {*map(len, RAWS)}


def test_what_was_read_there_is_read_here_and_nothing_changes_there(
    account: ExternalAccount, at_dovecot: Dovecot
) -> None:
    with at_server(at_dovecot) as client:
        client.store("1:3", "+FLAGS", r"(\Seen)")
    fetched(account)
    assert Message.objects.filter(seen=True).count() == 3
    assert seen_there(at_dovecot) == 3


def test_new_mail_is_fetched_alone_and_what_went_there_stays_here(
    account: ExternalAccount, at_dovecot: Dovecot
) -> None:
    fetched(account)
    at_dovecot.deliver(ADDRESS, RAWS[0] + b"again\r\n")
    assert fetched(account) == 1
    with at_server(at_dovecot) as client:
        client.store("1:2", "+FLAGS", r"(\Deleted)")
        client.expunge()
    assert fetched(account) == 0
    assert Message.objects.count() == len(RAWS) + 1
    assert RemoteUid.objects.gone().count() == 2


def test_after_a_renumbering_nothing_is_stored_twice(
    account: ExternalAccount, at_dovecot: Dovecot
) -> None:
    fetched(account)
    before = set(RemoteUid.objects.values_list("uid", flat=True))
    for file in (at_dovecot.folder / "mail" / ADDRESS).glob("dovecot*"):
        file.unlink()
    assert fetched(account) == 0
    assert Message.objects.count() == len(RAWS)
    after = set(RemoteUid.objects.values_list("uid", flat=True))
    assert len(after) == len(RAWS)
    assert before.isdisjoint(after)


def test_nothing_is_ever_deleted_at_an_imap_server(
    account: ExternalAccount, at_dovecot: Dovecot, offered: Callable[[], int]
) -> None:
    IncomingServer.objects.update(delete_after_days=0)
    fetched(account)
    RemoteFolder.objects.update(listed_at=None)
    fetched(account)
    assert RemoteUid.objects.filter(deleted_at=None).count() == len(RAWS)
    assert offered() == len(RAWS)


@pytest.fixture
def offered(at_dovecot: Dovecot) -> Callable[[], int]:
    """Count what the server has."""

    def count() -> int:
        with at_server(at_dovecot) as client:
            return int(client.search(None, "ALL")[1][0].split()[-1])

    return count


def test_a_message_arrived_when_its_server_says(
    account: ExternalAccount, at_dovecot: Dovecot
) -> None:
    with at_server(at_dovecot) as client:
        client.append("INBOX", "", '"01-Feb-2020 10:00:00 +0700"', b"Subject: old\r\n\r\n")
        client.append("INBOX", "", '"01-Feb-2090 10:00:00 +0700"', b"Subject: odd\r\n\r\n")
    fetched(account)
    assert Message.objects.get(subject="old").received_at.year == 2020
    assert Message.objects.get(subject="odd").received_at <= timezone.now()
