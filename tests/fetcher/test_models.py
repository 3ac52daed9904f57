"""Each promise of the fetcher's tables holds against an attempt to break it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.models import ExternalAccount
from fetcher.models import DayCount, FetchRun, HourlyCount, RemoteFolder, RemoteUid, SetAside
from tests.builders import make_account, make_user
from tests.constraints import Attempt, named_constraints, refused

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _account() -> ExternalAccount:
    return ExternalAccount.objects.get()


def _run(**fields: Any) -> FetchRun:
    return FetchRun.objects.create(account=_account(), opened_at=NOW, lease_until=NOW, **fields)


def _folder() -> RemoteFolder:
    return RemoteFolder.objects.create(account=_account(), name="INBOX")


def _uid(folder: RemoteFolder, **fields: Any) -> RemoteUid:
    known = {"uid": "abc", "sha256": "0" * 64, "fingerprint": "1" * 64, "stored_at": NOW}
    return RemoteUid.objects.create(account=_account(), remote_folder=folder, **(known | fields))


def _one_uid_twice() -> None:
    folder = _folder()
    for _ in range(2):
        _uid(folder)


def _one_set_aside_twice() -> None:
    folder = _folder()
    told = {"code": "message.refused", "size": 1, "first_at": NOW, "last_at": NOW}
    for _ in range(2):
        SetAside.objects.create(account=_account(), remote_folder=folder, uid="abc", **told)


ATTEMPTS: dict[str, Attempt] = {
    "one_open_run_per_account": lambda: [_run() for _ in range(2)],
    "one_remote_folder_per_account_and_name": lambda: [_folder() for _ in range(2)],
    "one_remote_uid_per_place": _one_uid_twice,
    "one_set_aside_per_place": _one_set_aside_twice,
    "one_count_per_account_and_day": lambda: [
        DayCount.objects.create(account=_account(), day=NOW.date()) for _ in range(2)
    ],
    "one_count_per_hour_host_and_code": lambda: [
        HourlyCount.objects.create(hour=NOW, host="pop.example.org") for _ in range(2)
    ],
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", named_constraints("fetcher"))
def test_the_database_keeps_its_promise(name: str) -> None:
    make_account(make_user())
    refused("fetcher", name, ATTEMPTS)


@pytest.mark.django_db
def test_a_closed_run_makes_room_for_the_next() -> None:
    make_account(make_user())
    _run(closed_at=NOW)
    assert _run().pk


@pytest.mark.django_db
def test_repeats_of_one_uidl_are_told_apart_by_their_number() -> None:
    make_account(make_user())
    folder = _folder()
    assert {_uid(folder, occurrence=number).occurrence for number in range(3)} == {0, 1, 2}
