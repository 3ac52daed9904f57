"""Rows F13 and F14: a mailbox of 100,000, its newest letters first and its last ones as fast."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bench import letters
from bench.muara import Store, fetch_into, fetching
from bench.report import Goal, Result
from bench.trips import ROOT, Trip, WentWrong
from bench.world import Times, World, rounds

LARGE = 100_000
LITTLE = 1000
NEWEST = 50

F13 = Goal("F13", "100,000 letters: the 50 newest are readable after", "s", 10, 3)
F14 = Goal("F14", "letters a second at 100,000 against at 1,000", "x", 0.8, 0.95, is_floor=True)


def f13(world: World) -> list[Result]:
    """Measure F13 and F14 in one fetch of the large box, and some of a little one around it."""
    peers, little = {"Muara": fetching(world.stores)}, world.boxes.small(LITTLE, "little")
    before = rounds(world, little, 0, peers, world.rounds)["Muara"]
    box = world.boxes.small(LARGE, "large")
    with world.trip(box, 0) as trip:
        store = world.stores.new(trip.folder / "data", {box.user: box.user})
        newest, facts = _watched(store, trip)
    after = rounds(world, little, 0, peers, world.rounds)["Muara"]
    if reason := before.missing or after.missing:
        raise WentWrong(reason)
    around = Times([*before.outcomes, *after.outcomes])
    pace = LITTLE / around.seconds
    cpu = {LARGE: facts["cpu_s"] / LARGE * 1000, LITTLE: around.cpu / LITTLE * 1000}
    details = (
        f"{facts['msgs_per_s']:.0f} /s against {pace:.0f} /s, CPU {cpu[LARGE]:.2f} ms each against "
        f"{cpu[LITTLE]:.2f} ms; in all {facts['wall_s']:.0f} s, {facts['peak_rss_mb']:.0f} MB"
    )
    return [
        Result(F13, newest, details, facts),
        Result(F14, facts["msgs_per_s"] / pace, details, facts),
    ]


def _watched(store: Store, trip: Trip) -> tuple[float, Mapping[str, Any]]:
    """Fetch a box while somebody looks at the list of its mail; tell when the newest were there."""
    numbers = range(trip.box.count - NEWEST, trip.box.count)
    wanted = [letters.message_id("large", number) for number in numbers]
    with subprocess.Popen(
        [sys.executable, "-m", "bench.look", "newest", *wanted],
        env=os.environ | store.environment(trip), cwd=ROOT, stdout=subprocess.PIPE, text=True,
    ) as reader:  # fmt: skip
        assert reader.stdout
        try:
            reader.stdout.readline()
            facts = fetch_into(store, trip).facts
            seen_at = float(reader.stdout.readline())
        finally:
            reader.kill()
    return seen_at - datetime.fromisoformat(facts["started_at"]).timestamp(), facts
