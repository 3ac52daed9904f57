"""Mail taken out and put in again is the same mail, also when it is put in twice."""

from __future__ import annotations

import gzip
import io
import json
import mailbox
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import quotas
from accounts.models import ExternalAccount, Quota, State, User
from mailstore.models import Folder, Label, Message, Role
from mailstore.transfers import running
from mailstore.transfers.models import Form, Phase, Transfer
from tests.builders import make_account, make_user
from tests.mailstore.rows import letter, make_message
from tests.mailstore.test_ingest import mail

pytestmark = pytest.mark.django_db
ODD = [
    b"From: a@example.org\nSubject: From lines\n\nFrom here on\n>From there\nthe end",
    b"From: a@example.org\r\nSubject: CRLF\r\n\r\nFrom one\r\n\r\nFrom two\r\n",
    b"Subject: ends in empty lines\n\nfoot\n\n\n",
    b"Subject: no body\n",
    "Subject: jauh\nFrom: Siti <siti@contoh.example>\n\nhalo \U0001f30a\n".encode(),
]


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> None:
    settings.TRANSFER_FOLDER = tmp_path / "transfers"


@pytest.fixture
def alice(client: Client) -> User:
    owner = make_user()
    client.force_login(owner)
    return owner


def run() -> int:
    return running.run_waiting(lambda: False)


def exported(owner: User, form: str = "mbox", account: ExternalAccount | None = None) -> Transfer:
    made = Transfer.objects.create(owner=owner, account=account, form=form, name=f"x.{form}")
    assert run() == 1
    made.refresh_from_db()
    assert (made.phase, made.code) == (Phase.DONE, "")
    return made


def imported(owner: User, archive: bytes | Path, **fields: object) -> Transfer:
    made = Transfer.objects.create(owner=owner, is_import=True, name="x", **fields)
    running.folder().mkdir(parents=True, exist_ok=True)
    made.path.write_bytes(archive.read_bytes() if isinstance(archive, Path) else archive)
    assert run() == 1
    made.refresh_from_db()
    assert not made.path.exists(), "what was sent in is not kept"
    return made


def filled(owner: User) -> list[ExternalAccount]:
    """Make two accounts with folders in folders, marks, labels and the same bytes twice."""
    home, work = make_account(owner), make_account(owner, address="b@example.org", name="Kerja")
    outer = Folder.objects.create(owner=owner, account=home, name="Proyek: a/b")
    inner = Folder.objects.create(owner=owner, account=home, name="2024", parent=outer, depth=1)
    label = Label.objects.create(owner=owner, name="Penting", color="red")
    for number, raw in enumerate(ODD):
        message = make_message(home, raw, folder=(inner, outer, None)[number % 3], seen=number > 2)
        if number % 2:
            message.labels.add(label)
            Message.objects.filter(pk=message.pk).update(flagged=True, answered=True)
    for _ in range(2):
        make_message(work, letter("Sama", "sama"), role=Role.TRASH)
    make_message(work, letter("Sama", "sama"))
    make_message(work, ODD[0], draft=True, role=Role.DRAFTS)
    return [home, work]


def shape(owner: User) -> Counter[tuple[object, ...]]:
    """Return what must be the same after a journey out and in, and how often."""
    rows = Message.objects.filter(owner=owner).select_related("folder__parent", "account", "blob")
    return Counter(
        (
            *(row.account.address, row.folder.role, row.folder.name),
            row.folder.parent.name if row.folder.parent else "",
            *(row.blob.sha256, row.seen, row.flagged, row.answered, row.draft),
            tuple(label.name for label in row.labels.all()),
            row.received_at,
        )
        for row in rows
    )


@pytest.mark.parametrize("form", Form.values)
def test_an_empty_server_gets_the_same_mail_from_an_export(alice: User, form: str) -> None:
    home, work = filled(alice)
    archive = exported(alice, form)
    new = make_user("new@example.org")
    first = imported(new, archive.path)
    assert (first.phase, first.code, first.added) == (Phase.DONE, "", 9)
    assert shape(new) == shape(alice)
    for address in (home.address, work.address):
        kept = ExternalAccount.objects.get(owner=new, address=address)
        assert (kept.state, kept.next_fetch_at) == (State.ARCHIVED, None)
    assert quotas.usage(new.pk).used == sum(
        Message.objects.filter(owner=new).values_list("size", flat=True)
    )
    again = imported(new, archive.path)
    assert (again.added, again.known, again.left) == (0, 9, 0)
    assert shape(new) == shape(alice)
    columns = ("name", "role", "total", "unread", "size")
    counts = [
        sorted(Folder.objects.filter(owner=one, total__gt=0).values_list(*columns))
        for one in (new, alice)
    ]
    assert counts[0] == counts[1]


