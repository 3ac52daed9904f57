"""A small store made by the fetcher's own verb, and a hundred ways to damage it by one fault."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import F, Model
from django.utils import timezone

from accounts.models import ExternalAccount, Quota, User
from fetcher import keeping
from fetcher.identity import Found
from fetcher.models import FetchRun, RemoteFolder, RemoteUid
from mailstore import actions, counting, ingest, packs, search, searchplaces
from mailstore.models import Blob, Folder, Label, Message, Part, Role, Thread, ThreadLink
from mailstore.parsing import parse
from tests.builders import make_account, make_user
from tests.mailstore.rows import letter
from wire.pop3 import RemoteItem

Facts = Mapping[str, int | str]
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass(slots=True)
class Store:
    """Two people, three accounts, six packs, twenty messages."""

    alice: User
    bob: User
    accounts: list[ExternalAccount]

    @property
    def messages(self) -> list[Message]:
        return list(Message.objects.select_related("blob__pack").order_by("id"))


def mail(number: int) -> bytes:
    """Write one of the letters: most of them answer another, some carry files, one has no id."""
    headers = {"Date": f"Sun, 01 Mar 2026 0{number % 10}:00:00 +0700"}
    if number % 7:
        headers["Message_ID"] = f"<m{number}@example.org>"
        headers["References"] = f"<m{number - number % 5 + 1}@example.org>"
    one = letter(f"Surat {number} für dich", f"Isi surat {number}: 会議 dan lain-lain.", **headers)
    if number % 3 == 0:
        one.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="a.pdf")
        one.set_boundary("border")
    return one.as_bytes()


def make_store() -> Store:
    """Fetch letters into three accounts, in two batches each."""
    alice, bob = make_user(), make_user("bob@example.org")
    accounts = [make_account(alice), make_account(alice, address="two@example.org")]
    accounts.append(make_account(bob, address="bob@example.org"))
    for place, account in enumerate(accounts):
        run = FetchRun.objects.create(account=account, opened_at=NOW, lease_until=NOW)
        folder = RemoteFolder.objects.create(account=account, name="INBOX")
        for batch in (range(1, 5), range(5, 8)):
            numbers = [place * 10 + number for number in batch]
            fetch(run, folder, numbers)
        FetchRun.objects.filter(pk=run.pk).update(closed_at=NOW)
    read = Message.objects.filter(owner=alice).order_by("id")[:3]
    actions.mark_seen(alice, [message.public_id for message in read], seen=True)
    read[0].labels.add(Label.objects.create(owner=alice, name="Important", total=1))
    return Store(alice, bob, accounts)


def fetch(
    run: FetchRun, folder: RemoteFolder, numbers: Sequence[int], *, now: datetime = NOW
) -> None:
    """Keep a batch of letters as a visit does."""
    keeping.keep(run, folder, [_received(number, now) for number in numbers], now=now)


def _received(number: int, now: datetime) -> keeping.Received:
    raw = mail(number)
    found = Found(RemoteItem(number, f"u{number}", len(raw)), f"u{number}")
    return keeping.receive(found, raw, now=now)


Plant = Callable[[Store], Facts]


def file_of(message: Message) -> Path:
    """Return the file that holds a message."""
    name = message.blob.pack.name.hex
    return Path(settings.PACK_FOLDER) / name[:2] / f"{name}.pack"


def change(row: Model, **values: Any) -> None:
    """Write columns behind everybody's back."""
    type(row)._default_manager.filter(pk=row.pk).update(**values)


# --- Bytes ---
def flip(index: int, store: Store) -> Facts:
    blob = store.messages[index].blob
    file = file_of(store.messages[index])
    content = bytearray(file.read_bytes())
    content[blob.offset + blob.size // 2] ^= 1
    file.write_bytes(content)
    return {"blob": blob.pk}


def cut(index: int, store: Store) -> Facts:
    file = file_of(store.messages[index])
    file.write_bytes(file.read_bytes()[:-5])
    return {"pack": store.messages[index].blob.pack_id}


def grow(index: int, store: Store) -> Facts:
    with file_of(store.messages[index]).open("ab") as file:
        file.write(b"more")
    return {"pack": store.messages[index].blob.pack_id}


def unlink(index: int, store: Store) -> Facts:
    file_of(store.messages[index]).unlink()
    return {"pack": store.messages[index].blob.pack_id}


def litter(suffix: str, name: str, _store: Store) -> Facts:
    path = Path(settings.PACK_FOLDER) / name[:2] / f"{name}{suffix}"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"Subject: alone\n\nin the world")
    long_ago = (timezone.now() - timedelta(hours=2)).timestamp()
    os.utime(path, (long_ago, long_ago))
    return {"file": f"{name[:2]}/{name}{suffix}"}


