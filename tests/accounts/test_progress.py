"""How far fetching is, as people read it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from accounts.models import ExternalAccount
from accounts.progress import Progress, progress_of, together

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
GIB = 1024**3


def words(**fields: object) -> str:
    known = {"done": 41_200, "total": 100_000, "octets": 0, "octets_total": 0} | fields
    return str(Progress(**known)).replace("\xa0", " ")  # type: ignore[arg-type]  # by keyword


def test_messages_bytes_rate_and_time_left_are_said() -> None:
    said = words(
        octets=int(2.1 * GIB),
        octets_total=int(5.3 * GIB),
        rate=3 * 1024**2,
        left=timedelta(hours=2),
    )
    assert said == "41,200 of 100,000 messages · 2.1 of 5.3 GB · 3.0 MB/s · about 2 h left"
    assert words() == "41,200 of 100,000 messages"
    assert "900.0 KB of 1.0 GB" in words(octets=900 * 1024, octets_total=GIB)
    with translation.override("id"):
        assert (
            words(left=timedelta(minutes=7)) == "41.200 dari 100.000 pesan · sekitar 7 menit lagi"
        )


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (timedelta(0), "less than a minute left"),
        (timedelta(seconds=61), "about 2 min left"),
        (timedelta(minutes=59), "about 59 min left"),
        (timedelta(minutes=84), "about 1 h 20 min left"),
        (timedelta(hours=26, minutes=10), "about 26 h left"),
        (timedelta(days=3, hours=4), "about 3 d 4 h left"),
    ],
)
def test_the_time_left_is_said_as_exactly_as_it_is_known(left: timedelta, said: str) -> None:
    assert words(left=left).endswith(said)


def test_the_words_round_by_less_than_a_tenth() -> None:
    for minutes in range(10, 6000, 7):
        said = words(left=timedelta(minutes=minutes)).split("about ")[1].split(" ")
        units = {"min": 1, "h": 60, "d": 24 * 60}
        told = sum(int(n) * units[unit] for n, unit in zip(said[::2], said[1::2], strict=False))
        assert abs(told - minutes) <= minutes / 10, said


def test_an_account_at_rest_has_no_progress_and_sizes_that_lie_never_exceed_the_total() -> None:
    assert progress_of(ExternalAccount(), now=NOW) is None
    lying = ExternalAccount(
        progress_done=1,
        progress_total=3,
        progress_octets=500,
        progress_octets_total=300,
        progress_ends_at=NOW - timedelta(minutes=1),
    )
    assert progress_of(lying, now=NOW) == Progress(1, 3, 500, 500, 0, timedelta(0))


def test_several_accounts_add_up_and_end_with_the_last() -> None:
    one = Progress(10, 100, 1000, 2000, 50, timedelta(minutes=3))
    other = Progress(1, 5, 10, 20)
    assert together([one, None]) is None
    assert together([one, None, other]) == Progress(11, 105, 1010, 2020, 50, timedelta(minutes=3))
    assert one.share == one.tenths == 10
    assert Progress(199, 200, 0, 0).tenths == 90
