"""The parts that talk to the database, once more on a real PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.postgres import Postgres
from tests.sweeps import RESULTS, SEED, seconds

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ["tests/accounts", "tests/fetcher", "tests/mailstore"]
RUN = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]


@pytest.mark.servers
@pytest.mark.timeout(seconds(600, 7200))
def test_every_promise_and_verb_holds_on_postgresql_too(postgres: Postgres, tmp_path: Path) -> None:
    settings = {
        "MUARA_DATABASE_URL": postgres.url("postgres"),
        "MUARA_DATA": str(tmp_path),
        "MUARA_SEED": str(SEED),
    }
    done = subprocess.run(
        [*RUN, "-m", "database", *FOLDERS],
        cwd=ROOT,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    RESULTS.extend(x for x in done.stdout.splitlines() if x.startswith("postgresql: "))
