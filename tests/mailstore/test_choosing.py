"""Asking until when messages wait and which labels they carry, in the person's own time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from accounts.models import ExternalAccount, User
from mailstore import actions, labels
from mailstore.models import Label, Message, Role, Snooze
from mailstore.waiting import moments, read_moment
from tests.builders import make_account, make_user
from tests.mailstore.rows import letter, make_message
from tests.mailstore.test_views import client_of


def offered(now: datetime) -> dict[str, str]:
    return {one.name: f"{one.at:%a %d %H:%M}" for one in moments(now)}


def test_moments_are_those_of_the_persons_own_clock() -> None:
    with timezone.override("Asia/Jakarta"):
        monday_evening = datetime(2026, 11, 23, 13, 20, tzinfo=UTC)
        assert offered(monday_evening) == {
            "later": "Mon 23 23:00",
            "tomorrow": "Tue 24 08:00",
            "week": "Mon 30 08:00",
        }
        assert "later" not in offered(datetime(2026, 11, 23, 14, 30, tzinfo=UTC))
        typed = read_moment("2026-12-01T09:15", monday_evening)
        assert typed == datetime(2026, 12, 1, 2, 15, tzinfo=UTC)


@pytest.mark.parametrize("typed", ["", "soon", "2026-11-23T10:00", "2099-01-01T10:00", "9" * 99])
def test_what_is_no_time_to_come_is_refused(typed: str) -> None:
    assert read_moment(typed, datetime(2026, 11, 23, 12, 0, tzinfo=UTC)) is None


@pytest.fixture
def owner(db: None) -> User:
    return make_user()


@pytest.fixture
def account(owner: User) -> ExternalAccount:
    return make_account(owner)


@pytest.fixture
def client(owner: User) -> Client:
    return client_of(owner)


def test_a_message_is_snoozed_once_a_time_is_chosen_and_undo_is_offered(
    client: Client, account: ExternalAccount, owner: User
) -> None:
    message = make_message(account)
    form = {"ids": str(message.public_id), "next": "/mail/all/inbox/"}
    asked = client.post("/mail/snooze/", form)
    assert 'value="tomorrow"' in asked.content.decode()
    refused = client.post("/mail/snooze/", form | {"typed": "2001-01-01T08:00"})
    assert refused.status_code == 422
    assert 'aria-invalid="true"' in refused.content.decode()
    done = client.post("/mail/snooze/", form | {"until": "tomorrow"})
    assert done["Location"] == "/mail/all/inbox/"
    assert Message.objects.get().folder.role == Role.SNOOZED
    assert Snooze.objects.get().until > timezone.now()
    (told,) = get_messages(done.wsgi_request)
    assert told.extra_tags.startswith("undo-")


def test_labels_are_put_on_and_taken_off_and_what_some_carry_stays(
    client: Client, account: ExternalAccount, owner: User
) -> None:
    one, two = (make_message(account, letter(name)) for name in "ab")
    bills, taxes, trips = (labels.make(owner, name, "red") for name in ("Bills", "Taxes", "Trips"))
    actions.set_label(owner, Message.objects.all(), bills, value=True)
    actions.set_label(owner, Message.objects.filter(pk=one.pk), taxes, value=True)
    form = {"ids": [str(one.public_id), str(two.public_id)]}
    page = client.post("/mail/label/", form).content.decode()
    assert re.findall(r'name="was"\s+value="([^"]+)"', page) == [str(bills.public_id)]
    assert "on 1 of them" in page
    changes = {"apply": "1", "was": str(bills.public_id), "on": str(trips.public_id), "new": "Rent"}
    client.post("/mail/label/", form | changes)
    assert set(one.labels.values_list("name", flat=True)) == {"Taxes", "Trips", "Rent"}
    assert set(two.labels.values_list("name", flat=True)) == {"Trips", "Rent"}
    client.post("/mail/label/", form | {"apply": "1", "new": "RENT"})
    assert Label.objects.count() == 4


def test_nobody_labels_or_snoozes_the_mail_of_others(account: ExternalAccount) -> None:
    message = make_message(account)
    stranger = client_of(make_user("eve@example.org", is_staff=True, is_superuser=True))
    form = {"ids": str(message.public_id), "apply": "1", "new": "Mine", "until": "tomorrow"}
    for path in ("/mail/snooze/", "/mail/label/"):
        stranger.post(path, form)
    message.refresh_from_db()
    assert message.folder.role == Role.INBOX
    assert not message.labels.exists()