def stray(_store: Store) -> Facts:
    return litter(".pack", uuid.uuid4().hex, _store)


# --- Rows of packs and blobs ---
def pack_row(index: int, step: int, store: Store) -> Facts:
    pack = store.messages[index].blob.pack
    change(pack, size=F("size") + step)
    return {"pack": pack.pk}


def blob_row(index: int, values: Mapping[str, Any], store: Store) -> Facts:
    blob = store.messages[index].blob
    change(blob, **values)
    return {"blob": blob.pk}


def overlap(index: int, store: Store) -> Facts:
    first, second = store.messages[index].blob, store.messages[index + 1].blob
    change(second, offset=first.offset + 1)
    return {"blob": first.pk, "other": second.pk}


def foreign_blob(index: int, store: Store) -> Facts:
    blob = store.messages[index].blob
    change(blob.pack, owner=store.bob)
    return {"blob": blob.pk}


def unused(index: int, store: Store) -> Facts:
    message = store.messages[index]
    erase(message)
    return {"blob": message.blob_id}


def lost(index: int, store: Store) -> Facts:
    message = store.messages[index]
    uid = RemoteUid.objects.get(message=message)
    erase(message)
    return {"remoteuid": uid.pk}


def unnamed(index: int, store: Store) -> Facts:
    """Lose a message with the note that names it."""
    message = store.messages[index]
    RemoteUid.objects.filter(message=message).delete()
    erase(message)
    return {"blob": message.blob_id, "account_id": message.account_id}


def vanish(index: int, store: Store) -> Message:
    """Take away the row of a message alone, as a damaged table does."""
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL does not let it happen")
    message = store.messages[index]
    Message.objects.filter(pk=message.pk)._raw_delete(connection.alias)
    return message


def vanished(index: int, store: Store) -> Facts:
    return {"remoteuid": RemoteUid.objects.get(message_id=vanish(index, store).pk).pk}


def vanished_with_bytes(index: int, store: Store) -> Facts:
    message = vanish(index, store)
    message.blob.delete()
    return {"remoteuid": RemoteUid.objects.get(message_id=message.pk).pk}


def dangling_part(index: int, store: Store) -> Facts:
    message = vanish(index, store)
    return {"table": "mailstore_part", "row": Part.objects.filter(message=message)[0].pk}


def dangling_label(store: Store) -> Facts:
    label = Message.labels.through.objects.get(message=vanish(0, store))
    return {"table": "mailstore_message_labels", "row": label.pk}


def erase(message: Message) -> None:
    """Lose a message in a way that no verb does."""
    Message.objects.filter(pk=message.pk).delete()


def empty(index: int, store: Store) -> Facts:
    pack = store.messages[index].blob.pack
    Message.objects.filter(blob__pack=pack).delete()
    Blob.objects.filter(pack=pack).delete()
    return {"pack": pack.pk}


def half_dead(index: int, store: Store) -> Facts:
    pack = store.messages[index].blob.pack
    for blob in Blob.objects.filter(pack=pack).order_by("offset")[1:]:
        Message.objects.filter(blob=blob).delete()
        blob.delete()
    return {"pack": pack.pk}


# --- Rows of messages ---
def column(index: int, name: str, value: Any, store: Store) -> Facts:
    change(store.messages[index], **{name: value})
    return {"message": store.messages[index].pk, "names": name}


def size(index: int, store: Store) -> Facts:
    change(store.messages[index], size=7)
    return {"message": store.messages[index].pk}


def other_owner(index: int, store: Store) -> Facts:
    change(store.messages[index], owner=store.bob)
    return {"message": store.messages[index].pk}


def other_blob(index: int, store: Store) -> Facts:
    change(store.messages[index], blob=Blob.objects.filter(owner=store.bob)[index])
    return {"message": store.messages[index].pk}


