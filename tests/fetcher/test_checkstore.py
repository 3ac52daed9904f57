"""A store that is whole is told to be whole; each of a hundred faults is named, and many mended."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from accounts.models import ExternalAccount, State
from fetcher.management.commands.checkstore import ADVICE
from fetcher.models import FetchRun, RemoteFolder, RemoteUid
from fetcher.runs import run_fetch
from mailstore import actions, packs, purging, searchrows
from mailstore.models import Blob, Message, Part, Role, Thread, ThreadLink
from tests.fetcher import planting
from tests.fetcher.planting import FAULTS, Plant, Store, make_store
from tests.fetcher.test_runs import Mailbox, letter
from tests.fetcher.test_runs import mailbox as mailbox  # noqa: PLC0414 - pytest finds it by name

pytestmark = pytest.mark.django_db
# What packs and rows do not prove, so that it stays until somebody looks.
UNPROVEN = {
    "blob.damaged",
    "blob.other_owner",
    "file.unknown",
    "folder.depth",
    "folder.parent",
    "message.other_blob",
    "message.other_owner",
    "pack.missing",
    "remote.other_bytes",
}
FIRST, LAST = dict(reversed(FAULTS)), dict(FAULTS)
PROVEN = sorted(set(FIRST) - UNPROVEN - {"search.wrong", "search.dead"})


@pytest.fixture(autouse=True)
def _nothing_of_others(db: None, settings: Settings, tmp_path: Path) -> Iterator[None]:
    """Begin with no pack, and without the words that a flushed table of messages leaves."""
    settings.PACK_FOLDER = tmp_path / "packs"
    if searchrows.can_drop():
        searchrows.drop_dead()
    yield
    if connection.in_atomic_block:
        # Lest it be checked whether rows still refer to something: some must not.
        connection.set_rollback(True)


@pytest.fixture
def store() -> Store:
    return make_store()


def check(*words: str) -> list[dict[str, Any]]:
    """Run the command and read its lines; its ending and its last line agree with them."""
    out, code = io.StringIO(), 0
    try:
        call_command("checkstore", *words, "--json", stdout=out)
    except SystemExit as ending:
        code = int(ending.code or 0)
    *lines, summary = map(json.loads, out.getvalue().splitlines())
    found = [line for line in lines if "code" in line and not line.get("note")]
    assert (summary["faults"], summary["ok"]) == (len(found), code == 0)
    return lines


def codes(*words: str) -> set[str]:
    return {line["code"] for line in check(*words) if not line["note"]}


def left_after_repair() -> set[str]:
    check("--repair")
    return codes("--repair")


def test_a_whole_store_has_no_fault(store: Store) -> None:
    assert check() == []
    assert check("--owner", "alice@example.org") == []


def test_there_are_a_hundred_faults_of_many_kinds_to_plant() -> None:
    assert len(FAULTS) >= 100
    assert len(FIRST) >= 20


@pytest.mark.parametrize(
    ("code", "plant"), FAULTS, ids=[f"{index}-{code}" for index, (code, _) in enumerate(FAULTS)]
)
def test_each_fault_is_named(store: Store, code: str, plant: Plant) -> None:
    facts = plant(store)
    assert any(line["code"] == code and facts.items() <= line.items() for line in check())


@pytest.mark.parametrize("code", PROVEN)
def test_what_packs_and_rows_prove_is_mended(store: Store, code: str) -> None:
    LAST[code](store)
    assert left_after_repair() == set()


@pytest.mark.parametrize("code", sorted(UNPROVEN))
def test_what_nothing_proves_stays_and_is_told_again(store: Store, code: str) -> None:
    FIRST[code](store)
    assert code in left_after_repair()


def test_a_repair_deletes_no_message_and_no_raw_bytes(store: Store) -> None:
    before = {path.name: path.read_bytes() for path in packs.files()}
    ids = {message.public_id for message in store.messages}
    planting.flip(0, store)
    planting.unlink(7, store)
    planting.stray(store)
    kept = {path.name: path.read_bytes() for path in packs.files()}
    check("--repair")
    assert {message.public_id for message in store.messages} == ids
    after = {path.name: path.read_bytes() for path in packs.root().rglob("*.pack")}
    assert after == kept
    assert len(before) == 6


def test_a_wrong_place_is_found_again_by_the_digest(store: Store) -> None:
    planting.blob_row(1, {"offset": 3, "size": 9}, store)
    planting.blob_row(6, {"offset": 10**7}, store)
    assert left_after_repair() == set()
    assert packs.read_raw(store.messages[1].blob) == planting.mail(2)


def test_a_lost_message_comes_back_into_its_inbox_with_its_time_of_arrival(store: Store) -> None:
    planting.lost(2, store)
    check("--repair")
    message = Message.objects.latest("id")
    assert packs.read_raw(message.blob) == planting.mail(3)
    assert (message.account, message.received_at) == (store.accounts[0], planting.NOW)
    assert message.remoteuid_set.count() == 1


def test_a_message_whose_row_vanished_comes_back_without_leaving_anything(store: Store) -> None:
    parts = Part.objects.count()
    uid = planting.vanished(2, store)["remoteuid"]
    assert left_after_repair() == set()
    message = Message.objects.latest("id")
    assert (packs.read_raw(message.blob), message.seen) == (planting.mail(3), False)
    assert message.folder.role == Role.INBOX
    assert RemoteUid.objects.get(pk=uid).message == message
    assert Part.objects.count() == parts


def test_a_lost_message_that_no_note_names_comes_back_into_the_account_of_its_pack(
    store: Store,
) -> None:
    planting.unnamed(9, store)
    assert left_after_repair() == set()
    message = Message.objects.latest("id")
    assert (packs.read_raw(message.blob), message.account) == (planting.mail(13), store.accounts[1])


def test_a_lost_message_with_damaged_bytes_is_wanted_again(store: Store) -> None:
    planting.flip(2, store)
    uid = planting.lost(2, store)["remoteuid"]
    assert left_after_repair() == set()
    assert not RemoteUid.objects.filter(pk=uid).exists()


def test_a_repair_builds_nothing_on_another_persons_row(store: Store) -> None:
    planting.other_owner(0, store)
    before = Message.objects.order_by("id").values().first()
    check("--repair")
    assert Message.objects.order_by("id").values().first() == before


def test_bytes_that_are_whole_under_a_wrong_row_are_told_once_and_can_be_read_again(
    store: Store,
) -> None:
    blob, uid = store.messages[1].blob, RemoteUid.objects.get(message=store.messages[8])
    planting.blob_row(1, {"sha256": "0" * 64}, store)
    planting.change(uid, sha256="1" * 64)
    assert [(line["code"], line["blob"]) for line in check()] == [
        ("blob.digest", blob.pk),
        ("remote.digest", store.messages[8].blob_id),
    ]
    assert codes("--repair") == {"blob.digest", "remote.digest"}
    assert codes() == set()
    assert packs.read_raw(store.messages[1].blob) == planting.mail(2)
    uid.refresh_from_db()
    assert uid.sha256 == store.messages[8].blob.sha256


def test_where_bytes_and_both_rows_differ_nothing_is_taken_for_proven(store: Store) -> None:
    planting.flip(0, store)
    planting.blob_row(0, {"sha256": "0" * 64}, store)
    before = list(Blob.objects.order_by("id").values())
    assert left_after_repair() == {"blob.damaged", "remote.other_bytes"}
    assert list(Blob.objects.order_by("id").values()) == before


def test_what_a_mended_place_overlapped_is_no_fault_any_more(store: Store) -> None:
    planting.overlap(0, store)
    assert codes("--repair") == {"blob.damaged"}
    assert codes() == set()


def test_a_lost_pack_is_one_fault_that_counts_its_messages(store: Store) -> None:
    facts = planting.unlink(3, store)
    (line,) = check()
    assert line["code"] == "pack.missing"
    assert (line["pack"], line["messages"]) == (facts["pack"], 4)


def test_one_owners_faults_are_not_told_of_another(store: Store) -> None:
    planting.column(20, "subject", "Another", store)
    planting.quota("bob", 5, store)
    assert codes("--owner", "alice@example.org") == set()
    assert codes("--owner", "BOB@example.org") == {"message.columns", "quota.used"}


def test_a_young_file_may_be_a_batch_on_its_way(store: Store) -> None:
    packs.write_pack([b"Subject: on my way\n\n"])
    assert check() == []


def test_a_removed_account_that_is_being_erased_is_no_fault(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ExternalAccount.objects.filter(pk=store.accounts[0].pk).update(state=State.REMOVED)
    account = ExternalAccount.objects.get(pk=store.accounts[0].pk)
    monkeypatch.setattr(purging, "BATCH", 3)
    purging._purge_some(account)
    assert codes() == set()


def test_a_broken_search_index_is_named_and_made_again(store: Store) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL looks after its own pages")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM mailstore_search_data WHERE id > 10")
    assert codes() == {"search.unreadable"}
    call_command("reindex", stdout=io.StringIO())
    assert codes() == set()


def test_wrong_words_are_made_again(store: Store) -> None:
    planting.other_words(0, {"subject": "Quite another"}, store)
    if connection.vendor == "sqlite":
        assert left_after_repair() == {"search.wrong"}
        call_command("reindex", stdout=io.StringIO())
    else:
        assert left_after_repair() == set()
    assert codes() == set()


def test_people_read_a_line_for_each_fault_with_its_ids_and_what_to_do(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = planting.no_words(0, store)
    with pytest.raises(CommandError, match="1 faults are left"):
        call_command("checkstore")
    line, summary = capsys.readouterr().out.splitlines()
    assert line == f"search.missing message={facts['message']}: --repair adds the words."
    assert summary == "1 faults, 0 mended; 0 notes."


@pytest.mark.parametrize("command", ["checkstore", "reindex"])
def test_an_unknown_owner_ends_with_2(command: str, store: Store) -> None:
    with pytest.raises(CommandError) as error:
        call_command(command, "--owner", "nobody@example.org")
    assert error.value.returncode == 2


def test_every_code_has_its_advice() -> None:
    assert set(FIRST) <= set(ADVICE)


@pytest.mark.django_db(transaction=True)
def test_mail_that_comes_meanwhile_is_no_fault(store: Store) -> None:
    account = store.accounts[0]
    folder = RemoteFolder.objects.get(account=account)
    lease = planting.NOW + timedelta(days=36500)
    run = FetchRun.objects.create(account=account, opened_at=planting.NOW, lease_until=lease)

    def come() -> None:
        for first in range(1000, 1200, 5):
            planting.fetch(run, folder, range(first, first + 5), now=timezone.now())
            ids = [message.public_id for message in Message.objects.order_by("-id")[:3]]
            actions.mark_seen(store.alice, ids, seen=True)
        connection.close()

    with ThreadPoolExecutor(1) as threads:
        coming = threads.submit(come)
        found = codes()
        while not coming.done():
            found |= codes()
        coming.result()
    assert found | codes() == set()


@pytest.mark.django_db(transaction=True)
def test_a_row_that_refers_to_nothing_is_named(store: Store) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL does not let it happen")
    with connection.constraint_checks_disabled():
        thread = ThreadLink.objects.earliest("id").thread_id
        Thread.objects.filter(pk=thread)._raw_delete(connection.alias)
        assert "row.dangling" in codes()
        ThreadLink.objects.filter(thread=thread).delete()
        Message.objects.filter(thread=thread).delete()


@pytest.mark.servers
@pytest.mark.django_db(transaction=True)
def test_what_was_made_again_without_its_note_is_not_fetched_again(mailbox: Mailbox) -> None:
    account = mailbox(*(letter(number) for number in range(3)))
    run_fetch(account.pk)
    RemoteUid.objects.filter(message=Message.objects.earliest("id")).delete()
    planting.erase(Message.objects.earliest("id"))
    assert "message.lost" in codes("--repair")
    RemoteFolder.objects.update(listed_at=None)
    run = run_fetch(account.pk)
    assert run is not None
    assert (run.code, run.messages, Message.objects.count()) == ("", 0, 3)
    assert RemoteUid.objects.filter(gone_at=None, uid_is_made=False).count() == 3


@pytest.mark.servers
@pytest.mark.django_db(transaction=True)
def test_damaged_bytes_are_had_again_from_the_provider(
    mailbox: Mailbox,
) -> None:
    account = mailbox(*(letter(number) for number in range(3)))
    run_fetch(account.pk)
    before = list(Message.objects.order_by("id").values())
    first = Message.objects.select_related("blob__pack").earliest("id")
    content = packs.read_raw(first.blob)
    planting.file_of(first).unlink()
    assert {line["whole_again"] for line in check("--refetch") if "account" in line} == {3}
    assert codes() == set()
    assert list(Message.objects.order_by("id").values()) == before
    assert packs.read_raw(Message.objects.get(pk=first.pk).blob) == content


@pytest.mark.servers
@pytest.mark.django_db(transaction=True)
def test_what_the_provider_has_no_more_stays_as_it_is(
    mailbox: Mailbox,
) -> None:
    account = mailbox(letter(1))
    account.incoming.delete_after_days = 0
    account.incoming.save()
    run_fetch(account.pk)
    message = Message.objects.select_related("blob__pack").get()
    planting.file_of(message).unlink()
    told = check("--refetch")
    assert told[-1] == {"account": account.pk, "whole_again": 0, "error": ""}
    assert Message.objects.get() == message


@pytest.mark.django_db(transaction=True)
def test_a_provider_that_cannot_be_reached_is_told_by_its_code(store: Store) -> None:
    planting.flip(0, store)
    told = check("--refetch")
    assert (told[-1]["whole_again"], told[-1]["error"]) == (0, "conn.dns")
