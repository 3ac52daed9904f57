"""Steps end in time, whether nothing comes or too little."""

from __future__ import annotations

import time

import pytest

from wire.deadline import SLOWEST, STEADY, Deadline


def test_a_step_ends_before_its_session() -> None:
    deadline = Deadline(100)
    deadline.allow(10)
    assert 9 < deadline.left() <= 10


def test_a_session_ends_whatever_its_steps_are_allowed() -> None:
    deadline = Deadline(10)
    deadline.allow(100)
    assert 9 < deadline.left() <= 10


def test_nothing_left_is_a_timeout() -> None:
    deadline = Deadline(10)
    deadline.allow(0)
    with pytest.raises(TimeoutError):
        deadline.left()


def test_octets_prolong_a_step_by_the_slowest_pace_we_bear() -> None:
    deadline = Deadline(1000)
    deadline.allow(10)
    time.sleep(0.05)
    before = deadline.left()
    deadline.earn(SLOWEST // 100)
    assert 0 < deadline.left() - before <= 0.011


def test_many_octets_at_once_buy_no_long_silence_later() -> None:
    deadline = Deadline(1000)
    deadline.allow(10)
    deadline.earn(10**9)
    assert deadline.left() <= 10


def lasts(deadline: Deadline, octets: int) -> float:
    """Let so many octets arrive fifty times a second; return after how long time is up."""
    began = time.monotonic()
    try:
        while deadline.left():
            time.sleep(0.02)
            deadline.earn(octets)
    except TimeoutError:
        return time.monotonic() - began
    return 0


def test_what_comes_steadily_may_outlast_the_session_but_not_for_ever() -> None:
    deadline = Deadline(0.2, overtime=0.2)
    deadline.allow(0.1)
    assert lasts(deadline, STEADY) >= 0.4
    assert deadline.session_left() == 0


def test_what_trickles_ends_with_its_session() -> None:
    deadline = Deadline(0.2, overtime=60)
    assert 0 < lasts(deadline, SLOWEST // 100) < 30
