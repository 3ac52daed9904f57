"""Row F10: many accounts in one go, beside many runs of mpop side by side."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from time import perf_counter

from bench.boxes import Box
from bench.muara import MANAGE, count_found
from bench.peers.programs import count_files, mpop_command
from bench.report import Goal, Result
from bench.rows.fetches import ratio
from bench.trips import Outcome, Trip, cpu_of_children, expect, run
from bench.world import World, rounds

ACCOUNTS = 50
LETTERS = 200
SIDE_BY_SIDE = 25
FAR = 50

F10 = Goal("F10", "50 accounts x 200 small, 50 ms, against 25 mpop", "x", 1.0, 0.6)


def f10(world: World) -> list[Result]:
    """Measure F10; both are timed as processes, their start included."""
    boxes = [world.boxes.small(LETTERS, f"many{number}x") for number in range(ACCOUNTS)]
    together = Box("many", ACCOUNTS * LETTERS, sum(box.octets for box in boxes))

    def muara(trip: Trip) -> Outcome:
        users = {box.user: box.user for box in boxes}
        where = world.stores.new(trip.folder / "data", users).environment(trip)
        ended = run([*MANAGE, "fetchmail", "--all"], where)
        expect(count_found(where), together, "Muara")
        return Outcome(ended.seconds, ended.cpu)

    def mpops(trip: Trip) -> Outcome:
        return _mpops(trip, boxes)

    rounds(world, together, FAR, {"mpop, not counted": mpops}, 1)
    times = rounds(world, together, FAR, {"mpop": mpops, "Muara": muara}, world.rounds)
    return [ratio(F10, times, "mpop")]


def _mpops(trip: Trip, boxes: list[Box]) -> Outcome:
    trips = [replace(trip, box=box, folder=trip.folder / box.user) for box in boxes]
    for one in trips:
        one.folder.mkdir()
    commands = [mpop_command(one) for one in trips]
    began, cpu = perf_counter(), cpu_of_children()
    with ThreadPoolExecutor(SIDE_BY_SIDE) as side_by_side:
        list(side_by_side.map(run, commands))
    seconds = perf_counter() - began
    came = sum(count_files(one.folder / "mail") for one in trips)
    expect(came, replace(trip.box, count=len(boxes) * LETTERS), "mpop")
    return Outcome(seconds, cpu_of_children() - cpu)
