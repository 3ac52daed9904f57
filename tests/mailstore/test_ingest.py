"""Storing a batch: rows, counters, conversations and words, in a fixed number of statements."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import ExternalAccount
from mailstore import finding, folders, ingest, packs, parsing
from mailstore.models import Blob, Message, Pack, Part, Role, Thread, ThreadLink
from tests.builders import make_account, make_user
from tests.mailstore.rows import letter

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def arrival(raw: bytes, **fields: Any) -> ingest.Arrival:
    digest = hashlib.sha256(raw).hexdigest()
    return ingest.Arrival(raw, digest, parsing.parse(raw), fields.pop("received_at", NOW), **fields)


def mail(number: int = 1, **headers: str) -> bytes:
    given = {"Message_ID": f"<m{number}@example.org>", "Date": "Sun, 01 Mar 2026 10:00:00 +0700"}
    return letter(f"Letter {number}", f"Text {number}", **(given | headers)).as_bytes()


def store(account: ExternalAccount, *raws: bytes, **fields: Any) -> list[Message]:
    arrivals = [arrival(raw, **fields) for raw in raws]
    inbox = folders.role_folder(account, Role.INBOX)
    with transaction.atomic():
        pack = packs.write_pack(raws)
        ids = ingest.store_messages(account, inbox, pack, arrivals)
    stored = Message.objects.in_bulk(ids)
    return [stored[pk] for pk in ids]


def test_a_stored_message_is_read_back_byte_for_byte() -> None:
    account = make_account(make_user())
    first, second = store(account, mail(1), mail(2))
    assert packs.read_raw(first.blob) == mail(1)
    assert packs.read_raw(second.blob) == mail(2)
    assert (first.subject, second.subject) == ("Letter 1", "Letter 2")


def test_the_folder_counts_what_came_and_what_is_unread() -> None:
    account = make_account(make_user())
    store(account, mail(1), mail(2))
    store(account, mail(3), seen=True)
    inbox = folders.role_folder(account, Role.INBOX)
    assert (inbox.total, inbox.unread) == (3, 2)
    assert inbox.size == sum(len(mail(number)) for number in (1, 2, 3))


def test_equal_bytes_of_one_owner_are_kept_once_and_of_another_owner_again() -> None:
    owner, stranger = make_user(), make_user("bob@example.org")
    store(make_account(owner), mail(1), mail(1))
    store(make_account(owner, address="second@example.org"), mail(1))
    store(make_account(stranger), mail(1))
    assert Message.objects.count() == 4
    assert Blob.objects.filter(owner=owner).count() == 1
    assert Blob.objects.filter(owner=stranger).count() == 1
    assert Pack.objects.count() == 3


def test_the_date_header_sets_the_order_and_the_offset_is_kept() -> None:
    (message,) = store(make_account(make_user()), mail(1))
    assert message.sent_at == datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
    assert (message.sent_offset, message.sent_at_is_guess) == (420, False)


@pytest.mark.parametrize(
    "date",
    [
        "Mon, 31 Dec 1979 23:59:59 +0000",
        "Mon, 02 Mar 2026 12:00:01 +0000",
        "Fri, 31 Dec 9999 23:59:59 -0100",
        "the day before yesterday",
    ],
)
def test_a_date_that_cannot_be_gives_way_to_the_arrival_and_is_marked(date: str) -> None:
    raw = f"From: a@example.org\r\nDate: {date}\r\n\r\nHello\r\n".encode()
    (message,) = store(make_account(make_user()), raw)
    assert (message.sent_at, message.sent_at_is_guess) == (NOW, True)


def test_a_date_up_to_a_day_ahead_is_believed() -> None:
    parsed = parsing.parse(b"Date: Mon, 02 Mar 2026 12:00:00 +0000\n\n")
    assert ingest.sent_time(parsed, NOW) == (NOW + timedelta(days=1), 0, False)


def test_parts_are_listed_under_their_numbers() -> None:
    with_file = letter()
    with_file.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="a.pdf")
    (message,) = store(make_account(make_user()), with_file.as_bytes())
    assert message.has_attachments
    parts = Part.objects.filter(message=message).order_by("number")
    assert [(part.number, part.filename, part.size) for part in parts] == [
        ("1", "", 13),
        ("2", "a.pdf", 5),
    ]


def test_a_reply_joins_the_conversation_of_what_it_answers() -> None:
    account = make_account(make_user())
    first, answer = store(account, mail(1), mail(2, In_Reply_To="<m1@example.org>"))
    (later,) = store(account, mail(3, References="<m1@example.org> <m2@example.org>"))
    assert first.thread_id == answer.thread_id == later.thread_id


def test_new_messages_are_found_by_their_words() -> None:
    account = make_account(make_user())
    first, _ = store(account, mail(1), mail(2))
    found = Message.objects.filter(finding.matching(account.owner, "letter text 1"))
    assert list(found) == [first]


def test_an_empty_batch_does_nothing() -> None:
    account = make_account(make_user())
    assert ingest.store_messages(account, None, None, []) == []  # type: ignore[arg-type]


def statements(account: ExternalAccount, *raws: bytes) -> int:
    inbox = folders.role_folder(account, Role.INBOX)
    pack, arrivals = packs.write_pack(raws), [arrival(raw) for raw in raws]
    with CaptureQueriesContext(
        connection,
    ) as queries:
        ingest.store_messages(account, inbox, pack, arrivals)
    return len(queries)


def test_the_number_of_statements_does_not_grow_with_the_batch() -> None:
    account = make_account(make_user())
    few = statements(account, mail(1), mail(2, References="<m1@example.org>"))
    later = {"References": "<m100@example.org>", "Date": "Mon, 02 Mar 2026 10:00:00 +0700"}
    many = statements(account, *(mail(number, **later) for number in range(101, 131)))
    assert many == few <= 16


def test_nothing_is_left_of_a_batch_that_was_rolled_back() -> None:
    account = make_account(make_user())
    inbox = folders.role_folder(account, Role.INBOX)
    pack, arrivals = packs.write_pack([mail(1)]), [arrival(mail(1))]
    with transaction.atomic():
        ingest.store_messages(account, inbox, pack, arrivals)
        transaction.set_rollback(True)
    inbox.refresh_from_db()
    left = (Message, Blob, Pack, Part, Thread, ThreadLink)
    assert [model.objects.count() for model in left] == [0] * 6
    assert inbox.total == 0
    assert not Message.objects.filter(finding.matching(account.owner, "letter")).exists()
