"""Accounts shared among processes: each in one of them, and none outlives whoever asked."""

from __future__ import annotations

import os
import signal
from multiprocessing import active_children
from threading import Barrier
from time import sleep
from typing import Any

import pytest

from fetcher.spreading import spread
from fetcher.stopping import Stopping

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # Said from Python 3.12 on, of the threads that other tests have left behind.
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
]
ACCOUNTS = list(range(10))


def told(account_id: int, _stopping: Stopping) -> dict[str, Any]:
    return {"account": account_id, "process": os.getpid()}


def test_each_account_is_visited_in_one_of_the_processes() -> None:
    with spread(ACCOUNTS, told, processes=3) as results:
        by_account = list(results)
    assert sorted(pk for pk, _ in by_account) == ACCOUNTS
    assert all(result["account"] == pk for pk, result in by_account)
    processes = {result["process"] for _, result in by_account}
    assert len(processes) == 3
    assert os.getpid() not in processes


def test_one_process_is_this_one_and_visits_side_by_side() -> None:
    together = Barrier(len(ACCOUNTS), timeout=30)

    def meet(account_id: int, stopping: Stopping) -> dict[str, Any]:
        together.wait()
        return told(account_id, stopping)

    with spread(ACCOUNTS, meet, processes=1) as results:
        assert {result["process"] for _, result in results} == {os.getpid()}


def test_a_killed_process_costs_only_its_own_accounts() -> None:
    def fall(account_id: int, stopping: Stopping) -> dict[str, Any]:
        if account_id % 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return told(account_id, stopping)

    with spread(ACCOUNTS, fall, processes=2) as results:
        assert sorted(pk for pk, _ in results) == [0, 2, 4, 6, 8]


@pytest.mark.parametrize("processes", [1, 2])
def test_whoever_leaves_ends_all_visits(processes: int) -> None:
    def stay(account_id: int, stopping: Stopping) -> dict[str, Any]:
        while account_id and not stopping():
            sleep(0.01)
        return told(account_id, stopping)

    with spread(ACCOUNTS, stay, processes=processes) as results:
        assert next(results)[0] == 0
    assert not active_children()