def wrong_bytes(index: int, store: Store) -> Facts:
    """Let a message name the bytes of the next one."""
    message = store.messages[index]
    change(message, blob=store.messages[index + 1].blob)
    return {"message_id": message.pk}


def other_folder(index: int, account: int, store: Store) -> Facts:
    folder = Folder.objects.get(account=store.accounts[account], role=Role.INBOX)
    change(store.messages[index], folder=folder)
    return {"message": store.messages[index].pk}


def other_thread(index: int, store: Store) -> Facts:
    change(store.messages[index], thread=Thread.objects.filter(owner=store.bob).earliest("id"))
    return {"message": store.messages[index].pk}


def other_label(index: int, store: Store) -> Facts:
    store.messages[index].labels.add(Label.objects.create(owner=store.bob, name="Bob's"))
    return {"message_id": store.messages[index].pk}


def no_parts(index: int, store: Store) -> Facts:
    Part.objects.filter(message=store.messages[index]).delete()
    return {"message": store.messages[index].pk}


def extra_part(index: int, store: Store) -> Facts:
    Part.objects.create(message=store.messages[index], number="9", content_type="text/plain")
    return {"message": store.messages[index].pk}


def part_column(index: int, name: str, value: Any, store: Store) -> Facts:
    part = Part.objects.filter(message=store.messages[index]).earliest("number")
    change(part, **{name: value})
    return {"message": store.messages[index].pk}


# --- Conversations, folders, sums ---
def no_link(index: int, store: Store) -> Facts:
    digest = own_digest(store.messages[index])
    ThreadLink.objects.filter(owner=store.messages[index].owner_id, digest=digest).delete()
    return {"message": store.messages[index].pk}


def own_digest(message: Message) -> str:
    """Return what the message's own id is known by."""
    return hashlib.sha256(message.message_id.encode()).hexdigest()


def bent_link(index: int, store: Store) -> Facts:
    message = store.messages[index]
    other = Thread.objects.filter(owner=message.owner_id).exclude(pk=message.thread_id).first()
    ThreadLink.objects.filter(digest=own_digest(message)).update(thread=other)
    return {"message": message.pk}


def wrong_thread(index: int, store: Store) -> Facts:
    message = store.messages[index]
    other = Thread.objects.filter(owner=message.owner_id).exclude(pk=message.thread_id).first()
    change(message, thread=other)
    return {"message": message.pk}


def empty_thread(owner: str, store: Store) -> Facts:
    return {"thread": Thread.objects.create(owner=getattr(store, owner)).pk}


def foreign_link(index: int, store: Store) -> Facts:
    link = ThreadLink.objects.filter(owner=store.alice).order_by("id")[index]
    change(link, owner=store.bob)
    return {"threadlink": link.pk}


def foreign_folder(store: Store) -> Facts:
    folder = Folder.objects.create(owner=store.bob, account=store.accounts[0], name="Mine")
    return {"folder": folder.pk}


def foreign_parent(store: Store) -> Facts:
    one, two, _ = store.accounts
    above = Folder.objects.create(owner=store.alice, account=one, name="Above")
    below = Folder.objects.create(
        owner=store.alice, account=two, name="Below", parent=above, depth=1
    )
    return {"folder": below.pk}


def circle(store: Store) -> Facts:
    above = Folder.objects.create(owner=store.alice, account=store.accounts[0], name="Above")
    below = Folder.objects.create(
        owner=store.alice, account=store.accounts[0], name="Below", parent=above, depth=1
    )
    change(above, parent=below, depth=1)
    return {"folder": above.pk}


def label_counter(name: str, store: Store) -> Facts:
    label = Label.objects.create(owner=store.alice, name="Bills", total=2, unread=1)
    label.message_set.add(*Message.objects.filter(owner=store.alice)[:2])
    Message.objects.filter(pk__in=label.message_set.values("pk")[:1]).update(seen=False)
    counting.recount_label(label.pk)
    change(label, **{name: F(name) - 1})
    return {"label": label.pk}


def discarded(index: int, moment: datetime | None, store: Store) -> Facts:
    message = store.messages[index]
    if moment is None:
        actions.move(message.owner, Message.objects.filter(pk=message.pk), Role.TRASH)
    change(message, discarded_at=moment)
    return {"message": message.pk}


