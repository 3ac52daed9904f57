"""One letter in several accounts: what proves it, where it is one row, and what is done to it."""

from __future__ import annotations

import hashlib
from base64 import encodebytes
from collections.abc import Sequence
from datetime import timedelta
from quopri import encodestring
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts import quotas
from accounts.models import ExternalAccount, User
from mailstore import actions, copies, ingest, packs, parsing, purging, snoozing
from mailstore.folders import role_folder
from mailstore.models import Folder, Message, MessageQuerySet, Role, Undo
from mailstore.paging import Row, read_page
from mailstore.queries import list_messages, unread_told, unread_total
from mailstore.rail import build_rail
from mailstore.reindexing import reindex
from mailstore.sameness import is_same
from mailstore.scopes import of_view
from tests.builders import make_account, make_user

TEXT = "Rapat kelapa: jam sepuluh.\r\nSalam, Bökö\r\n"
FILE = bytes(range(256)) * 8
INBOX = "/mail/all/inbox/"


def sent(number: int = 1, text: str = TEXT, *, hop: str = "mx.a.example", **more: str) -> bytes:
    """Write a letter as it reaches one account; ``more`` replaces or adds fields."""
    fields = {
        "Return-Path": f"<bounce@{hop}>",
        "Received": f"from out.example by {hop} with ESMTPS id {number}",
        "X-Spam-Score": str(len(hop)),
        "From": "Bob <bob@example.org>",
        "To": "alice@example.org",
        "Subject": f"Rapat {number}",
        "Date": f"Mon, 2 Mar 2026 08:{number:02}:00 +0700",
        "Message-ID": f"<{number}@example.org>",
        "Content-Type": "text/plain; charset=utf-8",
    }
    fields |= {name.replace("_", "-"): value for name, value in more.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    return f"{head}\r\n{text}".encode()


def with_file(data: bytes, width: int = 57) -> bytes:
    file = b"".join(
        encodebytes(data[at : at + width]).replace(b"\n", b"") + b"\r\n"
        for at in range(0, len(data), width)
    ).decode()
    text = (
        "--m\r\nContent-Type: text/plain\r\n\r\nLihat lampiran.\r\n--m\r\n"
        "Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n"
        f'Content-Disposition: attachment; filename="a.pdf"\r\n\r\n{file}--m--\r\n'
    )
    return sent(text=text, Content_Type='multipart/mixed; boundary="m"')


def store(account: ExternalAccount, *raws: bytes, role: Role = Role.INBOX) -> list[Message]:
    now = timezone.now()
    arrivals = [
        ingest.Arrival(raw, hashlib.sha256(raw).hexdigest(), parsing.parse(raw), now)
        for raw in raws
    ]
    pack = packs.write_pack(raws)
    with transaction.atomic():
        quotas.take(account.owner_id, pack.size)
        ids = ingest.store_messages(account, role_folder(account, role), pack, arrivals)
    return [Message.objects.get(pk=pk) for pk in ids]


@pytest.fixture
def owner(db: None) -> User:
    return make_user()


@pytest.fixture
def home(owner: User) -> ExternalAccount:
    return make_account(owner, name="Rumah", badge="RU", color="teal")


@pytest.fixture
def work(owner: User) -> ExternalAccount:
    return make_account(owner, name="Kantor", badge="KA", address="work@example.org")


@pytest.fixture
def client(owner: User) -> Client:
    client = Client()
    client.force_login(owner, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def prefer(owner: User, **choices: Any) -> User:
    User.objects.filter(pk=owner.pk).update(**choices)
    return User.objects.get(pk=owner.pk)


def rows(owner: User, *, grouped: bool = False, view: str = "inbox") -> list[Row]:
    return read_page(owner, of_view(owner, view), grouped=grouped).rows


def shown(found: Sequence[Row]) -> list[tuple[str, str, list[str]]]:
    return [
        (row.message.subject, row.message.account.badge, [one.badge for one in row.also])
        for row in found
    ]


def stored(subject: str = "Rapat 1") -> MessageQuerySet:
    return Message.objects.filter(subject=subject)


SAME = {
    "other hops": sent(hop="mail.b.example"),
    "other line ends": sent().replace(b"\r\n", b"\n"),
    "a blank more at the end": sent() + b"\r\n\r\n",
    "a field folded elsewhere": sent(From="Bob\r\n <bob@example.org>"),
    "text encoded by a relay": sent(Content_Transfer_Encoding="base64").split(b"\r\n\r\n")[0]
    + b"\r\n\r\n"
    + encodebytes(TEXT.encode()),
    "text quoted by a relay": sent(Content_Transfer_Encoding="quoted-printable").split(b"\r\n\r\n")[
        0
    ]
    + b"\r\n\r\n"
    + encodestring(TEXT.encode()),
}
OTHER = {
    "another text under its Message-ID": sent(text="Transfer sekarang!\r\n"),
    "one letter less": sent(text=TEXT.replace("ö", "o", 1)),
    "another sender": sent(From="Bob <bob@evil.example>"),
    "another name of the sender": sent(From="Bank <bob@example.org>"),
    "answers go elsewhere": sent(Reply_To="eve@evil.example"),
    "another subject": sent(Subject="[SPAM] Rapat 1"),
    "another date": sent(Date="Mon, 2 Mar 2026 08:01:01 +0700"),
    "another Message-ID": sent(Message_ID="<2@example.org>"),
    "sent on by a list": sent(List_Id="<rapat.lists.example>"),
    "sent again by somebody": sent(Resent_From="eve@example.org"),
    "other recipients": sent(To="alice@example.org, carol@example.org"),
    "no Message-ID": sent(Message_ID=""),
    "no date": sent(Date=""),
    "HTML instead of text": sent(Content_Type="text/html; charset=utf-8"),
    "read in another charset": sent(Content_Type="text/plain; charset=latin-1"),
    "no letter at all": b"\xff\x00",
    "nothing": b"",
}


@pytest.mark.parametrize("name", SAME)
def test_what_servers_do_on_the_way_leaves_a_letter_the_same(name: str) -> None:
    assert is_same(sent(), SAME[name])
    assert is_same(SAME[name], sent())


@pytest.mark.parametrize("name", OTHER)
def test_what_differs_in_anything_that_is_read_or_answered_is_another_letter(name: str) -> None:
    assert not is_same(sent(), OTHER[name])
    assert not is_same(OTHER[name], sent())


def test_files_count_by_their_content() -> None:
    changed = FILE[:700] + b"!" + FILE[701:]
    assert is_same(with_file(FILE), with_file(FILE, width=45))
    assert not is_same(with_file(FILE), with_file(changed))
    assert not is_same(with_file(FILE), with_file(FILE).replace(b"a.pdf", b"b.pdf"))


def test_two_unprovable_letters_are_not_one_though_they_are_alike() -> None:
    for unproved in (sent(Message_ID=""), sent(Date=""), b"", b"words"):
        assert not is_same(unproved, unproved)


def test_a_letter_in_two_accounts_is_one_row_that_names_both(
    owner: User, home: ExternalAccount, work: ExternalAccount
) -> None:
    store(home, sent(1), sent(2), sent(3, text="Lain.\r\n"))
    store(work, sent(2, hop="mx.b.example"), sent(3), sent(4))
    expected = [
        ("Rapat 4", "KA", []),
        ("Rapat 3", "KA", []),
        ("Rapat 3", "RU", []),
        ("Rapat 2", "KA", ["RU"]),
        ("Rapat 1", "RU", []),
    ]
    assert shown(rows(owner)) == expected
    # A Message-ID makes a conversation, whose newest stands for it.
    assert shown(rows(owner, grouped=True)) == [expected[0], expected[1], *expected[3:]]
    assert shown(rows(prefer(owner, duplicates="both"))) == [
        *expected[:3],
        ("Rapat 2", "KA", []),
        ("Rapat 2", "RU", []),
        expected[4],
    ]


def test_with_a_row_for_each_account_conversations_are_of_one_account(
    owner: User, client: Client, home: ExternalAccount, work: ExternalAccount
) -> None:
    both = prefer(owner, duplicates="both")
    for account in (home, work):
        store(account, sent(1), sent(2, In_Reply_To="<1@example.org>", Subject="Re: Rapat 1"))
    found = rows(both, grouped=True)
    assert shown(found) == [("Re: Rapat 1", "KA", []), ("Re: Rapat 1", "RU", [])]
    assert [row.count for row in found] == [2, 2]
    client.post("/mail/act/", {"in": "all-inbox", "archive": found[0].message.public_id})
    assert {one.folder.role for one in Message.objects.filter(account=home)} == {"inbox"}
    assert {one.folder.role for one in Message.objects.filter(account=work)} == {"archive"}
    page = client.get(f"/mail/{home.public_id}/m/{found[1].message.public_id}/?in=all-inbox")
    assert [one.message.account for one in page.context["letters"]] == [home, home]


def test_a_conversation_counts_each_letter_once(
    owner: User, home: ExternalAccount, work: ExternalAccount
) -> None:
    for account in (home, work):
        store(account, sent(1), sent(2, In_Reply_To="<1@example.org>"))
    (row,) = rows(owner, grouped=True)
    assert (row.count, [one.badge for one in row.also]) == (2, ["RU"])


def test_equal_copies_within_one_account_both_stay_and_one_stands_with_the_other_account(
    owner: User, home: ExternalAccount, work: ExternalAccount
) -> None:
    store(home, sent(1), sent(1, hop="mx.b.example"))
    store(work, sent(1))
    assert shown(rows(owner)) == [("Rapat 1", "KA", ["RU"]), ("Rapat 1", "RU", [])]


def test_three_accounts_share_one_row_and_strangers_none(
    owner: User, home: ExternalAccount, work: ExternalAccount
) -> None:
    third = make_account(owner, name="Arsip", badge="AR", address="third@example.org")
    stranger = make_account(make_user("eve@example.org"), address="eve@example.org")
    for account in (home, stranger, work, third):
        store(account, sent(1, hop=f"mx.{account.pk}.example"))
    assert shown(rows(owner)) == [("Rapat 1", "AR", ["KA", "RU"])]
    assert shown(rows(stranger.owner)) == [("Rapat 1", "BX", [])]
    assert Message.objects.get(account=stranger).same_as is None


def test_pages_lead_there_and_back_over_copies(
    owner: User, home: ExternalAccount, work: ExternalAccount
) -> None:
    for number in range(12):
        store(home, sent(number))
        store(work, sent(number))
    scope = of_view(owner, "inbox")
    pages = [read_page(owner, scope, limit=5)]
    while key := pages[-1].older_key:
        pages.append(read_page(owner, scope, before=key, limit=5))
    found = [message.subject for page in pages for message in page.messages]
    assert found == [f"Rapat {number}" for number in range(11, -1, -1)]
    assert [len(page.rows) for page in pages] == [5, 5, 2]
    back = read_page(owner, scope, after=pages[-1].newer_key, limit=5)
    assert back.messages == pages[-2].messages


def test_copies_are_one_row_only_where_both_lie_in_the_list(
    owner: User, home: ExternalAccount, work: ExternalAccount
) -> None:
    store(home, sent(1))
    store(work, sent(1), role=Role.ARCHIVE)
    assert shown(rows(owner)) == [("Rapat 1", "RU", [])]
    assert shown(rows(owner, view="archive")) == [("Rapat 1", "KA", [])]


def test_a_search_finds_a_letter_once_and_each_copy_where_its_account_is_asked_for(
    owner: User, home: ExternalAccount, work: ExternalAccount
) -> None:
    for number in range(6):
        store(home, sent(number))
        store(work, sent(number))

    def found(text: str) -> list[tuple[str, str, list[str]]]:
        page = list_messages(owner, text=text, limit=4)
        all_rows = page.rows
        while page.next_key:
            page = list_messages(owner, text=text, limit=4, before=page.next_key)
            all_rows += page.rows
        return shown(all_rows)

    each = [(f"Rapat {number}", "KA", ["RU"]) for number in range(5, -1, -1)]
    assert found("kelapa ") == each
    assert found("is:unread") == each
    assert found("kelapa is:unread in:inbox") == each
    alone: list[tuple[str, str, list[str]]] = [(subject, "RU", []) for subject, _, _ in each]
    assert found("kelapa account:rumah") == alone
    archived = Message.objects.filter(account=work, subject="Rapat 5")
    actions.move(owner, archived, Role.ARCHIVE)
    assert found("kelapa in:inbox") == [("Rapat 5", "RU", []), *each[1:]]
    assert len(list_messages(prefer(owner, duplicates="both"), text="kelapa ").rows) == 12


def test_a_letter_waits_unread_once_whatever_comes_goes_or_is_chosen(
    owner: User, home: ExternalAccount, work: ExternalAccount
) -> None:
    owner = prefer(owner, notify="all")

    def unread() -> int:
        person = User.objects.get(pk=owner.pk)
        numbers = {unread_total(person), unread_told(person), build_rail(person).unread}
        assert len(numbers) == 1
        return numbers.pop()

    store(home, sent(1), sent(2))
    store(work, sent(1), sent(2), sent(3))
    assert unread() == 3
    prefer(owner, duplicates="both")
    assert unread() == 5
    prefer(owner, duplicates="collapse")
    actions.mark_seen(owner, [stored().filter(account=home).get().public_id], seen=True)
    assert unread() == 3
    actions.move(owner, stored("Rapat 2").filter(account=work), Role.TRASH)
    assert unread() == 3
    purging.erase(owner.pk, [stored("Rapat 2").filter(account=home).get().pk])
    assert unread() == 2
    ExternalAccount.objects.filter(pk=home.pk).update(in_all_inboxes=False)
    assert unread() == 2


@pytest.mark.parametrize("conversations", [True, False])
def test_what_is_done_to_the_row_is_done_to_the_copies_in_its_list(
    owner: User, client: Client, home: ExternalAccount, work: ExternalAccount, conversations: bool
) -> None:
    prefer(owner, conversations=conversations)
    (first,) = store(home, sent(1))
    (second,) = store(work, sent(1))
    form = {"in": "all-inbox", "next": INBOX}
    client.post("/mail/act/", form | {"seen": second.public_id})
    assert {one.seen for one in stored()} == {True}
    client.post("/mail/act/", form | {"flag": second.public_id})
    assert {one.flagged for one in stored()} == {True}
    client.post("/mail/act/", form | {"archive": second.public_id})
    assert {one.folder.role for one in stored()} == {"archive"}
    client.post("/mail/undo/", {"undo": f"undo-{Undo.objects.latest('made_at').public_id}"})
    assert {one.folder.role for one in stored()} == {"inbox"}
    # In the account's own list it is that account's alone.
    own = {"in": "inbox", "account": str(home.public_id), "next": INBOX}
    client.post("/mail/act/", own | {"trash": first.public_id})
    assert [one.folder.role for one in stored().order_by("pk")] == ["trash", "inbox"]
    for folder in Folder.objects.all():
        assert folder.total == Message.objects.filter(folder=folder).count()


@pytest.mark.parametrize("conversations", [True, False])
def test_reading_it_is_reading_all_copies_and_the_page_names_them(
    owner: User, client: Client, home: ExternalAccount, work: ExternalAccount, conversations: bool
) -> None:
    prefer(owner, conversations=conversations)
    store(home, sent(1))
    (second,) = store(work, sent(1))
    page = client.get(f"/mail/{work.public_id}/m/{second.public_id}/?in=all-inbox")
    assert [one.message for one in page.context["letters"]] == [second]
    assert [one.also for one in page.context["letters"]] == [(home,)]
    assert "also in Rumah" in page.content.decode()
    assert {one.seen for one in stored()} == {True}
    assert {one.account for one in page.context["acted_on"]} == {home, work}
    assert "also in Rumah" in client.get(INBOX).content.decode()


def test_a_forged_message_id_hides_no_letter_in_its_conversation(
    owner: User, client: Client, home: ExternalAccount, work: ExternalAccount
) -> None:
    (true,) = store(home, sent(1))
    store(work, sent(1, text="Transfer sekarang!\r\n", From="Eve <eve@evil.example>"))
    page = client.get(f"/mail/{home.public_id}/m/{true.public_id}/?in=all-inbox")
    assert len(page.context["letters"]) == 2


def test_what_was_snoozed_in_two_accounts_comes_back_as_one_row(
    owner: User, client: Client, home: ExternalAccount, work: ExternalAccount
) -> None:
    store(home, sent(1), sent(2))
    store(work, sent(1))
    now = timezone.now()
    snoozing.snooze(owner, stored(), now + timedelta(hours=1))
    assert snoozing.wake(now + timedelta(hours=2)) == 2
    found = client.get(INBOX).context["page"].rows
    assert shown(found) == [("Rapat 1", "KA", ["RU"]), ("Rapat 2", "RU", [])]
    assert found[0].is_back


def test_a_reindex_finds_copies_again_and_parts_what_is_none(
    owner: User, home: ExternalAccount, work: ExternalAccount
) -> None:
    store(home, sent(1), sent(2), sent(3, text="Lain.\r\n"))
    store(work, sent(1), sent(2), sent(3))
    before = shown(rows(owner))
    Message.objects.filter(subject="Rapat 1").update(same_as=None)
    Message.objects.filter(subject="Rapat 3").update(same_as=7)
    assert shown(rows(owner)) != before
    for scope in (None, owner.pk):
        list(reindex(scope))
        assert shown(rows(owner)) == before


def test_many_letters_under_one_message_id_are_compared_with_a_few(
    owner: User,
    home: ExternalAccount,
    work: ExternalAccount,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store(home, *(sent(1, text=f"Surat {number}.\r\n") for number in range(20)))
    tried: list[bytes] = []

    def counted(one: bytes, other: bytes) -> bool:
        tried.append(other)
        return is_same(one, other)

    monkeypatch.setattr(copies, "is_same", counted)
    store(work, sent(1))
    assert 0 < len(tried) <= 4