def test_other_programs_read_an_export(alice: User, tmp_path: Path) -> None:
    filled(alice)
    with zipfile.ZipFile(exported(alice, "mbox").path) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "mbox")
    boxes = [name for name in names if name.endswith(".mbox")]
    assert "b@example.org/trash.mbox" in boxes
    count = 0
    for name in boxes:
        with closing(mailbox.mbox(tmp_path / "mbox" / name)) as box:
            count += len(box)
    assert count == 9
    with gzip.open(exported(alice, "maildir").path) as packed, tarfile.open(fileobj=packed) as tar:
        tar.extractall(tmp_path / "maildir", filter="data")
    places = {place.parent for place in (tmp_path / "maildir").rglob("cur")}
    found = [one for place in places for one in (place / "cur").iterdir()]
    assert found


def test_settings_leave_without_a_secret(alice: User) -> None:
    make_account(alice, password="rahasia sekali")
    with zipfile.ZipFile(exported(alice).path) as archive:
        text = archive.read("settings.json").decode()
    told = json.loads(text)
    assert told["person"]["undo_seconds"] == 10
    assert told["accounts"][0]["incoming"]["host"] == "pop.example.org"
    assert "rahasia" not in text
    assert "password" not in text


def test_what_is_stored_damaged_is_left_out_and_counted(alice: User) -> None:
    home = filled(alice)[0]
    victim = Message.objects.filter(account=home).earliest("id")
    type(victim.blob).objects.filter(pk=victim.blob_id).update(size=10**9)
    archive = exported(alice)
    assert archive.left >= 1
    new = make_user("new@example.org")
    assert imported(new, archive.path).added == 9 - archive.left


def zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), data)
    return out.getvalue()


