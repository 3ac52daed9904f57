"""What is stored together: first little, then much, and never too much."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import chain
from time import monotonic

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import ExternalAccount
from fetcher import ahead, batches
from fetcher.batches import Batches
from fetcher.identity import Found
from fetcher.keeping import Received, keep, receive
from fetcher.models import FetchRun, RemoteFolder, RemoteUid
from fetcher.planning import BATCH_BYTES, BATCH_MESSAGES, FIRST_MESSAGES
from mailstore.models import Message
from tests.builders import make_account, make_user
from tests.fetcher.mailboxes import hold, letter, letters, stored, visit
from tests.servers.scripted import Pop3Server, Talk, retr
from wire.errors import ConnectionFailed
from wire.pop3 import RemoteItem


def came(sizes: Iterable[int]) -> Iterator[Received]:
    for number, size in enumerate(sizes):
        found = Found(RemoteItem(number, f"u{number}", size), f"u{number}")
        yield receive(found, b"x" * size, now=timezone.now())


def numbers(batch: list[Received]) -> list[int]:
    return [one.found.item.number for one in batch]


def test_the_first_batch_is_small_so_that_the_newest_mail_is_there_at_once() -> None:
    batches = [len(batch) for batch in Batches(came([10] * 500))]
    assert batches == [FIRST_MESSAGES, BATCH_MESSAGES, BATCH_MESSAGES, 50]


def test_a_batch_stays_below_its_size_unless_one_message_is_larger() -> None:
    sizes = [BATCH_BYTES - 10, 5, 5, 1, BATCH_BYTES + 1, 1]
    batches = list(Batches(came(sizes)))
    assert [numbers(batch) for batch in batches] == [[0, 1, 2], [3], [4], [5]]


def test_a_slow_server_does_not_hold_back_what_it_has_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH_SECONDS", 0)
    assert [len(batch) for batch in Batches(came([10] * 3))] == [1, 1, 1]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["pipelined"])
def test_what_has_come_is_stored_while_the_next_message_hangs(
    server: Pop3Server, account: ExternalAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_SECONDS", 0.1)
    monkeypatch.setattr(ahead, "PATIENCE_SECONDS", 0.1)
    seen = list[int]()

    def hangs(talk: Talk, argument: str) -> None:
        if argument == "1":
            deadline = monotonic() + 20
            while Message.objects.count() < 2 and monotonic() < deadline:
                talk.server.over.wait(0.05)
            seen.append(Message.objects.count())
            connection.close()
        retr(talk, argument)

    hold(server, "abc")
    server.behave("RETR", hangs)
    visit(account)
    assert seen == [2]
    assert stored() == letters("abc")


def test_what_came_before_an_error_is_stored() -> None:
    def broken() -> Iterator[Received]:
        yield from came([10] * 3)
        raise ConnectionFailed("conn.lost")

    received = list[Received]()
    with pytest.raises(ConnectionFailed):
        received.extend(chain.from_iterable(Batches(broken())))
    assert numbers(received) == [0, 1, 2]


@pytest.mark.django_db(transaction=True)
def test_a_message_whose_words_fit_no_table_is_stored_raw_and_holds_up_no_others() -> None:
    account, now = make_account(make_user()), timezone.now()
    run = FetchRun.objects.create(account=account, opened_at=now, lease_until=now)
    folder = RemoteFolder.objects.create(account=account, name="INBOX")
    batch = list(in_letters("abc", now))
    # More minutes from UTC than any column holds.
    odd = replace(batch[1].arrival.parsed, sent_offset=10**30)
    batch[1] = replace(batch[1], arrival=replace(batch[1].arrival, parsed=odd))
    keep(run, folder, batch, now=now)
    assert sum(stored().values()) == 3
    unread = Message.objects.get(subject="")
    assert unread.defects == ["internal"]
    assert RemoteUid.objects.filter(message=unread).count() == 1


def in_letters(names: str, now: datetime) -> Iterator[Received]:
    for number, name in enumerate(names, 1):
        raw = letter(name).replace(b"Subject", b"Date: 1 Jan 2026 10:00:00 +0700\r\nSubject")
        found = Found(RemoteItem(number, name, len(raw)), name)
        yield receive(found, raw, now=now)
