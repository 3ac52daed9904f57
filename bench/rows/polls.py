"""Rows F7 to F9: what it costs to find that there is nothing new, or a little."""

from __future__ import annotations

import json
import os
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from aggregator.supervisor import COMMANDS
from bench import letters
from bench.muara import Store, fetch_into
from bench.report import Goal, Result
from bench.trips import ROOT, Outcome, Trip, run
from bench.world import Times, World, say
from tests.servers.processes import running

KNOWN = 10_000
NEW = 10
FAR = 50
POLLED = 500
POLLED_BOXES = 50

F7 = Goal("F7", "poll with nothing new, 10,000 known, 50 ms", "trips", 5, 3.5)
F8 = Goal("F8", "poll with 10 new, 10,000 known, 50 ms", "trips", 8, 5)
F9 = Goal("F9", "empty polls a second from one worker, 50 ms", "/s", 100, 300, is_floor=True)


def f7(world: World) -> list[Result]:
    """Measure F7."""
    with _known(world) as (store, trip):
        return [_told(F7, [_poll(world, store, trip) for _ in range(world.rounds)])]


def f8(world: World) -> list[Result]:
    """Measure F8."""
    with _known(world) as (store, trip):
        outcomes, box = [], trip.box
        for _ in range(world.rounds):
            numbers = range(box.count, box.count + NEW)
            new = (letters.letter("known", number, letters.SMALL) for number in numbers)
            box = world.boxes.deliver(box, new)
            outcomes.append(_poll(world, store, replace(trip, box=box)))
        return [_told(F8, outcomes)]


@contextmanager
def _known(world: World) -> Iterator[tuple[Store, Trip]]:
    """Lend a store in which every letter of a large box is known, and the long way to that box."""
    box = world.boxes.copy(world.boxes.small(KNOWN, "known"), "polled")
    with world.trip(box, 0) as trip:
        store = world.stores.new(trip.folder / "data", {box.user: box.user})
        say(f"  the first fetch: {fetch_into(store, trip).seconds:.1f} s")
        yield store, replace(trip, port=world.port(FAR))


def _poll(world: World, store: Store, trip: Trip) -> Outcome:
    """Poll a box once; the line tells how many round trips there were."""
    world.line(FAR).told()
    outcome = fetch_into(store, trip)
    (carried,) = world.line(FAR).told()
    say(f"  {outcome.seconds:.2f} s, {carried}")
    return replace(outcome, facts={**outcome.facts, "line": carried})


def _told(goal: Goal, outcomes: list[Outcome]) -> Result:
    trips = [outcome.facts["line"]["round_trips"] for outcome in outcomes]
    own, octets = (
        statistics.median(outcome.facts[name] for outcome in outcomes)
        for name in ("round_trips", "wire_bytes")
    )
    details = (
        f"{Times(outcomes)}; {min(trips)}-{max(trips)} round trips on the line, {own:g} by Muara's "
        f"own count; {octets:g} octets inside TLS"
    )
    facts = {"runs": [dict(outcome.facts) for outcome in outcomes]}
    return Result(goal, statistics.median(trips), details, facts)


def f9(world: World) -> list[Result]:
    """Measure F9 with the worker of the embedded shape."""
    boxes = [world.boxes.small(1, f"one{number}x") for number in range(POLLED_BOXES)]
    users = {f"a{number}": boxes[number % POLLED_BOXES].user for number in range(POLLED)}
    with world.trip(boxes[0], FAR) as trip:
        polls = _polled(world, world.stores.new(trip.folder / "data", users), trip)
    rates = [poll["per_second"] for poll in polls]
    cpu = statistics.median(poll["cpu"] for poll in polls) / POLLED * 1000
    details = f"{min(rates):.0f}-{max(rates):.0f} /s with {POLLED} accounts, CPU {cpu:.1f} ms each"
    if failed := [poll["failed"] for poll in polls if poll["failed"]]:
        return [Result(F9, None, f"{details}; failed: {failed}", {"polls": polls})]
    return [Result(F9, statistics.median(rates), details, {"polls": polls})]


def _polled(world: World, store: Store, trip: Trip) -> list[dict[str, Any]]:
    """Let one worker fetch every account, and then take the pace at which it polls them again."""
    # All accounts are at one server here, which in life they are not.
    where = store.environment(trip) | {"MUARA_CONNECTIONS_PER_HOST": str(POLLED)}
    log, polls = trip.folder / "log", []
    with running(COMMANDS["worker"], log=log, environment=os.environ | where, cwd=ROOT) as worker:
        for _ in range(world.rounds + 1):
            cpu = _cpu_of(worker.pid)
            ended = run([sys.executable, "-m", "bench.look", "polls"], where)
            polls.append(json.loads(ended.said) | {"cpu": _cpu_of(worker.pid) - cpu})
            say(f"  {polls[-1]}")
    return polls[1:]


def _cpu_of(process: int) -> float:
    """Return the seconds of the processor that a running process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
