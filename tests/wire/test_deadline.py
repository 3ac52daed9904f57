"""Steps end in time, whether nothing comes or too little."""

from __future__ import annotations

import time

import pytest

from wire.deadline import SLOWEST, Deadline


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
