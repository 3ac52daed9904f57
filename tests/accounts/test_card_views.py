"""The cards of the accounts: what they say, and what is done from them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import ExternalAccount, State, User
from tests.builders import make_account


@pytest.mark.django_db
def test_cards_say_state_reason_progress_and_times(client: Client, alice: User) -> None:
    now = timezone.now()
    later, soon = now + timedelta(minutes=5), now + timedelta(minutes=1)
    make_account(alice, name="Fine", is_default=True, next_fetch_at=later, last_checked_at=now)
    make_account(
        alice,
        name="Busy",
        address="b@example.org",
        dispatched_until=soon,
        progress_done=1240,
        progress_total=18402,
    )
    make_account(
        alice,
        name="Shut",
        address="c@example.org",
        state=State.NEEDS_SIGN_IN,
        last_code="auth.failed",
        last_facts={"host": "pop.example.org"},
        next_fetch_at=None,
    )
    page = client.get("/settings/mail-accounts/").content.decode()
    assert "1,240 of 18,402 messages" in page
    assert "Syncing 6 %" in page
    assert "pop.example.org no longer accepts the password kept here." in page
    assert "encrypted (SSL/TLS)" in page
    assert (page.count("data-busy"), page.count("data-due")) == (1, 1)
    assert page.count(">Update password<") == 3
    assert page.count(">Make default<") == 2


@pytest.mark.django_db
def test_the_servers_own_words_are_escaped_and_behind_details(client: Client, alice: User) -> None:
    said = {"host": "pop.example.org", "detail": "<b>no</b> entry"}
    make_account(alice, last_code="server.limit", last_facts=said)
    page = client.get("/settings/mail-accounts/").content.decode()
    details = page.partition("<summary>Details</summary>")[2].partition("</details>")[0]
    assert "&lt;b&gt;no&lt;/b&gt; entry" in details
    assert "pop.example.org:995 (SSL/TLS)" in details
    assert "Does the mail administrator" in details
    assert "<b>no</b>" not in page


@pytest.mark.django_db
def test_a_card_that_rests_says_when_to_look_again(client: Client, alice: User) -> None:
    make_account(alice)
    cards = reverse("account_cards")
    assert "data-busy" in client.get(cards).content.decode()
    due = timezone.now() + timedelta(minutes=5)
    ExternalAccount.objects.update(next_fetch_at=due)
    page = client.get(cards).content.decode()
    assert "data-busy" not in page
    assert f'data-due="{timezone.localtime(due).isoformat()}"' in page
    assert "<!DOCTYPE" not in page


@pytest.mark.django_db
def test_accounts_that_are_fetched_together_are_added_up(client: Client, alice: User) -> None:
    soon = timezone.now() + timedelta(minutes=1)
    half = {"dispatched_until": soon, "progress_done": 50, "progress_total": 100}
    make_account(alice, **half)
    page = client.get("/settings/mail-accounts/").content.decode()
    assert "All accounts together" not in page
    make_account(alice, address="b@example.org", **half)
    paused = half | {"state": State.PAUSED, "next_fetch_at": None}
    make_account(alice, address="c@example.org", **paused)
    renewed = client.get(reverse("account_cards")).content.decode()
    assert "100 of 200 messages" in renewed
    assert renewed.count("account-card") == 3


@pytest.mark.django_db
def test_an_account_is_paused_resumed_and_made_default(client: Client, alice: User) -> None:
    account = make_account(alice)
    for wanted, state in (("paused", State.PAUSED), ("active", State.ACTIVE)):
        address = reverse("account_pause", args=[account.public_id])
        for _ in range(2):
            assert client.post(address, {"to": wanted}).status_code == 302
        account.refresh_from_db()
        assert account.state == state
    client.post(reverse("account_default", args=[account.public_id]))
    account.refresh_from_db()
    assert account.is_default


@pytest.mark.django_db
def test_an_account_goes_once_its_address_is_typed(client: Client, alice: User) -> None:
    account = make_account(alice)
    address = reverse("account_remove", args=[account.public_id])
    erase = {"mail": "erase"}
    assert client.post(address, erase | {"typed": "something"}).status_code == 422
    assert client.post(address, {"typed": account.address}).status_code == 422
    assert client.post(address, erase | {"typed": account.address.upper()}).status_code == 302
    account.refresh_from_db()
    assert account.state == State.REMOVED
    assert client.get(address).status_code == 404
