"""Every index made again from the raw messages, and what only rows know left alone."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django import Settings

from accounts.models import ExternalAccount, Quota, User
from mailstore import actions, finding, reindexing
from mailstore.models import Blob, Folder, Label, Message, Part, Thread, ThreadLink
from mailstore.reindexing import reindex
from tests.builders import make_account, make_user
from tests.mailstore.test_ingest import mail, store

pytestmark = pytest.mark.django_db
DERIVED = {
    "subject": "x",
    "sender_name": "x",
    "sender_address": "x",
    "to": [],
    "cc": [],
    "message_id": "x",
    "preview": "x",
    "sent_at": datetime(1999, 1, 1, tzinfo=UTC),
    "sent_offset": 5,
    "sent_at_is_guess": True,
    "has_attachments": True,
    "defects": ["internal"],
}


@pytest.fixture
def account(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ExternalAccount:
    """Make two people's mail: three conversations and a message without any id."""
    settings.PACK_FOLDER = tmp_path / "packs"
    monkeypatch.setattr(reindexing, "BATCH", 3)
    account = make_account(make_user())
    store(account, mail(1), mail(2, References="<m1@example.org>"), mail(3))
    store(account, mail(4, In_Reply_To="<m2@example.org>"), b"Subject: no id\r\n\r\nAnything\r\n")
    store(account, mail(5, References="<m3@example.org>"), mail(6), seen=True)
    store(make_account(make_user("bob@example.org")), mail(7), mail(8))
    first = Message.objects.earliest("id")
    actions.flag(account.owner, [first.public_id], flagged=True)
    first.labels.add(Label.objects.create(owner=account.owner, name="Important"))
    for owner in {account.owner, Message.objects.latest("id").owner}:
        for folder in Folder.objects.filter(owner=owner):
            Quota.objects.filter(owner=owner).update(used_bytes=folder.size)
    return account


def known() -> dict[str, Any]:
    """Tell everything about the store that does not hang on how threads are numbered."""
    columns = [name.attname for name in Message._meta.concrete_fields if name.name != "thread"]
    rows = Message.objects.order_by("id")
    return {
        "messages": list(rows.values(*columns)),
        "labels": list(rows.values_list("id", "labels")),
        "parts": sorted(Part.objects.values_list("message", "number", "content_type", "size")),
        "threads": sorted(
            sorted(thread.messages.values_list("id", flat=True)) for thread in Thread.objects.all()
        ),
        "links": sorted(ThreadLink.objects.values_list("owner", "digest")),
        "folders": list(Folder.objects.order_by("id").values()),
        "quotas": list(Quota.objects.order_by("owner").values_list("owner", "used_bytes")),
        "found": {
            (owner, word): sorted(found(owner, word))
            for owner in Message.objects.values_list("owner", flat=True).distinct()
            for word in ("letter", "text 2", "anything", "bob", "5")
        },
    }


def found(owner_id: int, word: str) -> list[int]:
    owner = User(pk=owner_id)
    rows = Message.objects.for_user(owner).filter(finding.matching(owner, word))
    return list(rows.values_list("id", flat=True))


def wreck() -> None:
    """Spoil whatever can be made again, with all messages in one conversation per owner."""
    Message.objects.update(**DERIVED)
    Part.objects.all().delete()
    ThreadLink.objects.all().delete()
    for owner_id in set(Message.objects.values_list("owner_id", flat=True)):
        lump = Message.objects.filter(owner=owner_id).earliest("id").thread
        Message.objects.filter(owner=owner_id).update(thread=lump)
        ThreadLink.objects.create(owner_id=owner_id, digest="0" * 64, thread=lump)
    Folder.objects.update(total=0, unread=0, size=0)
    Quota.objects.update(used_bytes=0)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("INSERT INTO mailstore_search (mailstore_search) VALUES ('delete-all')")
        else:
            cursor.execute("DELETE FROM mailstore_search")


def test_a_wrecked_index_is_made_again_as_it_was(account: ExternalAccount) -> None:
    before = known()
    wreck()
    assert known() != before
    *_, last = reindex(None)
    assert (last.messages, last.damaged) == (9, 0)
    assert known() == before


def test_one_owners_index_is_made_again_and_nobody_elses(account: ExternalAccount) -> None:
    before = known()
    wreck()
    list(reindex(account.owner_id))
    after = known()
    mine = [row for row in before["messages"] if row["owner_id"] == account.owner_id]
    assert after["messages"][: len(mine)] == mine
    assert {row["subject"] for row in after["messages"][len(mine) :]} == {"x"}
    assert found(account.owner_id, "letter") != []


def test_a_whole_index_stays_as_it_is_with_the_addresses_of_conversations(
    account: ExternalAccount,
) -> None:
    before = known(), sorted(Message.objects.values_list("id", "thread__public_id"))
    list(reindex(None))
    assert (known(), sorted(Message.objects.values_list("id", "thread__public_id"))) == before


def test_a_stopped_reindex_goes_on_where_it_was(account: ExternalAccount) -> None:
    before = known()
    wreck()
    begun = reindex(None)
    first = next(begun)
    del begun
    rest = list(reindex(None, after=first.after))
    assert rest[-1].messages == 9 - first.messages
    assert known() == before


def test_going_on_behind_the_end_reads_nothing(account: ExternalAccount) -> None:
    before = known()
    assert list(reindex(None, after=Message.objects.latest("id").pk)) == []
    assert known() == before


def test_going_on_too_far_ahead_loses_no_words(account: ExternalAccount) -> None:
    before = known()["found"]
    next(reindex(None))
    list(reindex(None, after=Message.objects.latest("id").pk))
    assert known()["found"] == before


def test_mail_that_comes_meanwhile_is_indexed_and_joins_its_conversation(
    account: ExternalAccount,
) -> None:
    going = reindex(None)
    next(going)
    (late,) = store(account, mail(9, References="<m6@example.org>"))
    list(going)
    late.refresh_from_db()
    assert late.thread.messages.count() == 2
    assert late.pk in found(account.owner_id, "letter 9")


def test_words_of_erased_messages_go(account: ExternalAccount) -> None:
    gone = Message.objects.earliest("id")
    Message.objects.filter(pk=gone.pk).delete()
    list(reindex(None))
    with connection.cursor() as cursor:
        sqlite = connection.vendor == "sqlite"
        table = "mailstore_search_docsize" if sqlite else "mailstore_search"
        cursor.execute(f"SELECT count(*) FROM {table}")
        assert cursor.fetchone()[0] == (8 if sqlite else 9)


def test_a_damaged_message_keeps_what_its_row_knows_and_is_counted(
    account: ExternalAccount,
) -> None:
    message = Message.objects.earliest("id")
    Blob.objects.filter(pk=message.blob_id).update(sha256="0" * 64)
    out = io.StringIO()
    with pytest.raises(SystemExit) as ending:
        call_command("reindex", "--json", stdout=out)
    assert ending.value.code == 1
    last = json.loads(out.getvalue().splitlines()[-1])
    assert (last["ok"], last["damaged"]) == (False, 1)
    assert "1 messages are damaged" in last["error"]
    assert message.pk in found(account.owner_id, "letter 1")
    message.refresh_from_db()
    assert message.subject == "Letter 1"
