"""Acting on messages from the lists: at once, with undo, and with a question where none is."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import ExternalAccount, IncomingServer, Quota, User
from mailstore import actions
from mailstore.models import Folder, Message, Role, Thread
from mailstore.paging import newest_id
from tests.builders import make_account, make_user
from tests.mailstore.rows import make_message

INBOX = "/mail/all/inbox/"


@pytest.fixture
def owner(db: None) -> User:
    return make_user()


@pytest.fixture
def account(owner: User) -> ExternalAccount:
    return make_account(owner, name="Work")


@pytest.fixture
def client(owner: User) -> Client:
    client = Client()
    client.force_login(owner, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def act(client: Client, **form: Any) -> str:
    answer = client.post("/mail/act/", {"in": "all-inbox", "next": INBOX} | form, follow=True)
    return str(answer.content.decode())


def role_of(message: Message) -> str:
    return str(Message.objects.get(pk=message.pk).folder.role)


@pytest.mark.parametrize(
    ("verb", "role"),
    [("archive", "archive"), ("trash", "trash"), ("junk", "junk"), ("inbox", "inbox")],
)
def test_a_verb_moves_ticked_messages_or_the_one_whose_own_button_was_pressed(
    client: Client, account: ExternalAccount, verb: str, role: str
) -> None:
    one, two = make_message(account, role=Role.SENT), make_message(account, role=Role.SENT)
    act(client, do=verb, ids=[one.public_id])
    act(client, **{verb: two.public_id})
    assert (role_of(one), role_of(two)) == (role, role)


def test_what_was_done_is_said_and_its_button_undoes_it(
    client: Client, account: ExternalAccount
) -> None:
    message = make_message(account)
    page = act(client, do="archive", ids=[message.public_id])
    assert "1 message archived." in page
    token = re.search(r'name="undo"\s+value="(undo-[^"]+)"', page)
    assert token
    again = client.post("/mail/undo/", {"undo": token[1], "next": INBOX}, follow=True)
    assert "Undone: 1 message is as it was." in again.content.decode()
    assert role_of(message) == Role.INBOX
    late = client.post("/mail/undo/", {"undo": token[1], "next": INBOX}, follow=True)
    assert "can no longer be undone" in late.content.decode()


def test_the_way_back_is_offered_as_long_as_its_reader_wants(
    client: Client, account: ExternalAccount
) -> None:
    User.objects.update(undo_seconds=30)
    page = act(client, do="archive", ids=[make_message(account).public_id])
    assert re.search(r'data-seconds="30"', page)


def test_all_means_the_whole_list_but_nothing_that_came_after_the_page(
    client: Client, account: ExternalAccount
) -> None:
    old = [make_message(account) for _ in range(3)]
    elsewhere = make_message(account, role=Role.SENT)
    seen_up_to = newest_id()
    new = make_message(account)
    act(client, do="archive", all=seen_up_to, ids=[old[0].public_id])
    assert {role_of(one) for one in old} == {"archive"}
    assert (role_of(new), role_of(elsewhere)) == ("inbox", "sent")


def test_a_row_that_is_a_conversation_means_all_of_it_in_this_list(
    client: Client, account: ExternalAccount, owner: User
) -> None:
    thread = Thread.objects.create(owner=owner)
    older, newest = (make_message(account, thread=thread) for _ in range(2))
    sent = make_message(account, thread=thread, role=Role.SENT)
    act(client, do="flag", ids=[newest.public_id])
    assert Message.objects.filter(flagged=True).count() == 1
    act(client, do="archive", ids=[newest.public_id])
    assert [role_of(one) for one in (older, newest, sent)] == ["archive", "archive", "sent"]


def test_a_message_that_was_read_meanwhile_can_still_be_archived_from_unread(
    client: Client, account: ExternalAccount, owner: User
) -> None:
    thread = Thread.objects.create(owner=owner)
    new, opened = make_message(account, thread=thread), make_message(account, thread=thread)
    actions.mark_seen(owner, [opened.public_id], seen=True)
    act(client, do="archive", ids=[opened.public_id], **{"in": "all-unread"})
    assert (role_of(new), role_of(opened)) == ("archive", "archive")


def test_a_row_is_one_message_where_its_reader_wants_no_conversations(
    client: Client, account: ExternalAccount, owner: User
) -> None:
    User.objects.filter(pk=owner.pk).update(conversations=False)
    thread = Thread.objects.create(owner=owner)
    older, newest = (make_message(account, thread=thread) for _ in range(2))
    assert client.get(INBOX).content.decode().count('name="ids"') == 2
    act(client, do="trash", ids=[newest.public_id])
    assert (role_of(older), role_of(newest)) == ("inbox", "trash")


def test_a_page_asks_where_to_move_and_its_buttons_do_it(
    client: Client, account: ExternalAccount
) -> None:
    own = Folder.objects.create(owner=account.owner, account=account, name="Bills")
    message = make_message(account)
    page = act(client, do="ask-move", ids=[message.public_id])
    assert "Move 1 message to" in page
    assert f'value="{own.public_id}"' in page
    assert f'name="ids" value="{message.public_id}"' in page
    act(client, to=str(own.public_id), ids=[message.public_id])
    message.refresh_from_db()
    assert message.folder == own


@pytest.mark.parametrize("to", ["nonsense", "", "00000000-0000-0000-0000-000000000000"])
def test_a_folder_that_is_not_there_moves_nothing(
    client: Client, account: ExternalAccount, to: str
) -> None:
    message = make_message(account)
    assert "Nothing was changed." in act(client, do="move", to=to, ids=[message.public_id])
    assert role_of(message) == Role.INBOX


def test_deleting_forever_is_asked_about_and_says_what_stays_at_the_provider(
    client: Client, account: ExternalAccount
) -> None:
    message = make_message(account, role=Role.TRASH)
    ask = {"do": "ask-erase", "in": "all-trash", "ids": [message.public_id]}
    page = act(client, **ask)
    assert "Delete 1 message forever?" in page
    assert "Deleting here deletes nothing at your provider." in page
    assert "Work" not in page.partition("<main")[2]
    IncomingServer.objects.update(delete_after_days=7)
    Quota.objects.update(used_bytes=message.size)
    assert "Work deletes its mail at the provider 7 days after" in act(client, **ask)
    page = act(client, **(ask | {"do": "erase"}))
    assert "1 message deleted forever." in page
    assert "Undo" not in page.partition('id="toasts"')[2]
    assert not Message.objects.exists()


def test_the_trash_offers_only_to_delete_forever_and_elsewhere_nobody_can(
    client: Client, account: ExternalAccount
) -> None:
    message = make_message(account)
    act(client, do="erase", ids=[message.public_id])
    assert role_of(message) == Role.INBOX
    assert 'value="ask-erase"' not in client.get(INBOX).content.decode()
    make_message(account, role=Role.TRASH)
    page = client.get("/mail/all/trash/").content.decode()
    assert 'value="ask-erase"' in page
    assert 'value="trash"' not in page


def test_a_page_on_which_nothing_is_left_gives_way_to_the_newest(
    client: Client, account: ExternalAccount
) -> None:
    for _ in range(51):
        make_message(account)
    older = client.get(INBOX).context["older_url"]
    left = client.get(older).context["page"].messages
    answer = client.post(
        "/mail/act/",
        {"do": "archive", "in": "all-inbox", "ids": [left[0].public_id], "next": older},
        follow=True,
    )
    assert answer.redirect_chain[-1][0] == INBOX


def test_nobody_acts_on_the_list_of_another(client: Client) -> None:
    foreign = make_message(make_account(make_user("bob@example.org"), address="b@example.net"))
    form = {"do": "trash", "in": "inbox", "account": foreign.account.public_id, "all": newest_id()}
    assert client.post("/mail/act/", form).status_code == 404
    act(client, do="trash", all=newest_id())
    act(client, trash=foreign.public_id)
    assert role_of(foreign) == Role.INBOX
