"""A visit killed between any two system calls loses nothing and stores nothing twice.

The truth is what the mail server had and has, against what the store can read. Each point is a
new person's mailbox, so that one store goes through all of them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import ExternalAccount
from fetcher.leases import LEASE
from fetcher.outcomes import close_stale_runs
from tests.conftest import absent
from tests.fetcher.offers import Offer, litter
from tests.servers.dovecot import Dovecot
from tests.servers.processes import ServerMissing, program, stop
from tests.servers.strace import calls_of, traced
from tests.sweeps import result, sample, seconds

pytestmark = [pytest.mark.servers, pytest.mark.django_db(transaction=True)]
ROOT = Path(__file__).resolve().parent.parent.parent
BATCH = 8
POINTS = 13


@dataclass(frozen=True)
class Visitor:
    """The running ``tests.fetcher.visitor``; a visit leaves the trace of its calls in ``log``."""

    program: subprocess.Popen[str]
    log: Path

    def visit(self, account: ExternalAccount, *, kill_at: int | None = None) -> list[str]:
        """Visit an account and kill the visit on entering a call; return the calls until then."""
        assert self.program.stdin
        self.program.stdin.write(f"{account.pk}\n")
        self.program.stdin.flush()
        process = self._heard()
        with traced(process, self.log, kill_at=kill_at):
            ending = self._heard()
        assert ending in {0, -signal.SIGKILL}
        return calls_of(process, self.log)

    def _heard(self) -> int:
        assert self.program.stdout
        return int(self.program.stdout.readline())


@pytest.fixture
def visitor(at_dovecot: Dovecot, tmp_path: Path) -> Iterator[Visitor]:
    """Run the program that visits, on the database and the servers of this test."""
    try:
        program("strace")
    except ServerMissing as missing:
        absent(str(missing))
    words = [str(connection.settings_dict["NAME"]), str(BATCH)]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.fetcher.visitor", *words],
        env=os.environ | {"MUARA_CONNECT_TO": at_dovecot.connect_to},
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as visitor:
        yield Visitor(visitor, tmp_path / "calls")
        stop(visitor)  # type: ignore[arg-type]  # it reads none of its pipes


@pytest.mark.timeout(seconds(180, 3600))
@pytest.mark.parametrize("delete_after_days", [None, 0], ids=["left", "deleted"])
def test_killed_at_any_call_every_message_ends_up_here_once(
    delete_after_days: int | None, visitor: Visitor, offer: Callable[..., Offer]
) -> None:
    calls = visitor.visit(offer(delete_after_days).account)
    points = sample(range(1, len(calls) + 1), POINTS)
    wrong = Counter[str]()
    for point in points:
        box = offer(delete_after_days)
        visitor.visit(box.account, kill_at=point)
        close_stale_runs(now=timezone.now() + 2 * LEASE)
        wrong += box.visit_twice()
        box.clear()
    kind = "left at the server" if delete_after_days is None else "deleted there"
    what = f"{connection.vendor}: killed, mail {kind}, {litter()} files of litter"
    told = result(what, len(points), len(calls), wrong)
    assert not wrong, told
