"""Settings → Folders and Labels: what the pages say and do, and for whom."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts import quotas
from accounts.models import ExternalAccount, IncomingServer, User
from mailstore import labels, trees
from mailstore.folders import role_folder
from mailstore.models import Folder, Label, Message, Role
from tests.builders import make_account, make_user
from tests.mailstore.rows import letter, make_message
from tests.mailstore.test_views import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def account(owner: User) -> ExternalAccount:
    return make_account(owner, name="Work")


@pytest.fixture
def client(owner: User) -> Client:
    return client_of(owner)


def test_a_folder_is_made_renamed_moved_and_removed(
    client: Client, account: ExternalAccount
) -> None:
    add = reverse("folder_add", args=[account.public_id])
    client.post(add, {"name": "Invoices"})
    client.post(add, {"name": "2026"})
    invoices, year = Folder.objects.filter(role="").order_by("id")
    edit = reverse("folder_edit", args=[year.public_id])
    client.post(edit, {"name": "2027", "parent": str(invoices.public_id)})
    year.refresh_from_db()
    assert (year.name, year.parent, year.depth) == ("2027", invoices, 1)
    message = make_message(account, folder=year)
    archive = role_folder(account, Role.ARCHIVE)
    remove = reverse("folder_remove", args=[invoices.public_id])
    assert "No mail is lost: 1 message goes" in client.get(remove).content.decode()
    client.post(remove, {"to": str(archive.public_id)})
    assert not Folder.objects.filter(role="").exists()
    assert Message.objects.get() == message
    assert Message.objects.get().folder == archive


def test_a_name_that_is_taken_is_told_beside_its_field(
    client: Client, account: ExternalAccount
) -> None:
    trees.make(account, "Invoices", None)
    page = client.post(reverse("folder_add", args=[account.public_id]), {"name": "invoices"})
    assert page.status_code == 422
    assert "There is a folder with this name already." in page.content.decode()
    assert 'value="invoices"' in page.content.decode()


def test_the_folders_that_every_account_has_stay(client: Client, account: ExternalAccount) -> None:
    inbox = role_folder(account, Role.INBOX)
    for name in ("folder_edit", "folder_remove"):
        assert client.get(reverse(name, args=[inbox.public_id])).status_code == 404


def test_nobody_reaches_the_folders_and_labels_of_others(
    account: ExternalAccount, owner: User
) -> None:
    folder = trees.make(account, "Invoices", None)
    label = labels.make(owner, "Bills", "red")
    stranger = client_of(make_user("eve@example.org", is_staff=True, is_superuser=True))
    paths = [
        reverse("folder_add", args=[account.public_id]),
        *(reverse(name, args=[folder.public_id]) for name in ("folder_edit", "folder_remove")),
        *(reverse(name, args=[label.public_id]) for name in ("label_edit", "label_remove")),
    ]
    for path in paths:
        assert (
            stranger.get(path).status_code == stranger.post(path, {"name": "x"}).status_code == 404
        )
    assert Folder.objects.filter(pk=folder.pk).exists()


@pytest.mark.parametrize(
    ("protocol", "days", "words"),
    [
        ("pop3", None, "POP3 has no folders"),
        ("pop3", None, "Deleting mail here deletes nothing at pop.example.org."),
        ("pop3", 7, "deleted at pop.example.org 7 days after it was stored here"),
        ("imap", 0, "deleted at pop.example.org as soon as it is stored here"),
    ],
)
def test_the_page_says_what_deleting_here_means_at_the_provider(
    client: Client, account: ExternalAccount, protocol: str, days: int | None, words: str
) -> None:
    server = IncomingServer.objects.filter(account=account)
    server.update(protocol=protocol, port=995 if protocol == "pop3" else 993)
    server.update(delete_after_days=days)
    assert words in client.get(reverse("folders")).content.decode()


def test_how_long_thrown_away_mail_is_kept_is_chosen(client: Client, owner: User) -> None:
    for chosen, kept in (("7", 7), ("never", None), ("8", None)):
        client.post(reverse("keep_discarded"), {"days": chosen})
        owner.refresh_from_db()
        assert owner.purge_days == kept


def test_emptying_the_trash_asks_first(client: Client, account: ExternalAccount) -> None:
    path = reverse("empty_now", args=["trash"])
    assert client.get(path).status_code == 302
    message = make_message(account, letter("old"), role=Role.TRASH)
    Message.objects.update(discarded_at=message.received_at)
    quotas.take(account.owner_id, message.size)
    page = client.get(path).content.decode()
    assert "1 message (" in page
    client.post(path)
    assert not Message.objects.exists()
    assert client.post(reverse("empty_now", args=["inbox"])).status_code == 302


def test_a_label_is_made_changed_and_removed(client: Client, owner: User) -> None:
    path = reverse("labels")
    client.post(path, {"name": "Bills", "color": "green"})
    label = Label.objects.get()
    assert client.post(path, {"name": "bills", "color": "red"}).status_code == 422
    client.post(reverse("label_edit", args=[label.public_id]), {"name": "Tax", "color": "red"})
    label.refresh_from_db()
    assert (label.name, label.color, label.owner) == ("Tax", "red", owner)
    client.post(reverse("label_remove", args=[label.public_id]))
    assert not Label.objects.exists()