def tarred(*entries: tuple[str, bytes, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data, kind in entries:
            entry = tarfile.TarInfo(name)
            entry.type, entry.size, entry.linkname = kind, len(data), "/etc/passwd"
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


MBOX = b"From x Mon Jan  1\n" + mail(1) + b"\n\nFrom y Mon Jan  1\n" + mail(2) + b"\n"


@pytest.mark.parametrize(
    ("archive", "added"),
    [
        (MBOX, 2),
        (mail(1), 1),
        (zipped(a_dot_mbox=MBOX, b_dot_eml=mail(3), notes_dot_txt=b"Note: no mail"), 3),
        (tarred(("m/cur/1:2,FS", mail(1), b"0"), ("m/new/2", mail(2), b"0")), 2),
        (tarred(("../../evil.eml", mail(1), b"0"), ("l.eml", b"", b"2"), ("d.eml", b"", b"3")), 1),
    ],
)
def test_archives_of_others_are_read(alice: User, archive: bytes, added: int) -> None:
    account = make_account(alice)
    done = imported(alice, archive, account=account, role=Role.INBOX)
    assert (done.phase, done.added) == (Phase.DONE, added)
    rows = Message.objects.filter(account=account)
    assert {row.folder.role for row in rows} == {"inbox"}
    again = imported(alice, archive, account=account, role=Role.INBOX)
    assert (again.added, again.known) == (0, added)


def test_flags_of_a_maildir_are_kept(alice: User) -> None:
    account = make_account(alice)
    entries = [(f"m/cur/{n}:2,{flags}", mail(n), b"0") for n, flags in enumerate(["", "S", "FRS"])]
    imported(alice, tarred(*entries), account=account)
    marks = Message.objects.order_by("id").values_list("seen", "flagged", "answered")
    assert list(marks) == [(True, False, False), (True, False, False), (True, True, True)]


def locked() -> bytes:
    data = bytearray(zipped(a_dot_eml=mail(1)))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + at] |= 1
    return bytes(data)


def many_files() -> bytes:
    data = bytearray(zipped(a_dot_eml=mail(1)))
    end = data.rindex(b"PK\x05\x06")
    data[end + 12 : end + 16] = (2**31).to_bytes(4, "little")
    return bytes(data)


def long_name() -> bytes:
    out = io.BytesIO()
    entry = tarfile.TarInfo("./@LongLink")
    entry.type, entry.size = b"L", 2 * 1024 * 1024
    out.write(entry.tobuf() + b"a" * entry.size)
    return out.getvalue()


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "no mail": (lambda: b"\x89PNG\r\n" + b"x" * 600, "archive.empty"),
    "empty mbox": (lambda: b"From x\n"[:3], "archive.empty"),
    "locked": (locked, "archive.encrypted"),
    "cut off": (lambda: zipped(a_dot_eml=mail(1))[:-30], "archive.damaged"),
    "cut off in gzip": (lambda: tarred(("a.eml", mail(1) * 99, b"0"))[:-40], "archive.damaged"),
    "many files": (many_files, "archive.files"),
    "bomb": (lambda: zipped(a_dot_mbox=b"From x\n" + b"\0" * 90_000_000), "archive.bomb"),
    "bomb of names": (long_name, "archive.bomb"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_is_refused_in_words(client: Client, alice: User, kind: str) -> None:
    make, code = REFUSED[kind]
    refused = imported(alice, make(), account=make_account(alice))
    assert (refused.phase, refused.code) == (Phase.FAILED, code)
    page = client.get(reverse("transfers"), headers={"Accept-Language": "id"}).content.decode()
    assert str(refused.words) not in page, "it is said in Indonesian"
    assert "Gagal" in page


def test_too_large_a_message_is_left_out_and_the_others_come(alice: User) -> None:
    plan = quotas.plan_of(alice)
    plan.max_message_bytes = 5000
    plan.save()
    big = b"From x\nSubject: big\n\n" + b"x" * 70_000 + b"\n\n"
    done = imported(alice, big + MBOX, account=make_account(alice))
    assert (done.phase, done.added, done.left) == (Phase.DONE, 2, 1)


def test_a_full_storage_ends_an_import_with_what_fits(alice: User) -> None:
    account = make_account(alice)
    Quota.objects.update_or_create(owner=alice, defaults={"allowed_bytes": len(mail(1)) + 10})
    done = imported(alice, MBOX, account=account)
    assert (done.phase, done.code, done.added) == (Phase.FAILED, "quota.full", 1)
    Quota.objects.filter(owner=alice).update(allowed_bytes=None)
    assert (rest := imported(alice, MBOX, account=account)).added == 1
    assert rest.known == 1


def test_a_worker_that_dies_leaves_no_half_import_and_the_next_goes_on(alice: User) -> None:
    account = make_account(alice)
    asked = iter([False, False, True])
    made = Transfer.objects.create(owner=alice, is_import=True, name="x", account=account)
    running.folder().mkdir(parents=True)
    made.path.write_bytes(MBOX)
    running.run_waiting(lambda: next(asked, True))
    made.refresh_from_db()
    assert made.phase == Phase.WAITING
    assert Message.objects.count() == 0
    Transfer.objects.update(phase=Phase.RUNNING, lease_until=timezone.now(), tries=1)
    assert run() == 1
    made.refresh_from_db()
    assert (made.phase, made.added, made.known) == (Phase.DONE, 2, 0)


def test_one_that_its_owner_stops_ends_without_a_trace(alice: User) -> None:
    filled(alice)
    made = Transfer.objects.create(owner=alice, form="mbox", name="x")

    def stop() -> bool:
        if made.path.exists():
            Transfer.objects.all().delete()
        return False

    running.run_waiting(stop)
    assert list(running.folder().iterdir()) == []


def test_the_page_begins_both_and_gives_the_file_to_its_owner_alone(
    client: Client, alice: User
) -> None:
    account = filled(alice)[0]
    asked = {"form": "mbox", "account": account.public_id}
    assert client.post(reverse("transfer_export"), asked).status_code == 302
    assert run() == 1
    made = Transfer.objects.get()
    file = client.get(reverse("transfer_file", args=[made.public_id]))
    data = b"".join(file)
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
    assert file["Content-Disposition"].startswith("attachment")
    sent = {"archive": SimpleUploadedFile("a.zip", data), "account": "", "role": "archive"}
    assert client.post(reverse("transfer_import"), sent).status_code == 302
    assert run() == 1
    taken = Transfer.objects.get(is_import=True)
    assert (taken.phase, taken.added, taken.known) == (Phase.DONE, 0, len(ODD))
    stranger = Client()
    stranger.force_login(make_user("mallory@example.org"))
    for name in ("transfer_file", "transfer_remove"):
        address = reverse(name, args=[made.public_id])
        ask = stranger.get if name == "transfer_file" else stranger.post
        assert ask(address).status_code == 404
    client.post(reverse("transfer_remove", args=[made.public_id]))
    assert not made.path.exists()


def test_an_export_lapses_with_its_file(alice: User) -> None:
    made = exported(alice)
    assert running.forget_old(timezone.now()) == 0
    assert running.forget_old(timezone.now() + running.KEEP) == 1
    assert not made.path.exists()


def test_nobody_has_more_than_a_few_waiting(client: Client, alice: User) -> None:
    answers = [client.post(reverse("transfer_export"), {"form": "eml"}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [302] * 5 + [422]
