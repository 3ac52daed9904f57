"""A removed account is erased, and nothing that another account still needs."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from accounts import quotas
from accounts.models import ExternalAccount, Quota, State
from mailstore import packs, purging
from mailstore.models import Blob, Folder, Message, Pack, Thread, ThreadLink
from tests.builders import make_account, make_user
from tests.mailstore.test_ingest import mail, store

pytestmark = pytest.mark.django_db(transaction=True)


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
