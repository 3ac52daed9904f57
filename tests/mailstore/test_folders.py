"""The folders that every account has."""

from __future__ import annotations

import pytest

from mailstore.folders import make_role_folders, role_folder
from mailstore.models import Folder, Role
from tests.builders import make_account, make_user

pytestmark = pytest.mark.django_db


def test_an_account_gets_one_folder_of_each_role_however_often_asked() -> None:
    account = make_account(make_user())
    inbox = role_folder(account, Role.INBOX)
    make_role_folders(account)
    make_role_folders(account)
    assert role_folder(account, Role.INBOX) == inbox
    assert sorted(account.folders.values_list("role", flat=True)) == sorted(Role.values)
    assert set(Folder.objects.values_list("owner", flat=True)) == {account.owner_id}
