"""The storage page: how much room there is, what takes it up, and what waits for more."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from accounts.explain import explain
from accounts.models import Notice, Plan, Quota, State, Topic, User
from accounts.notices import review
from tests.builders import make_account, make_user
from tests.mailstore.rows import letter, make_message

pytestmark = pytest.mark.django_db
PAGE = "/settings/storage/"


@pytest.fixture
def alice(client: Client) -> User:
    alice = make_user()
    client.force_login(alice)
    return alice


def shown(client: Client) -> str:
    text = client.get(PAGE).content.decode().partition("<main")[2]
    return " ".join(re.sub(r"<[^>]+>", " ", text).replace("\xa0", " ").split())


def test_a_storage_is_told_as_a_whole_and_account_by_account(client: Client, alice: User) -> None:
    home = make_account(alice, name="Home")
    waits = {"last_code": "quota.full", "last_facts": {"waiting": 1204, "needs": 10**15}}
    make_account(alice, name="Work", address="work@example.org", **waits)
    gone = make_account(alice, address="gone@example.org", state=State.REMOVED, next_fetch_at=None)
    size = sum(make_message(home, letter(f"{n}")).size for n in range(3))
    make_message(gone, letter("old"))
    stranger = make_account(make_user("bob@example.org"))
    make_message(stranger, letter("not yours"))
    Quota.objects.filter(owner=alice).update(allowed_bytes=5 * 1024**3)
    page = shown(client)
    assert f"Home box{alice.pk}@example.org {size} bytes 3 messages" in page
    assert "Work work@example.org 0 bytes 0 messages 1,204 messages wait at the provider." in page
    assert "Removed accounts, being erased" in page
    assert "5.0 GB used Enough room" in page
    assert "Waiting at providers 1,204 messages" in page
    assert "bob@example.org" not in page


@pytest.mark.parametrize(
    ("percent", "words", "tone"),
    [
        (79, "Enough room", "ok"),
        (80, "Filling up", "warn"),
        (94, "Filling up", "warn"),
        (95, "Nearly full", "danger"),
        (100, "Full", "danger"),
    ],
)
def test_how_full_it_is_is_said_in_words(
    client: Client, alice: User, percent: int, words: str, tone: str
) -> None:
    Quota.objects.filter(owner=alice).update(used_bytes=percent, allowed_bytes=100)
    answer = client.get(PAGE)
    assert answer.context["tone"] == tone
    assert f"{percent} bytes of 100 bytes used {words}" in shown(client)


@pytest.mark.parametrize("language", ["en", "id"])
def test_a_full_storage_names_the_same_remedy_as_the_cards_of_its_accounts(
    client: Client, alice: User, language: str
) -> None:
    User.objects.update(language=language)
    Quota.objects.filter(owner=alice).update(used_bytes=100, allowed_bytes=100)
    with translation.override(language):
        _, _, remedy = explain("quota.full", {}).advice.partition(". ")
    assert remedy in shown(client)


def test_the_number_of_questions_does_not_grow_with_the_accounts(
    client: Client, alice: User
) -> None:
    def questions() -> int:
        with CaptureQueriesContext(connection) as asked:
            client.get(PAGE)
        return len(asked)

    make_account(alice)
    questions()
    few = questions()
    for number in range(6):
        make_account(alice, address=f"{number}@example.org")
    assert questions() == few


def test_an_administrator_who_raises_a_limit_ends_the_words_at_once(
    client: Client, alice: User
) -> None:
    facts = {"needs": 60, "used": 90, "allowed": 100, "waiting": 3}
    make_account(alice, name="Home", last_code="quota.full", last_facts=facts)
    Quota.objects.filter(owner=alice).update(used_bytes=90, allowed_bytes=100)
    review(timezone.now())
    cards, inbox = "/settings/mail-accounts/", "/mail/all/inbox/"
    assert "Your storage is full" in client.get(cards).content.decode()
    assert client.get(inbox).content.decode().count("Your storage is full") == 1
    assert "See your storage" in client.get(inbox).content.decode()

    office = Client()
    office.force_login(make_user("office@example.org", is_staff=True, is_superuser=True))
    office.post(f"/admin/accounts/quota/{alice.pk}/change/", {"allowed_bytes": 150})
    for page in (cards, inbox):
        assert "Your storage is full" not in client.get(page).content.decode()
    assert list(alice.externalaccount_set.due(timezone.now())) != []
    assert Quota.objects.get(owner=alice).used_bytes == 90

    review(timezone.now())
    assert not Notice.objects.filter(topic=Topic.FULL, closed_at=None).exists()


def test_a_larger_plan_lets_in_what_waits(alice: User) -> None:
    small = Plan.objects.create(name="Small", storage_bytes=100)
    User.objects.filter(pk=alice.pk).update(plan=small)
    account = make_account(alice, last_code="quota.full", last_facts={"needs": 60})
    Quota.objects.filter(owner=alice).update(used_bytes=90)
    office = Client()
    office.force_login(make_user("office@example.org", is_staff=True, is_superuser=True))
    form = {
        "name": "Small",
        "storage_bytes": 200,
        "max_accounts": 3,
        "min_interval_minutes": 1,
        "max_message_bytes": 100,
    }
    answer = office.post(f"/admin/accounts/plan/{small.pk}/change/", form)
    assert answer.status_code == 302
    account.refresh_from_db()
    assert account.last_code == ""
