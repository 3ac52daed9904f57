"""Marks and stars, and the counters that move with them."""

from __future__ import annotations

import pytest

from accounts import quotas
from mailstore import actions
from mailstore.models import Folder, Message, Role
from tests.builders import make_account, make_user
from tests.mailstore.rows import letter, make_message

pytestmark = pytest.mark.django_db


def unread(folder: Folder) -> int:
    folder.refresh_from_db()
    return folder.unread


def test_marking_read_moves_the_counter_of_each_folder_and_the_change_number_once() -> None:
    owner = make_user()
    account = make_account(owner)
    inbox = [make_message(account, letter(str(number))) for number in range(3)]
    spam = make_message(account, letter("spam"), role=Role.JUNK)
    ids = [message.public_id for message in (*inbox[:2], spam)]
    assert actions.mark_seen(owner, ids, seen=True) == 3
    assert unread(inbox[0].folder) == 1
    assert unread(spam.folder) == 0
    assert quotas.change_number(owner.pk) == 1


def test_marking_twice_changes_nothing_the_second_time() -> None:
    owner = make_user()
    message = make_message(make_account(owner))
    for expected in (1, 0):
        assert actions.mark_seen(owner, [message.public_id], seen=True) == expected
    assert unread(message.folder) == 0
    assert quotas.change_number(owner.pk) == 1


def test_marking_unread_counts_up_again() -> None:
    owner = make_user()
    message = make_message(make_account(owner), seen=True)
    actions.mark_seen(owner, [message.public_id], seen=False)
    assert unread(message.folder) == 1


def test_a_star_is_set_and_taken_away() -> None:
    owner = make_user()
    message = make_message(make_account(owner))
    for wish in (True, False):
        assert actions.flag(owner, [message.public_id], flagged=wish) == 1
        message.refresh_from_db()
        assert message.flagged is wish


def test_other_peoples_messages_are_passed_over() -> None:
    owner, other = make_user(), make_user("bob@example.org")
    foreign = make_message(make_account(other))
    assert actions.mark_seen(owner, [foreign.public_id], seen=True) == 0
    assert actions.flag(owner, [foreign.public_id], flagged=True) == 0
    assert Message.objects.filter(seen=False, flagged=False).count() == 1
    assert unread(foreign.folder) == 1
