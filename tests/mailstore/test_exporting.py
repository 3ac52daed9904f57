"""Mail taken out again: the same bytes, in forms that other programs read."""

from __future__ import annotations

import io
import json
import mailbox
import os
import re
import stat
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import ExternalAccount
from mailstore.models import Blob, Message
from tests.builders import make_account, make_user
from tests.mailstore.test_ingest import mail, store

pytestmark = pytest.mark.django_db
WITH_FROM_LINES = mail(3) + b"From here on\n>From there\nthe end"
RAWS = [mail(1), mail(2).replace(b"\n", b"\r\n"), WITH_FROM_LINES]


@pytest.fixture
def account() -> ExternalAccount:
    account = make_account(make_user())
    store(account, *RAWS)
    store(make_account(make_user("bob@example.org")), mail(9))
    return account


def run(*words: object) -> str:
    out = io.StringIO()
    call_command("exportmail", "--owner", "alice@example.org", *map(str, words), stdout=out)
    return out.getvalue()


def test_eml_files_hold_the_raw_bytes(account: ExternalAccount, tmp_path: Path) -> None:
    said = run("--format", "eml", tmp_path / "out")
    assert said.startswith("3 messages written")
    assert sorted(file.read_bytes() for file in (tmp_path / "out").iterdir()) == sorted(RAWS)


def test_what_is_written_is_for_its_owner_alone(account: ExternalAccount, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        run("--format", "eml", tmp_path / "out")
        after = os.umask(0o022)
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(x.stat().st_mode) for x in (tmp_path / "out").iterdir()]
    assert (stat.S_IMODE((tmp_path / "out").stat().st_mode), modes) == (0o700, [0o600] * 3)
    assert after == 0o022, "what the process writes afterwards is not the command's business"


def test_a_maildir_carries_the_keywords(account: ExternalAccount, tmp_path: Path) -> None:
    first = Message.objects.filter(owner=account.owner).order_by("id")[0]
    Message.objects.filter(pk=first.pk).update(seen=True, flagged=True)
    run("--format", "maildir", tmp_path / "out")
    box = mailbox.Maildir(tmp_path / "out", create=False)
    assert sorted(box.get_bytes(key) for key in box.iterkeys()) == sorted(RAWS)
    flags = [message.get_flags() for message in box]
    assert sorted(flags) == ["", "", "FS"]
    files = [*(tmp_path / "out" / "cur").iterdir(), *(tmp_path / "out" / "new").iterdir()]
    assert sorted(file.read_bytes() for file in files) == sorted(RAWS)


def test_an_mbox_can_be_turned_back_into_the_raw_bytes(
    account: ExternalAccount, tmp_path: Path
) -> None:
    run("--format", "mbox", tmp_path / "out.mbox")
    text = (tmp_path / "out.mbox").read_bytes()
    quoted = re.split(rb"^From MAILER-DAEMON .*\n", text, flags=re.MULTILINE)[1:]
    unquoted = [re.sub(rb"^>(>*From )", rb"\1", one, flags=re.MULTILINE)[:-1] for one in quoted]
    with_line_end = [raw if raw.endswith(b"\n") else raw + b"\n" for raw in RAWS]
    assert sorted(unquoted) == sorted(with_line_end)
    with closing(mailbox.mbox(tmp_path / "out.mbox")) as box:
        assert len(box) == 3


def test_one_account_alone_can_be_taken_out(account: ExternalAccount, tmp_path: Path) -> None:
    other = make_account(account.owner, address="other@example.org")
    store(other, mail(5))
    said = run("--json", "--account", other.public_id, "--format", "eml", tmp_path / "out")
    assert json.loads(said) == {"ok": True, "messages": 1, "destination": str(tmp_path / "out")}


@pytest.mark.parametrize("form", ["eml", "maildir", "mbox"])
def test_nothing_is_written_over(account: ExternalAccount, tmp_path: Path, form: str) -> None:
    place = tmp_path / "there"
    place.write_text("mine") if form == "mbox" else place.mkdir()
    with pytest.raises(CommandError, match="exists already") as error:
        run("--format", form, place)
    assert error.value.returncode == 2


def test_strangers_and_foreign_accounts_are_refused(
    account: ExternalAccount, tmp_path: Path
) -> None:
    for words in (
        ["--owner", "nobody@example.org"],
        ["--owner", "bob@example.org", "--account", str(account.public_id)],
        ["--owner", "bob@example.org", "--account", "no-id"],
    ):
        with pytest.raises(CommandError) as error:
            call_command("exportmail", *words, "--format", "eml", str(tmp_path / "out"))
        assert error.value.returncode == 2
    assert not (tmp_path / "out").exists()


def test_a_damaged_message_is_named_and_not_written(
    account: ExternalAccount, tmp_path: Path
) -> None:
    blob = Blob.objects.filter(owner=account.owner).earliest("id")
    Blob.objects.filter(pk=blob.pk).update(sha256="0" * 64)
    with pytest.raises(CommandError, match="differs from what was written") as error:
        run("--format", "eml", tmp_path / "out")
    assert error.value.returncode == 1
