"""What is stored of one account, and its place in All inboxes."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts import roster
from accounts.models import ExternalAccount, State, User
from mailstore.models import Folder
from mailstore.queries import list_messages, unread_total
from mailstore.rail import build_rail
from tests.builders import make_account, make_user
from tests.mailstore.rows import letter, make_message

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(client: Client) -> User:
    owner = make_user()
    client.force_login(owner)
    return owner


def test_the_room_that_folders_take_is_told(client: Client, alice: User) -> None:
    account = make_account(alice)
    make_message(account)
    make_message(account)
    Folder.objects.update(size=1536)
    page = client.get(reverse("account_storage", args=[account.public_id])).content.decode()
    assert "2 messages of this account take" in page
    assert "1.5\xa0KB" in page


def test_an_account_that_is_switched_off_stays_out_of_all_inboxes_alone(alice: User) -> None:
    shown, out = make_account(alice), make_account(alice, address="b@example.org")
    for account in (shown, out):
        make_message(account, letter(account.address))
    ExternalAccount.objects.filter(pk=out.pk).update(in_all_inboxes=False)
    for view in ("inbox", "unread"):
        messages = list_messages(alice, view=view).messages
        assert [message.subject for message in messages] == [shown.address]
    assert (unread_total(alice), build_rail(alice).unread) == (1, 1)
    assert len(list_messages(alice, account=out).messages) == 1


def test_the_mail_of_an_archived_account_stays_readable_until_it_is_erased(
    client: Client, alice: User
) -> None:
    account = make_account(alice, is_default=True)
    heir = make_account(alice, address="heir@example.org", position=9)
    message = make_message(account)
    remove = reverse("account_remove", args=[account.public_id])
    assert client.post(remove, {"mail": "keep", "typed": account.address}).status_code == 302
    account.refresh_from_db()
    heir.refresh_from_db()
    assert (account.state, account.is_default, heir.is_default) == (State.ARCHIVED, False, True)
    assert not account.credentials.exists()
    assert (
        client.get(reverse("mail_message", args=[account.public_id, message.public_id])).status_code
        == 200
    )
    assert client.get(reverse("account_connection", args=[account.public_id])).status_code == 404
    assert client.post(remove, {"mail": "keep", "typed": account.address}).status_code == 422
    client.post(remove, {"mail": "erase", "typed": account.address})
    account.refresh_from_db()
    assert account.state == State.REMOVED


def test_only_the_pages_that_exist_are_among_the_tabs(client: Client, alice: User) -> None:
    account = make_account(alice)
    for name in ("settings", "connection", "fetching", "storage", "remove"):
        address = reverse(f"account_{name}", args=[account.public_id])
        page = client.get(address).content.decode()
        assert f'href="{address}" aria-current="page"' in " ".join(page.split())
    roster.make_default(account)
    assert "Make default" not in client.get(reverse("account_cards")).content.decode()
