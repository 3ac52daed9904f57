"""What is done to messages, the counters that move with it, and how it is undone."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from accounts import quotas
from accounts.models import Quota, User
from mailstore import actions
from mailstore.actions import UNDO_WITHIN, Done
from mailstore.folders import role_folder
from mailstore.models import Folder, Message, MessageQuerySet, Role, Undo
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


def counts(folder: Folder) -> tuple[int, int, int]:
    folder.refresh_from_db()
    return folder.total, folder.unread, folder.size


def undone(user: User, done: Done) -> int:
    assert done.undo
    return actions.undo(user, done.undo)


def all_of(user: User) -> MessageQuerySet:
    return Message.objects.for_user(user)


def test_each_message_is_archived_in_its_own_account_and_undo_puts_all_back() -> None:
    owner = make_user()
    work, home = make_account(owner), make_account(owner, address="home@example.org")
    messages = [make_message(work), make_message(work, seen=True), make_message(home)]
    before = [counts(one.folder) for one in messages]
    done = actions.move(owner, all_of(owner), Role.ARCHIVE)
    archive = role_folder(work, Role.ARCHIVE)
    assert done.count == 3
    assert counts(archive) == (2, 1, messages[0].size + messages[1].size)
    assert counts(role_folder(home, Role.ARCHIVE)) == (1, 1, messages[2].size)
    assert {counts(one.folder) for one in messages} == {(0, 0, 0)}
    assert quotas.change_number(owner.pk) == 1
    assert undone(owner, done) == 3
    assert [counts(one.folder) for one in messages] == before
    assert counts(archive) == (0, 0, 0)
    assert quotas.change_number(owner.pk) == 2


def test_what_belongs_to_another_account_than_the_folder_stays() -> None:
    owner = make_user()
    work, home = make_account(owner), make_account(owner, address="home@example.org")
    make_message(work)
    other = make_message(home)
    own = Folder.objects.create(owner=owner, account=work, name="Bills")
    assert actions.move(owner, all_of(owner), own).count == 1
    other.refresh_from_db()
    assert other.folder.role == Role.INBOX


def test_what_lies_there_already_is_not_counted_and_leaves_nothing_to_undo() -> None:
    owner = make_user()
    make_message(make_account(owner))
    assert actions.move(owner, all_of(owner), Role.INBOX) == Done(0)
    assert quotas.change_number(owner.pk) == 0


def test_nobody_moves_or_undoes_what_is_anothers() -> None:
    owner, other = make_user(), make_user("bob@example.org")
    message = make_message(make_account(owner))
    foreign = role_folder(make_account(other, address="bob@example.net"), Role.INBOX)
    assert actions.move(other, Message.objects.all(), Role.TRASH).count == 0
    assert actions.move(owner, all_of(owner), foreign).count == 0
    done = actions.move(owner, all_of(owner), Role.TRASH)
    assert undone(other, done) == 0
    message.refresh_from_db()
    assert message.folder.role == Role.TRASH
    assert actions.undo(owner, uuid4()) == 0


def test_undo_works_once_and_leaves_alone_what_was_moved_since() -> None:
    owner = make_user()
    account = make_account(owner)
    first, second = make_message(account), make_message(account)
    done = actions.move(owner, all_of(owner), Role.ARCHIVE)
    actions.move(owner, all_of(owner).filter(pk=second.pk), Role.TRASH)
    assert undone(owner, done) == 1
    assert undone(owner, done) == 0
    assert [Message.objects.get(pk=one.pk).folder.role for one in (first, second)] == [
        Role.INBOX,
        Role.TRASH,
    ]


def test_undo_expires_and_is_then_forgotten() -> None:
    owner = make_user()
    make_message(make_account(owner))
    done = actions.move(owner, all_of(owner), Role.ARCHIVE)
    Undo.objects.update(made_at=F("made_at") - UNDO_WITHIN - timedelta(seconds=1))
    assert undone(owner, done) == 0
    actions.set_keyword(owner, all_of(owner), "flagged", value=True)
    assert not Undo.objects.filter(public_id=str(done.undo)).exists()
    assert Undo.objects.count() == 1


def test_undo_cannot_use_a_folder_that_is_gone() -> None:
    owner = make_user()
    account = make_account(owner)
    own = Folder.objects.create(owner=owner, account=account, name="Bills")
    message = make_message(account, folder=own)
    done = actions.move(owner, all_of(owner), Role.ARCHIVE)
    own.delete()
    assert undone(owner, done) == 0
    message.refresh_from_db()
    assert message.folder.role == Role.ARCHIVE


def test_marks_are_undone_only_where_they_were_made() -> None:
    owner = make_user()
    account = make_account(owner)
    read, new = make_message(account, seen=True), make_message(account)
    done = actions.set_keyword(owner, all_of(owner), "seen", value=True)
    assert (done.count, unread(new.folder)) == (1, 0)
    assert undone(owner, done) == 1
    assert unread(new.folder) == 1
    read.refresh_from_db()
    assert read.seen


def test_only_trash_and_spam_are_erased_and_their_room_is_free_again() -> None:
    owner = make_user()
    account = make_account(owner)
    kept, *gone = [make_message(account, role=r) for r in (Role.INBOX, Role.TRASH, Role.JUNK)]
    Quota.objects.update(used_bytes=sum(one.size for one in (kept, *gone)))
    assert actions.erase(owner, all_of(owner)) == 2
    assert list(Message.objects.all()) == [kept]
    assert [counts(one.folder) for one in gone] == [(0, 0, 0)] * 2
    assert Quota.objects.get().used_bytes == kept.size


def test_the_number_of_statements_does_not_grow_with_what_is_moved() -> None:
    owner = make_user()
    account = make_account(owner)
    role_folder(account, Role.ARCHIVE)

    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            done = actions.move(owner, all_of(owner), Role.ARCHIVE)
            undone(owner, done)
        return len(captured)

    make_message(account)
    few = statements()
    for _ in range(30):
        make_message(account)
    assert statements() == few
