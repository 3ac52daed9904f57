"""The pages of fetching: what they show to an account's owner, and to nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import ExternalAccount, State, User
from tests.builders import make_account, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(client: Client) -> User:
    """Sign Alice in."""
    owner = make_user()
    client.force_login(owner)
    return owner


def test_check_now_makes_an_account_due_and_goes_back_to_the_list(
    client: Client, alice: User
) -> None:
    later = timezone.now() + timedelta(hours=1)
    asked = make_account(alice, next_fetch_at=later, name="Kantor")
    other = make_account(alice, address="b@example.org", next_fetch_at=later)
    inbox = reverse("mail_folder", args=[asked.public_id, "inbox"])
    assert "Check now" in client.get(inbox).content.decode()
    address = reverse("fetch_now", args=[asked.public_id])
    answer = client.post(address, {"next": inbox}, follow=True)
    page = answer.content.decode()
    assert answer.redirect_chain == [(inbox, 302)]
    assert "Checking Kantor now." in page
    assert "Checking …" in page
    assert list(ExternalAccount.objects.due(timezone.now())) == [asked]
    client.post(address, {"next": "https://evil.example/"})
    assert client.post(address, {"next": "//evil.example/"})["Location"].startswith("/settings/")
    assert ExternalAccount.objects.get(pk=other.pk).next_fetch_at == later


def test_all_accounts_are_checked_together(client: Client, alice: User) -> None:
    later = timezone.now() + timedelta(hours=1)
    for number in range(3):
        make_account(alice, address=f"{number}@example.org", next_fetch_at=later)
    make_account(alice, address="p@example.org", state=State.PAUSED, next_fetch_at=None)
    bobs = make_account(make_user("bob@example.org"), next_fetch_at=later)
    everything = reverse("mail_all", args=["inbox"])
    client.post(reverse("fetch_all"), {"next": everything}, headers={"HX-Request": "true"})
    assert ExternalAccount.objects.due(timezone.now()).count() == 3
    assert ExternalAccount.objects.get(pk=bobs.pk).next_fetch_at == later
    page = client.get(everything).content.decode()
    assert "Checking …" in page
    assert "Checking all accounts now." not in page, "the button has told it"


def test_only_an_active_account_can_be_checked(client: Client, alice: User) -> None:
    account = make_account(alice, state=State.PAUSED, next_fetch_at=None)
    page = client.get(reverse("mail_folder", args=[account.public_id, "inbox"])).content.decode()
    assert "Check now" not in page
    card = client.get(reverse("account_cards")).content.decode()
    assert "Check now" not in card
    assert ">Resume<" in card
    client.post(reverse("fetch_now", args=[account.public_id]))
    account.refresh_from_db()
    assert account.next_fetch_at is None
