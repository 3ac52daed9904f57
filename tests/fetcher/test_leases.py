"""A run is held for as long as its visit lasts, and no longer than its worker lives."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import ExternalAccount
from fetcher import runs
from fetcher.leases import LEASE, LONGEST_VISIT, Leases, renew
from fetcher.models import FetchRun
from fetcher.outcomes import close_stale_runs
from fetcher.runs import run_fetch
from mailstore.models import Message
from tests.builders import make_account, make_user
from tests.servers.scripted import Pop3Server, Talk, stuffed

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parent.parent.parent
LETTER = b"Subject: Besar\r\n\r\nSelamat pagi.\r\n"


def open_run(**fields: object) -> FetchRun:
    now = timezone.now()
    account = make_account(make_user(), dispatched_until=now + timedelta(seconds=45))
    return FetchRun.objects.create(
        **({"account": account, "opened_at": now, "lease_until": now + LEASE} | fields)
    )


def test_an_open_run_is_renewed_and_so_is_the_claim_on_its_account() -> None:
    run = open_run()
    later = run.opened_at + timedelta(minutes=30)
    renew([run.pk], now=later)
    run.refresh_from_db()
    assert run.lease_until == run.account.dispatched_until == later + LEASE
    assert not ExternalAccount.objects.due(later).exists()
    assert close_stale_runs(now=later + LEASE) == 0


@pytest.mark.parametrize("is_closed", [True, False], ids=["closed", "far too old"])
def test_a_run_that_is_closed_or_far_too_old_is_left_alone(is_closed: bool) -> None:
    now = timezone.now()
    run = open_run(opened_at=now if is_closed else now - LONGEST_VISIT)
    if is_closed:
        close_stale_runs(now=now + 2 * LEASE)
    renew([run.pk], now=now + timedelta(minutes=1))
    before, claimed = run.lease_until, run.account.dispatched_until
    run.refresh_from_db()
    assert run.lease_until == before
    assert run.account.dispatched_until == (None if is_closed else claimed)


def test_a_message_that_takes_longer_than_a_lease_does_not_cost_the_run(
    account_at: Callable[[Pop3Server], ExternalAccount],
    good: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    renewed = Event()
    lease_at_first = timezone.now() + LEASE

    def slow(talk: Talk, argument: str) -> None:
        talk.send(b"+OK\r\n" + LETTER[:10])
        try:
            for _ in range(200):
                run = FetchRun.objects.get()
                if run.lease_until > lease_at_first + timedelta(seconds=1):
                    renewed.set()
                    break
                talk.server.over.wait(0.05)
            assert close_stale_runs(now=lease_at_first) == 0
        finally:
            connection.close()
        talk.send(stuffed(LETTER)[10:])

    monkeypatch.setattr(runs, "LEASES", Leases(0.05))
    with Pop3Server(LETTER, context=good) as server:
        server.behave("RETR", slow)
        run = run_fetch(account_at(server).pk)
    assert run is not None
    assert renewed.is_set()
    assert (run.code, run.messages) == ("", 1)


VISIT = """
import sys, django
django.setup()
from django.db import connection
from fetcher.runs import run_fetch
connection.settings_dict["NAME"] = sys.argv[1]
run_fetch(int(sys.argv[2]))
"""


def test_a_killed_worker_frees_its_account_within_minutes(
    account_at: Callable[[Pop3Server], ExternalAccount], good: ssl.SSLContext
) -> None:
    asked = Event()

    def hang(talk: Talk, argument: str) -> None:
        asked.set()
        talk.server.over.wait()

    with Pop3Server(LETTER, context=good) as server:
        key = account_at(server.behave("RETR", hang)).pk
        ((name, port), (address, real)) = next(iter(server.guard.connect_to.items()))
        words = [sys.executable, "-c", VISIT, str(connection.settings_dict["NAME"]), str(key)]
        detour = {"MUARA_CONNECT_TO": f"{name}:{port}={address}:{real}"}
        with subprocess.Popen(words, env=os.environ | detour, cwd=ROOT) as worker:
            assert asked.wait(30)
            worker.kill()
        assert run_fetch(key) is None
        assert close_stale_runs(now=timezone.now() + LEASE) == 1
        server.behave("RETR", lambda talk, _: talk.send(b"+OK\r\n" + stuffed(LETTER)))
        run = run_fetch(key)
    assert run is not None
    assert Message.objects.count() == 1
