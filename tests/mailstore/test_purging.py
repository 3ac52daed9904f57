"""A removed account is erased, and nothing that another account still needs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from accounts import quotas
from accounts.models import ExternalAccount, Quota, State, User
from mailstore import actions, packs, purging
from mailstore.checks.counters import wrong_counters, wrong_quotas
from mailstore.models import Blob, Folder, Message, Pack, Role, Thread, ThreadLink
from tests.builders import make_account, make_user
from tests.mailstore.rows import letter, make_message
from tests.mailstore.test_ingest import mail, store

pytestmark = pytest.mark.django_db(transaction=True)
NOW = timezone.now()


def files() -> set[str]:
    return {path.stem for path in Path(settings.PACK_FOLDER).rglob("*.pack")}


def test_a_removed_account_leaves_nothing_behind_but_what_others_need(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(purging, "BATCH", 2)
    owner = make_user()
    removed = make_account(owner, address="removed@example.org", state=State.REMOVED)
    kept = make_account(owner, address="kept@example.org")
    before = files()
    store(removed, *(mail(number) for number in range(5)))
    store(removed, mail(7))
    (shared,) = store(kept, mail(7))
    sizes = sum(len(mail(number)) for number in (*range(5), 7, 7))
    quotas.take(owner.pk, sizes)

    assert purging.purge_removed_accounts() == 1

    assert list(ExternalAccount.objects.all()) == [kept]
    assert list(Message.objects.all()) == [shared]
    assert packs.read_raw(shared.blob) == mail(7)
    assert set(Folder.objects.values_list("account", flat=True)) == {kept.pk}
    assert Blob.objects.count() == Thread.objects.count() == ThreadLink.objects.count() == 1
    assert Quota.objects.get(owner=owner).used_bytes == len(mail(7))
    assert {name.hex for name in Pack.objects.values_list("name", flat=True)} == files() - before


def test_nothing_is_erased_while_no_account_was_removed() -> None:
    account = make_account(make_user())
    store(account, mail())
    assert purging.purge_removed_accounts() == 0
    assert Message.objects.count() == 1


def test_an_account_with_folders_in_folders_is_erased_too() -> None:
    account = make_account(make_user(), state=State.REMOVED)
    parent: Folder | None = None
    for depth in range(3):
        parent = Folder.objects.create(
            owner=account.owner, account=account, name="Work", parent=parent, depth=depth
        )
    assert purging.purge_removed_accounts() == 1
    assert not Folder.objects.exists()


def thrown_away(owner: User, role: Role, days: int, account: ExternalAccount) -> Message:
    message = make_message(account, letter(f"{role} {days}"), role=role)
    quotas.take(owner.pk, message.size)
    since = NOW - timedelta(days=days, minutes=1)
    Message.objects.filter(pk=message.pk).update(discarded_at=since)
    return message


@pytest.mark.parametrize(("wanted", "left"), [(7, 1), (30, 2), (90, 3), (None, 4)])
def test_trash_and_spam_are_emptied_after_as_many_days_as_their_owner_wants(
    wanted: int | None, left: int
) -> None:
    owner = make_user(purge_days=wanted)
    account = make_account(owner)
    for role, days in ((Role.TRASH, 0), (Role.JUNK, 8), (Role.TRASH, 31), (Role.JUNK, 91)):
        thrown_away(owner, role, days, account)
    kept = make_message(account, letter("kept"))
    quotas.take(owner.pk, kept.size)
    assert purging.erase_discarded(NOW) == 4 - left
    assert Message.objects.filter(discarded_at__isnull=False).count() == left
    assert Message.objects.filter(pk=kept.pk).exists()
    assert list(wrong_counters(None)) == list(wrong_quotas(None)) == []


def test_what_left_the_trash_is_not_erased_however_old() -> None:
    owner = make_user()
    message = thrown_away(owner, Role.TRASH, 40, make_account(owner))
    actions.move(owner, Message.objects.all(), Role.ARCHIVE)
    assert purging.erase_discarded(NOW) == 0
    message.refresh_from_db()
    assert message.discarded_at is None


def test_emptying_erases_what_is_there_now_in_steps_and_nothing_that_comes_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(purging, "BATCH", 2)
    monkeypatch.setattr(purging, "AT_ONCE", 2)
    owner = make_user(purge_days=None)
    account = make_account(owner)
    for days in range(5):
        thrown_away(owner, Role.TRASH, days, account)
    spam = thrown_away(owner, Role.JUNK, 1, account)
    assert purging.ask_to_empty(owner, Role.TRASH, now=NOW) == 5
    assert Message.objects.count() == 4
    late = thrown_away(owner, Role.TRASH, -1, account)
    assert purging.empty_asked() == 3
    assert purging.empty_asked() == 0
    assert set(Message.objects.all()) == {spam, late}
    assert not Folder.objects.exclude(empty_before=None).exists()
    assert list(wrong_counters(None)) == list(wrong_quotas(None)) == []


def test_only_trash_and_spam_can_be_emptied() -> None:
    owner = make_user()
    make_message(make_account(owner))
    assert purging.ask_to_empty(owner, Role.INBOX, now=NOW) == 0
    assert Message.objects.count() == 1
