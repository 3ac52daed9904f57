"""How many commands fly: bounded by count and octets, refilled at half."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from wire.window import Window


@dataclass(frozen=True)
class Parcel:
    number: int
    size: int


def parcels(*sizes: int) -> list[Parcel]:
    return [Parcel(number, size) for number, size in enumerate(sizes)]


def test_a_window_fills_up_to_its_count_and_again_at_half() -> None:
    items = parcels(*[1] * 10)
    window = Window(items, count=4, octets=100)
    assert window.refill() == items[:4]
    assert window.land() == items[0]
    assert window.refill() == []
    window.land()
    assert window.refill() == items[4:6]


def test_items_are_taken_one_ahead_of_their_turn() -> None:
    items = iter(parcels(*[1] * 10))
    window = Window(items, count=4, octets=100)
    assert len(window.refill()) == 4
    assert len(list(items)) == 5


def test_the_octets_behind_the_message_being_read_are_bounded() -> None:
    items = parcels(90, 60, 30, 20, 5)
    window = Window(items, count=10, octets=100)
    assert window.refill() == items[:3]
    window.land()
    assert window.refill() == items[3:], "30 is less than half"


def test_a_message_beyond_all_bounds_flies_alone() -> None:
    window = Window(parcels(10**15, 10**15), count=10, octets=100)
    assert len(window.refill()) == 1
    assert window.refill() == []


def test_lock_step_is_a_window_of_one() -> None:
    window = Window(parcels(1, 1), count=1, octets=float("inf"))
    assert len(window.refill()) == 1
    assert window.refill() == []
    window.land()
    assert not window.in_flight
    assert len(window.refill()) == 1


@given(
    sizes=st.lists(st.integers(0, 10**15), max_size=50),
    count=st.integers(1, 8),
    octets=st.integers(0, 10**9),
)
def test_every_item_is_asked_for_once_and_lands_in_order(
    sizes: list[int], count: int, octets: int
) -> None:
    items = parcels(*sizes)
    window = Window(items, count=count, octets=octets)
    asked: list[Parcel] = []
    landed: list[Parcel] = []
    while window:
        asked += window.refill()
        flying = asked[len(landed) :]
        assert 1 <= len(flying) <= count
        assert sum(item.size for item in flying[1:]) <= octets
        landed.append(window.land())
    assert asked == landed == items
