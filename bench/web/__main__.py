"""``python -m bench.web [ROW ...]``: fill a mailbox, read in it, and print the table.

The rows are G (pages), S (searches) and SYNC (pages while three first fetches run).
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

from bench.report import Result, save, show
from bench.trips import ROOT
from bench.web import goals, rows
from bench.web.site import filled
from tests.servers import packages
from tests.servers.postgres import run_postgres
from tests.servers.processes import ServerMissing

TEXT, TEXT_OF_MANY = 4700, 1500
STORED = 100_000
POSTGRES = ("shared_buffers=1GB", "max_wal_size=8GB", "maintenance_work_mem=512MB")


def main() -> int:
    """Measure and tell; return 1 where something misses its limit."""
    parser = ArgumentParser(prog="bench.web", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="G, S, SYNC; all of them by default")
    parser.add_argument("--db", default="sqlite", choices=("sqlite", "postgresql"))
    parser.add_argument("--count", type=int, help="how many messages")
    parser.add_argument("--rounds", type=int, default=30, help="how often each is measured")
    options = parser.parse_args()
    wanted = {row.upper() for row in options.rows} or {"G", "S", "SYNC"}
    is_large = options.db == "postgresql"
    count = options.count or (1_000_000 if is_large else STORED)
    packages.install(packages.PACKAGES, "measurements")
    results: list[Result] = []
    with _database(options.db) as url:
        # What is more than can be stored in minutes is repeated inside the database.
        times = max(count // STORED, 1) if is_large else 1
        size = TEXT_OF_MANY if times > 1 else TEXT
        facts = filled(count // times, size, times, url)
        if "S" in wanted:
            results += rows.searches(facts, url, options.rounds, is_large=is_large)
        if "G" in wanted:
            results += rows.pages(facts, url, options.rounds)
        if "SYNC" in wanted and not is_large:
            results += rows.while_syncing(facts, options.rounds)
    show(results)
    path = ROOT / "var" / "bench" / f"web-{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    save(results, path)
    return int(any(goals.misses(result) for result in results))


@contextmanager
def _database(kind: str) -> Iterator[str]:
    """Lend a database server where one is wanted: the one that is named, or a new one."""
    if kind == "sqlite":
        yield ""
        return
    with ExitStack() as stack:
        named = os.environ.get("BENCH_DATABASE_URL", "")
        yield named or stack.enter_context(run_postgres(POSTGRES)).create_database("web")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ServerMissing as missing:
        sys.exit(f"muara bench: {missing}")