def snoozed_for_ever(store: Store) -> Facts:
    message = store.messages[0]
    actions.move(message.owner, Message.objects.filter(pk=message.pk), Role.SNOOZED)
    return {"message": message.pk}


def counter(account: int, name: str, step: int, store: Store) -> Facts:
    folder = Folder.objects.get(account=store.accounts[account], role=Role.INBOX)
    change(folder, **{name: F(name) + step})
    return {"folder": folder.pk}


def quota(owner: str, used: int, store: Store) -> Facts:
    user: User = getattr(store, owner)
    Quota.objects.filter(owner=user).update(used_bytes=used)
    return {"owner": user.pk}


def no_quota(store: Store) -> Facts:
    Quota.objects.filter(owner=store.bob).delete()
    return {"owner": store.bob.pk}


# --- Words ---
def no_words(index: int, store: Store) -> Facts:
    message = store.messages[index]
    entry = ingest.entry_of(message, parse(packs.read_raw(message.blob)))
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            place = searchplaces.held([message.pk])[message.pk]
            names, places = ", ".join(search.FTS_COLUMNS), ", ".join(["%s"] * 10)
            cursor.execute(
                f"INSERT INTO mailstore_search (mailstore_search, {names}) "
                f"VALUES ('delete', {places})",
                search.fts_rows([entry], [place])[0],
            )
            search.forget([message.pk])
        else:
            cursor.execute("DELETE FROM mailstore_search WHERE message_id = %s", [message.pk])
    return {"message": message.pk}


def other_words(index: int, values: Mapping[str, Any], store: Store) -> Facts:
    facts = no_words(index, store)
    message = store.messages[index]
    entry = ingest.entry_of(message, parse(packs.read_raw(message.blob)))
    search.index([entry._replace(**values)])
    return facts


def dead_words(_store: Store) -> Facts:
    search.index([search.Entry(10**6, 1, 1, timezone.now(), "gone", "nobody", text="nothing")])
    return {"messages": 1}


# --- What the fetcher remembers ---
def uid_row(index: int, values: Mapping[str, Any], store: Store) -> Facts:
    uid = RemoteUid.objects.order_by("id")[index]
    change(uid, **values)
    return {"remoteuid": uid.pk}


def uid_account(index: int, account: int, store: Store) -> Facts:
    return uid_row(index, {"account": store.accounts[account]}, store)


def lapsed(account: int, store: Store) -> Facts:
    then = timezone.now() - timedelta(hours=5)
    run = FetchRun(account=store.accounts[account], opened_at=then, lease_until=then)
    run.save()
    return {"fetchrun": run.pk}


