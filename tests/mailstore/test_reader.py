"""The page of a message: its conversation, its files, and what was read out of it."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any
from zipfile import ZipFile

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import ExternalAccount, User
from mailstore import actions
from mailstore.models import Message, Role, Thread
from mailstore.reading.letters import Letter
from tests.builders import make_account, make_user
from tests.mailstore.rows import letter, make_message
from tests.mailstore.test_views import address, client_of


@pytest.fixture
def owner(db: None) -> User:
    return make_user()


@pytest.fixture
def account(owner: User) -> ExternalAccount:
    return make_account(owner, name="Work")


@pytest.fixture
def client(owner: User) -> Client:
    return client_of(owner)


def make_conversation(account: ExternalAccount, count: int, **fields: Any) -> list[Message]:
    thread, now = Thread.objects.create(owner=account.owner), timezone.now()
    return [
        make_message(
            account,
            letter(f"Re: {number}", f"text {number}", Message_ID=f"<{number}@example.org>"),
            thread=thread,
            message_id=f"{number}@example.org",
            sent_at=now - timedelta(hours=count - number),
            **({"seen": True} | fields),
        )
        for number in range(count)
    ]


def letters_at(client: Client, message: Message, query: str = "") -> list[Letter]:
    found: list[Letter] = client.get(address("mail_message", message) + query).context["letters"]
    return found


def unfolded(letters: list[Letter]) -> list[str]:
    return [one.message.subject for one in letters if one.contents]


def test_a_conversation_is_shown_oldest_first_with_the_newest_unfolded(
    client: Client, account: ExternalAccount
) -> None:
    messages = make_conversation(account, 4)
    letters = letters_at(client, messages[-1])
    assert [one.message for one in letters] == messages
    assert unfolded(letters) == ["Re: 3"]


def test_what_was_asked_for_and_what_is_unread_is_unfolded_and_then_read(
    client: Client, account: ExternalAccount
) -> None:
    messages = make_conversation(account, 5)
    actions.mark_seen(account.owner, [messages[3].public_id], seen=False)
    assert unfolded(letters_at(client, messages[1])) == ["Re: 1", "Re: 3", "Re: 4"]
    assert unfolded(letters_at(client, messages[1])) == ["Re: 1", "Re: 4"]


def test_whoever_wants_single_messages_gets_them(
    client: Client, account: ExternalAccount, owner: User
) -> None:
    messages = make_conversation(account, 3)
    User.objects.filter(pk=owner.pk).update(conversations=False)
    assert [one.message for one in letters_at(client, messages[0])] == messages[:1]


def test_a_conversation_keeps_to_its_account_and_out_of_the_trash(
    client: Client, account: ExternalAccount, owner: User
) -> None:
    messages = make_conversation(account, 2)
    thread = messages[0].thread
    other = make_account(owner, address="second@example.org")
    elsewhere = make_message(other, letter("Re: elsewhere"), thread=thread, seen=True)
    binned = make_message(account, letter("Re: binned"), thread=thread, role=Role.TRASH, seen=True)
    merged = [one.message for one in letters_at(client, messages[0], "?in=all-inbox")]
    assert merged == [*messages, elsewhere]
    assert [one.message for one in letters_at(client, messages[0])] == messages
    assert [one.message for one in letters_at(client, binned)] == [binned]


def test_one_message_in_two_accounts_is_shown_once(
    client: Client, account: ExternalAccount, owner: User
) -> None:
    (message,) = make_conversation(account, 1)
    other = make_account(owner, address="second@example.org")
    double = make_message(other, thread=message.thread, sent_at=message.sent_at, same_as=message.pk)
    Message.objects.filter(pk=message.pk).update(same_as=message.pk)
    for one in (message, double):
        assert [x.message for x in letters_at(client, one, "?in=all-inbox")] == [one]


def test_strangers_mail_never_joins_a_conversation(
    client: Client, account: ExternalAccount
) -> None:
    (message,) = make_conversation(account, 1)
    stranger = make_account(make_user("eve@example.org"), address="eve@example.org")
    make_message(stranger, letter("Re: secret"), thread=message.thread)
    assert [one.message for one in letters_at(client, message, "?in=all-inbox")] == [message]


def test_a_folded_message_unfolds_in_its_place(client: Client, account: ExternalAccount) -> None:
    messages = make_conversation(account, 3, seen=False)
    path = address("mail_message", messages[0]) + "?only=1"
    answer = client.get(path, headers={"HX-Request": "true"})
    assert next(template.name for template in answer.templates) == "mailstore/_letter.html"
    assert f'id="letter-{messages[0].public_id}"' in answer.content.decode()
    assert [one.seen for one in Message.objects.order_by("sent_at")] == [True, False, False]


def test_a_quotation_is_folded_in_the_body_and_unfolded_on_paper(
    client: Client, account: ExternalAccount
) -> None:
    text = "Baru\n\nPada Rab, 4 Nov Made menulis:\n> Lama\n"
    message = make_message(account, letter(text=text))
    body = client.get(address("mail_body", message)).content.decode()
    assert '<details class="quoted">' in body
    assert "Lama" in body
    paper = client.get(address("mail_body", message) + "?print=1")
    assert "<details" not in paper.content.decode()
    assert "bob@example.org" in paper.content.decode()
    assert "allow-modals" in paper["Content-Security-Policy"]
    assert "allow-scripts" not in paper["Content-Security-Policy"]


def with_files(account: ExternalAccount, *files: tuple[str, str, bytes]) -> Message:
    mail = letter()
    for name, kind, data in files:
        family, _slash, subtype = kind.partition("/")
        mail.add_attachment(data, family, subtype, filename=name)
    return make_message(account, mail)


def test_pictures_and_texts_can_be_looked_at_and_the_rest_only_be_had(
    client: Client, account: ExternalAccount
) -> None:
    text = b"tanggal,<script>\n"
    message = with_files(
        account,
        ("a.png", "image/png", b"\x89PNG"),
        ("b.csv", "text/csv", text),
        ("c.pdf", "application/pdf", b"%PDF"),
        ("d.html", "text/html", b"<script>alert(1)</script>"),
    )
    files = letters_at(client, message)[0].files
    assert [file.preview for file in files] == ["image", "text", "", ""]
    seen = client.get(address("mail_part", message, files[1].part.number) + "?inline=1")
    assert seen["Content-Type"] == "text/plain; charset=utf-8"
    assert seen["Content-Security-Policy"].startswith("default-src 'none'; sandbox")
    assert seen.content == text
    for file in files[2:]:
        path = address("mail_part", message, file.part.number)
        assert client.get(f"{path}?inline=1").status_code == 404


def test_all_files_come_as_one_archive_in_which_no_name_is_taken_twice(
    client: Client, account: ExternalAccount
) -> None:
    message = with_files(
        account,
        ("peta.png", "image/png", b"one"),
        ("PETA.png", "image/png", b"two"),
        ("../../etc/passwd", "application/pdf", b"three"),
    )
    answer = client.get(reverse("mail_files", args=[account.public_id, message.public_id]))
    assert answer["Content-Disposition"].startswith("attachment")
    with ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:  # type: ignore[attr-defined]  # a stream
        assert archive.testzip() is None
        found = {name: archive.read(name) for name in archive.namelist()}
    assert found == {"peta.png": b"one", "PETA (2).png": b"two", "passwd": b"three"}


def test_a_confirmed_sender_and_one_that_failed_are_told_apart(
    client: Client, account: ExternalAccount
) -> None:
    result = "Authentication-Results: mx.example.org; dmarc={} header.from=example.org\r\n"
    arrival = "Received: from x (x [192.0.2.1]) by mx.example.org with ESMTP; now\r\n"
    for word, said in (("pass", "Confirmed"), ("fail", "could not be confirmed")):
        raw = (result.format(word) + arrival).encode() + letter().as_bytes()
        page = client.get(address("mail_message", make_message(account, raw))).content.decode()
        assert said in page
        assert f"DMARC: {word}" in page


def test_what_is_done_in_the_reader_is_done_to_the_conversation_in_its_folder(
    client: Client, account: ExternalAccount
) -> None:
    messages = make_conversation(account, 2)
    sent = make_message(
        account, letter("Re: mine"), thread=messages[0].thread, role=Role.SENT, seen=True
    )
    page = client.get(address("mail_message", messages[1]))
    ids = [str(one.public_id) for one in page.context["acted_on"]]
    assert ids == [str(one.public_id) for one in messages]
    client.post(reverse("mail_act"), {"do": "junk", "ids": ids})
    folders = dict(Message.objects.values_list("pk", "folder__role"))
    assert folders == {messages[0].pk: "junk", messages[1].pk: "junk", sent.pk: "sent"}
    binned = client.get(address("mail_message", messages[1])).content.decode()
    assert "Not spam" in binned
    assert "Report spam" not in binned.partition('class="message-tools"')[2]
