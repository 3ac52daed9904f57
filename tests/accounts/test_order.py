"""Accounts keep the order that their owner gave them: on cards, in the rail, and for fetching."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import order
from accounts.models import ExternalAccount, Quota, User
from fetcher.claims import claim_due_accounts
from mailstore.rail import build_rail
from tests.builders import make_account, make_user

pytestmark = pytest.mark.django_db
NAMES = ("a", "b", "c", "d")


@pytest.fixture
def alice() -> User:
    return make_user()


@pytest.fixture
def accounts(alice: User) -> dict[str, ExternalAccount]:
    now = timezone.now()
    return {
        name: make_account(
            alice, name=name, address=f"{name}@example.org", position=place, next_fetch_at=now
        )
        for place, name in enumerate(NAMES, start=1)
    }


def _names(owner: User) -> str:
    return "".join(ExternalAccount.objects.for_user(owner).values_list("name", flat=True))


@pytest.mark.parametrize(
    ("name", "places", "wanted"),
    [("b", -1, "bacd"), ("b", 1, "acbd"), ("a", -1, "abcd"), ("d", 1, "abcd"), ("a", 2, "bcad")],
)
def test_an_account_moves_as_far_as_there_is_room(
    alice: User, accounts: dict[str, ExternalAccount], name: str, places: int, wanted: str
) -> None:
    order.move(accounts[name], places)
    assert _names(alice) == wanted


def test_those_that_are_not_named_follow_as_they_were(
    alice: User, accounts: dict[str, ExternalAccount]
) -> None:
    before = Quota.objects.get(owner=alice).change_number
    order.arrange(alice, [accounts["d"].public_id, accounts["b"].public_id])
    assert _names(alice) == "dbac"
    assert Quota.objects.get(owner=alice).change_number > before


def test_the_order_holds_in_the_rail_and_for_accounts_that_are_due_together(
    alice: User, accounts: dict[str, ExternalAccount]
) -> None:
    order.arrange(alice, [accounts[name].public_id for name in "cabd"])
    assert "".join(block.account.name for block in build_rail(alice).blocks) == "cabd"
    names = {account.pk: name for name, account in accounts.items()}
    claimed = [names[pk] for batch in claim_due_accounts(timezone.now()) for pk in batch]
    assert "".join(claimed) == "cabd"


def test_buttons_and_dropped_cards_move_ones_own_accounts_alone(
    client: Client, alice: User, accounts: dict[str, ExternalAccount]
) -> None:
    bob = make_user("bob@example.org")
    his = [make_account(bob, name=name, address=f"{name}@bob.example") for name in "xy"]
    client.force_login(alice)
    answer = client.post(reverse("account_move", args=[accounts["c"].public_id]), {"to": "up"})
    assert answer["Location"].endswith(f"#account-{accounts['c'].public_id}")
    assert _names(alice) == "acbd"
    assert client.post(reverse("account_move", args=[his[1].public_id])).status_code == 404
    dropped = [his[1].public_id, "nonsense", accounts["d"].public_id]
    client.post(reverse("account_order"), {"account": dropped})
    assert (_names(alice), _names(bob)) == ("dacb", "xy")
