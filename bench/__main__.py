"""``python -m bench [ROW ...]``: measure all rows, or those named, and print the table."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import UTC, datetime

from bench.peers.programs import PACKAGES
from bench.report import Goal, Measure, Result, save, show
from bench.rows import fetches, large, line, many, parsing, polls
from bench.trips import ROOT, WentWrong
from bench.world import World, run_world, say
from tests.servers import packages
from tests.servers.processes import ServerMissing

ROUNDS = 5
# Each with the goals that it measures.
ROWS: dict[str, tuple[Measure, Sequence[Goal]]] = {
    "LINE": (line.line, (line.LATE, line.WIDE)),
    "F1": (fetches.f1, (fetches.F1, fetches.F11)),
    "F2": (fetches.f2, (fetches.F2,)),
    "F3": (fetches.f3, (fetches.F3,)),
    "F4": (fetches.f4, (fetches.F4,)),
    "F5": (fetches.f5, tuple(fetches.F5.values())),
    "F6": (fetches.f6, tuple(fetches.F6.values())),
    "F7": (polls.f7, (polls.F7,)),
    "F8": (polls.f8, (polls.F8,)),
    "F9": (polls.f9, (polls.F9,)),
    "F10": (many.f10, (many.F10,)),
    "F12": (parsing.f12, (parsing.F12,)),
    "F13": (large.f13, (large.F13, large.F14)),
}
# What another row measures on its way.
WITHIN = {"F11": "F1", "F14": "F13"}


def main() -> int:
    """Measure and tell; return 1 where something misses what it must reach."""
    parser = ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"some of {', '.join(ROWS)}")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each is measured")
    options = parser.parse_args()
    names = options.rows
    wanted = dict.fromkeys(WITHIN.get(name.upper(), name.upper()) for name in names or ROWS)
    if unknown := [name for name in wanted if name not in ROWS]:
        sys.exit(f"There is no row {', '.join(unknown)}. There are {', '.join(ROWS)}.")
    packages.install((*packages.PACKAGES, *PACKAGES), "measurements")
    results: list[Result] = []
    with run_world(options.rounds) as world:
        for name in wanted:
            began = time.monotonic()
            say(f"{name} ...")
            results += _measured(world, *ROWS[name])
            say(f"{name} took {time.monotonic() - began:.0f} s")
    show(results)
    path = ROOT / "var" / "bench" / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    save(results, path)
    say(f"All figures are in {path.relative_to(ROOT)}.")
    return int(any(result.goal.verdict(result.measured) == "MISSED" for result in results))


def _measured(world: World, measure: Measure, goals: Sequence[Goal]) -> list[Result]:
    """Measure a row; say why where that cannot be done."""
    try:
        return measure(world)
    except (ServerMissing, WentWrong) as reason:
        return [Result(goal, None, str(reason)) for goal in goals]


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ServerMissing as missing:
        sys.exit(f"muara bench: {missing}")
