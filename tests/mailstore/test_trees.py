"""Folders of one's own: they nest without circles, five deep, and go without losing mail."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import ExternalAccount
from mailstore import actions, snoozing, trees
from mailstore.checks.counters import wrong_counters
from mailstore.folders import role_folder
from mailstore.models import Folder, Message, Role, Snooze
from mailstore.trees import FolderRefused
from tests.builders import make_account, make_user
from tests.mailstore.rows import letter, make_message

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> ExternalAccount:
    return make_account(make_user())


def chain(account: ExternalAccount, *names: str) -> list[Folder]:
    made: list[Folder] = []
    for name in names:
        made.append(trees.make(account, name, made[-1] if made else None))
    return made


def shape(account: ExternalAccount) -> list[tuple[int, str]]:
    return [(folder.depth, folder.name) for folder in trees.own_folders(account)]


def test_folders_are_read_by_name_each_before_what_stands_in_it(account: ExternalAccount) -> None:
    chain(account, "work", "Zebra", "Ants")
    chain(account, "Alps")
    assert shape(account) == [(0, "Alps"), (0, "work"), (1, "Zebra"), (2, "Ants")]


def test_a_folder_takes_along_what_stands_in_it(account: ExternalAccount) -> None:
    _work, zebra, _ants = chain(account, "Work", "Zebra", "Ants")
    (alps,) = chain(account, "Alps")
    trees.change(zebra, "Zoo", alps)
    assert shape(account) == [(0, "Alps"), (1, "Zoo"), (2, "Ants"), (0, "Work")]
    zebra.refresh_from_db()
    trees.change(zebra, "Zoo", None)
    assert shape(account) == [(0, "Alps"), (0, "Work"), (0, "Zoo"), (1, "Ants")]


def test_no_folder_stands_in_itself_or_too_deep(account: ExternalAccount) -> None:
    made = chain(account, "1", "2", "3", "4", "5")
    with pytest.raises(FolderRefused, match="parent"):
        trees.make(account, "6", made[4])
    with pytest.raises(FolderRefused, match="parent"):
        trees.change(made[0], "1", made[2])
    pair = chain(account, "a", "b")
    with pytest.raises(FolderRefused, match="parent"):
        trees.change(pair[0], "a", made[3])
    trees.change(pair[1], "b", made[3])
    assert trees.places(made[4], trees.own_folders(account)) == [*made[:4], pair[0]]


def test_a_name_is_used_once_in_a_place_and_may_come_again_elsewhere(
    account: ExternalAccount,
) -> None:
    work, _ = chain(account, "Work", "2025")
    with pytest.raises(FolderRefused, match="name"):
        trees.make(account, "2025", work)
    with pytest.raises(FolderRefused, match="name"):
        trees.make(account, "WORK", None)
    trees.make(account, "2025", None)


def test_a_folder_of_another_account_is_no_place(account: ExternalAccount) -> None:
    other = make_account(account.owner, address="two@example.org")
    (foreign,) = chain(other, "There")
    with pytest.raises(FolderRefused, match="parent"):
        trees.make(account, "Here", foreign)


def test_what_lay_in_a_removed_folder_and_those_inside_goes_where_it_was_sent(
    account: ExternalAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "AT_ONCE", 2)
    work, inner = chain(account, "Work", "Inner")
    for folder in (work, work, work, inner, inner):
        make_message(account, letter("one"), folder=folder)
    trash = role_folder(account, Role.TRASH)
    assert trees.remove(account.owner, work, trash) == 5
    assert shape(account) == []
    assert list(wrong_counters(None)) == []
    assert set(Message.objects.values_list("folder", flat=True)) == {trash.pk}
    assert not Message.objects.filter(discarded_at=None).exists()


def test_what_waits_comes_back_although_its_folder_was_removed(account: ExternalAccount) -> None:
    (work,) = chain(account, "Work")
    message = make_message(account, folder=work)
    now = timezone.now()
    snoozing.snooze(account.owner, Message.objects.all(), now + timedelta(hours=1))
    trees.remove(account.owner, work, role_folder(account, Role.TRASH))
    assert snoozing.wake(now + timedelta(hours=2)) == 1
    message.refresh_from_db()
    assert message.folder.role == Role.INBOX
    assert Snooze.objects.get().is_back