COLUMNS: dict[str, Any] = {
    "subject": "Another",
    "sender_name": "Eve",
    "sender_address": "eve@example.org",
    "to": [["Eve", "eve@example.org"]],
    "cc": [["", "eve@example.org"]],
    "message_id": "other@example.org",
    "preview": "Something else",
    "sent_at": NOW - timedelta(days=400),
    "sent_offset": 90,
    "sent_at_is_guess": True,
    "defects": ["internal"],
}
PART_COLUMNS: dict[str, Any] = {
    "number": "7",
    "content_type": "text/html",
    "filename": "virus.exe",
    "content_id": "x@example.org",
    "is_attachment": True,
    "size": 10**6,
}
HEX = "0123456789abcdef" * 2
FAULTS: list[tuple[str, Plant]] = [
    *(("blob.damaged", partial(flip, index)) for index in (0, 3, 6, 9, 14, 20)),
    *(("blob.digest", partial(blob_row, index, {"sha256": "0" * 64})) for index in (1, 8)),
    *(("blob.damaged", partial(blob_row, index, {"size": 5})) for index in (2, 10)),
    *(("blob.damaged", partial(blob_row, index, {"offset": 3})) for index in (1, 6)),
    *(("blob.outside", partial(blob_row, index, {"offset": 10**7})) for index in (0, 5)),
    *(("blob.outside", partial(blob_row, index, {"size": 2**50})) for index in (3, 15)),
    *(("blob.overlap", partial(overlap, index)) for index in (0, 5)),
    *(("blob.other_owner", partial(foreign_blob, index)) for index in (0, 9)),
    *(("blob.unused", partial(unused, index)) for index in (0, 11)),
    *(("message.lost", partial(unnamed, index)) for index in (4, 14)),
    *(("message.lost", partial(lost, index)) for index in (2, 16)),
    *(("message.lost", partial(vanished, index)) for index in (0, 19)),
    *(("remote.vanished", partial(vanished_with_bytes, index)) for index in (1, 9)),
    ("row.dangling", dangling_label),
    *(("row.dangling", partial(dangling_part, index)) for index in (2, 13)),
    *(("pack.size", partial(cut, index)) for index in (0, 20)),
    *(("pack.size", partial(grow, index)) for index in (0, 7)),
    *(("pack.size", partial(pack_row, index, step)) for index, step in ((0, 1), (9, -1))),
    *(("pack.missing", partial(unlink, index)) for index in (3, 17)),
    ("pack.empty", partial(empty, 0)),
    ("pack.half_dead", partial(half_dead, 0)),
    ("file.stray", stray),
    ("file.stray", partial(litter, ".pack", "lost")),
    ("file.unfinished", partial(litter, ".tmp", HEX)),
    ("file.unknown", partial(litter, ".txt", "notes")),
    *(
        ("message.columns", partial(column, index, name, value))
        for index in (1, 12)
        for name, value in COLUMNS.items()
    ),
    ("message.columns", partial(column, 2, "has_attachments", False)),
    *(("message.size", partial(size, index)) for index in (0, 20)),
    ("message.other_owner", partial(other_owner, 0)),
    *(("message.other_blob", partial(other_blob, index)) for index in (0, 1)),
    *(("message.folder", partial(other_folder, 0, account)) for account in (1, 2)),
    *(("message.thread", partial(other_thread, index)) for index in (0, 6)),
    ("message.label", partial(other_label, 2)),
    *(("message.parts", partial(no_parts, index)) for index in (0, 2)),
    ("message.parts", partial(extra_part, 4)),
    *(
        ("message.parts", partial(part_column, 2, name, value))
        for name, value in PART_COLUMNS.items()
    ),
    *(("message.links", partial(no_link, index)) for index in (0, 1, 9)),
    *(("message.links", partial(bent_link, index)) for index in (0, 8)),
    *(("message.links", partial(wrong_thread, index)) for index in (0, 9)),
    *(("thread.empty", partial(empty_thread, owner)) for owner in ("alice", "bob")),
    *(("link.other_owner", partial(foreign_link, index)) for index in (0, 3)),
    ("folder.other_owner", foreign_folder),
    ("folder.parent", foreign_parent),
    ("folder.depth", circle),
    *(("label.counters", partial(label_counter, name)) for name in ("total", "unread")),
    ("message.discarded", partial(discarded, 0, datetime(2026, 1, 1, tzinfo=UTC))),
    ("message.discarded", partial(discarded, 9, None)),
    ("message.snooze", snoozed_for_ever),
    *(
        ("folder.counters", partial(counter, account, name, step))
        for account in (0, 2)
        for name, step in (("total", 1), ("unread", -1), ("size", 1000))
    ),
    *(("quota.used", partial(quota, owner, 5)) for owner in ("alice", "bob")),
    ("quota.used", no_quota),
    *(("search.missing", partial(no_words, index)) for index in (0, 7, 20)),
    ("search.wrong", partial(other_words, 0, {"owner_id": 999})),
    ("search.wrong", partial(other_words, 3, {"subject": "Quite another"})),
    ("search.wrong", partial(other_words, 9, {"text": "Quite another"})),
    ("search.dead", dead_words),
    *(
        ("remote.account", partial(uid_account, index, account))
        for index, account in ((0, 1), (9, 2))
    ),
    *(("remote.digest", partial(uid_row, index, {"sha256": "0" * 64})) for index in (0, 20)),
    *(("remote.other_bytes", partial(wrong_bytes, index)) for index in (0, 9)),
    *(
        ("remote.fingerprint", partial(uid_row, index, {"fingerprint": "0" * 64}))
        for index in (1, 19)
    ),
    *(("run.lapsed", partial(lapsed, account)) for account in (0, 2)),
]
