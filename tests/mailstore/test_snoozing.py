"""Messages that wait: out of sight, back on top and unread in time, and what undoes it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import ExternalAccount
from mailstore import actions, snoozing
from mailstore.checks.counters import wrong_counters
from mailstore.models import Message, Role, Snooze
from tests.builders import make_account, make_user
from tests.mailstore.rows import letter, make_message

pytestmark = pytest.mark.django_db
NOW = timezone.now()
LATER = NOW + timedelta(hours=3)


@pytest.fixture
def account() -> ExternalAccount:
    return make_account(make_user())


def role_of(message: Message) -> str:
    assert list(wrong_counters(None)) == []
    return Message.objects.get(pk=message.pk).folder.role


def above(account: ExternalAccount) -> list[Message]:
    return list(Message.objects.filter(snoozing.back_in(account.owner)))


def test_a_message_is_away_until_its_time_and_then_back_unread_above_the_list(
    account: ExternalAccount,
) -> None:
    message = make_message(account, role=Role.ARCHIVE, seen=True)
    snoozing.snooze(account.owner, Message.objects.all(), LATER)
    assert role_of(message) == Role.SNOOZED
    assert snoozing.wake(LATER - timedelta(seconds=1)) == 0
    assert snoozing.wake(LATER) == 1
    assert role_of(message) == Role.ARCHIVE
    assert above(account) == [message]
    assert not Message.objects.get().seen
    assert snoozing.wake(LATER) == 0


def test_what_is_back_stands_on_top_for_a_day_and_as_long_as_it_is_unread(
    account: ExternalAccount,
) -> None:
    message = make_message(account)
    snoozing.snooze(account.owner, Message.objects.all(), LATER)
    snoozing.wake(LATER)
    assert snoozing.take_down(LATER + timedelta(days=2)) == 0
    actions.mark_seen(account.owner, [message.public_id], seen=True)
    assert snoozing.take_down(LATER + timedelta(hours=23)) == 0
    assert snoozing.take_down(LATER + timedelta(days=2)) == 1
    assert above(account) == []


def test_undo_brings_a_message_back_at_once_and_for_good(account: ExternalAccount) -> None:
    message = make_message(account)
    done = snoozing.snooze(account.owner, Message.objects.all(), LATER)
    assert done.undo
    actions.undo(account.owner, done.undo)
    assert role_of(message) == Role.INBOX
    assert snoozing.wake(LATER) == 0
    assert not Snooze.objects.exists()


def test_a_new_time_replaces_the_old_one_and_not_the_way_back(account: ExternalAccount) -> None:
    message = make_message(account, role=Role.ARCHIVE)
    for until in (LATER, LATER + timedelta(days=1)):
        assert snoozing.snooze(account.owner, Message.objects.all(), until).count == 1
    assert snoozing.wake(LATER) == 0
    assert snoozing.wake(LATER + timedelta(days=1)) == 1
    assert role_of(message) == Role.ARCHIVE


def test_what_was_thrown_away_comes_back_to_the_inbox(account: ExternalAccount) -> None:
    message = make_message(account, role=Role.TRASH)
    snoozing.snooze(account.owner, Message.objects.all(), LATER)
    snoozing.wake(LATER)
    assert role_of(message) == Role.INBOX


def test_nobody_puts_away_the_mail_of_others(account: ExternalAccount) -> None:
    message = make_message(account, letter("theirs"))
    assert snoozing.snooze(make_user("eve@example.org"), Message.objects.all(), LATER).count == 0
    assert role_of(message) == Role.INBOX


@pytest.mark.parametrize(("language", "word"), [("en", "until"), ("id", "sampai")])
def test_the_list_of_what_is_away_says_until_when(
    client: Client, account: ExternalAccount, language: str, word: str
) -> None:
    message = make_message(account)
    make_message(account, letter("Here"))
    snoozing.snooze(account.owner, Message.objects.filter(pk=message.pk), NOW + timedelta(days=2))
    account.owner.language = language
    account.owner.save()
    client.force_login(account.owner)
    for path in ("/mail/all/snoozed/", f"/mail/{account.public_id}/snoozed/"):
        page = client.get(path).content.decode()
        (mark,) = re.findall(r"back-at.*?</svg>\s*(.*?)</span>", page, re.DOTALL)
        assert re.fullmatch(rf"{word} \w+ \d+ \w+, \d\d:\d\d", mark), mark
    assert "back-at" not in client.get("/mail/all/inbox/").content.decode()
