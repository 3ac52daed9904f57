"""Rows F1 to F6 and F11: whole mailboxes fetched, beside other programs and the bare wire."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import replace

from bench.boxes import Box
from bench.muara import fetching
from bench.peers import programs
from bench.report import Goal, Result
from bench.trips import Outcome, Peer, Trip
from bench.world import Times, World, rounds

# Whoever waits for every message takes minutes, and is hardly disturbed by anything else.
SLOW_ROUNDS = 1

F1 = Goal("F1", "mix1000, 0 ms, SQLite, against the wire", "x", 1.6, 1.1)
F2 = Goal("F2", "mix1000, 0 ms, PostgreSQL, against the wire", "x", 2.5, 1.6)
F3 = Goal("F3", "small2000, 50 ms, against mpop", "x", 0.5, 0.25)
F4 = Goal("F4", "mix1000, 50 ms, against mpop", "x", 1.0, 0.88)
F5 = {
    name: Goal("F5", f"mix300, 50 ms, faster than {name}", "x", must, aim, is_floor=True)
    for name, must, aim in (("getmail6", 9, 13), ("fetchmail", 15, 20), ("django-mailbox", 22, 27))
}
F6 = {
    name: Goal("F6", f"small500, 50 ms, faster than {name}", "x", must, aim, is_floor=True)
    for name, must, aim in (
        ("poplib loop", 30, 43),
        ("fetchmail", 50, 75),
        ("django-mailbox", 70, 105),
    )
}
F11 = Goal("F11", "most memory of the process that fetches mix1000", "MB", 200, 100)


def f1(world: World) -> list[Result]:
    """Measure F1, and F11 by the way."""
    times = _beside(world, world.boxes.mix(1000), 0, {"Muara": fetching(world.stores)})
    return [ratio(F1, times, "wire"), _memory(times["Muara"])]


def f2(world: World) -> list[Result]:
    """Measure F2."""
    muara = {"Muara": fetching(world.stores, "postgresql")}
    return [ratio(F2, _beside(world, world.boxes.mix(1000), 0, muara), "wire")]


def f3(world: World) -> list[Result]:
    """Measure F3."""
    muara = {"Muara": fetching(world.stores)}
    return [ratio(F3, _beside(world, world.boxes.small(2000), 50, muara), "mpop")]


def f4(world: World) -> list[Result]:
    """Measure F4."""
    muara = {"Muara": fetching(world.stores)}
    return [ratio(F4, _beside(world, world.boxes.mix(1000), 50, muara), "mpop")]


def f5(world: World) -> list[Result]:
    """Measure F5."""
    slow = {"getmail6": programs.getmail, "fetchmail": programs.fetchmail}
    return _how_much_faster(world, world.boxes.mix(300), F5, slow)


def f6(world: World) -> list[Result]:
    """Measure F6."""
    slow = {"poplib loop": programs.poplib_loop, "fetchmail": programs.fetchmail}
    return _how_much_faster(world, world.boxes.small(500), F6, slow)


def _beside(
    world: World, box: Box, milliseconds: int, muara: Mapping[str, Peer]
) -> dict[str, Times]:
    """Fetch with everything that is fast, after once without looking: the server's own caches."""
    rounds(world, box, milliseconds, {"wire": programs.wire}, 1)
    peers = {"wire": programs.wire, "mpop": programs.mpop, **muara}
    return rounds(world, box, milliseconds, peers, world.rounds)


def _how_much_faster(
    world: World, box: Box, goals: Mapping[str, Goal], slow: Mapping[str, Peer]
) -> list[Result]:
    fast = _beside(world, box, 50, {"Muara": fetching(world.stores)})
    all_slow = {**slow, "django-mailbox": _django_mailbox(world)}
    times = fast | rounds(world, box, 50, all_slow, SLOW_ROUNDS)
    return [ratio(goals[name], times, name, is_times_faster=True) for name in goals]


def _django_mailbox(world: World) -> Peer:
    """Give django-mailbox a copy of the box, which it empties."""

    def fetch(trip: Trip) -> Outcome:
        copy = world.boxes.copy(trip.box, "emptied")
        programs.wire(replace(trip, box=copy))
        return programs.django_mailbox(replace(trip, box=copy))

    return fetch


def ratio(
    goal: Goal, times: Mapping[str, Times], other: str, *, is_times_faster: bool = False
) -> Result:
    """Set Muara's time against another's, or the other way round."""
    details = "; ".join(f"{name} {time}" for name, time in times.items())
    seconds = {name: [one.seconds for one in time.outcomes] for name, time in times.items()}
    facts = {"seconds": seconds, "runs": [dict(one.facts) for one in times["Muara"].outcomes]}
    if times["Muara"].missing or times[other].missing:
        return Result(goal, None, details, facts)
    ratio = times["Muara"].seconds / times[other].seconds
    return Result(goal, 1 / ratio if is_times_faster else ratio, details, facts)


def _memory(muara: Times) -> Result:
    if muara.missing:
        return Result(F11, None, muara.missing)
    peaks = [outcome.facts["peak_rss_mb"] for outcome in muara.outcomes]
    return Result(F11, statistics.median(peaks), f"{min(peaks)}-{max(peaks)} MB", {"peaks": peaks})
