"""Labels, and their counters through everything that is done to messages."""

from __future__ import annotations

import pytest

from accounts import quotas
from mailstore import actions, labels, purging
from mailstore.checks.counters import wrong_labels
from mailstore.labels import NameTaken
from mailstore.models import Label, Message, MessageQuerySet, Role
from tests.builders import make_account, make_user
from tests.mailstore.rows import letter, make_message

pytestmark = pytest.mark.django_db


def counts(label: Label) -> tuple[int, int]:
    """Read a label's counters, which must be what a fresh count finds."""
    assert list(wrong_labels(label.owner_id)) == []
    label.refresh_from_db()
    return label.total, label.unread


def some(*messages: Message) -> MessageQuerySet:
    return Message.objects.filter(pk__in=[message.pk for message in messages])


def test_the_counters_follow_all_that_is_done_to_messages() -> None:
    owner = make_user()
    first, second = make_account(owner), make_account(owner, address="two@example.org")
    bills = labels.make(owner, "Bills", "green")
    one, two = (make_message(account, letter(account.name)) for account in (first, second))
    actions.set_label(owner, some(one, two), bills, value=True)
    assert counts(bills) == (2, 2)
    assert actions.set_label(owner, some(one, two), bills, value=True).count == 0
    actions.mark_seen(owner, [one.public_id], seen=True)
    assert counts(bills) == (2, 1)
    thrown = actions.move(owner, some(one, two), Role.TRASH)
    assert counts(bills) == (0, 0)
    assert thrown.undo
    actions.undo(owner, thrown.undo)
    assert counts(bills) == (2, 1)
    taken = actions.set_label(owner, some(one), bills, value=False)
    assert counts(bills) == (1, 1)
    assert taken.undo
    actions.undo(owner, taken.undo)
    assert counts(bills) == (2, 1)
    quotas.take(owner.pk, one.size + two.size)
    purging.erase(owner.pk, [two.pk])
    assert counts(bills) == (1, 0)


def test_nobody_labels_the_mail_of_others_or_with_the_labels_of_others() -> None:
    owner, other = make_user(), make_user("bob@example.org")
    message = make_message(make_account(owner))
    theirs = labels.make(other, "Mine", "red")
    assert actions.set_label(other, some(message), theirs, value=True).count == 0
    assert actions.set_label(owner, some(message), theirs, value=True).count == 0
    assert not message.labels.exists()


def test_a_name_is_used_once_whatever_its_case() -> None:
    owner = make_user()
    bills = labels.make(owner, "Bills", "green")
    with pytest.raises(NameTaken):
        labels.make(owner, "BILLS", "red")
    labels.change(bills, "bills", "red")
    other = labels.make(owner, "Taxes", "red")
    with pytest.raises(NameTaken):
        labels.change(other, "bills", "red")


def test_a_removed_label_leaves_its_messages() -> None:
    owner = make_user()
    message = make_message(make_account(owner))
    bills = labels.make(owner, "Bills", "green")
    actions.set_label(owner, some(message), bills, value=True)
    labels.remove(bills)
    assert not Label.objects.exists()
    assert Message.objects.get() == message
