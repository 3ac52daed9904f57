"""Keys are made once, whole, however many first starts there are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from aggregator.keyfiles import read_or_make

STARTS = 8


def test_first_starts_at_once_all_use_the_one_key_that_was_there_first(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "secret.key"
    everybody = Barrier(STARTS, timeout=10)

    def start(number: int) -> str:
        def make() -> str:
            everybody.wait()  # Each has found that there is no key yet.
            return f"key {number}"

        return read_or_make(path, make, may_make=True)

    with ThreadPoolExecutor(STARTS) as starts:
        keys = set(starts.map(start, range(STARTS)))
    assert keys == {path.read_text().strip()}
    assert [file.name for file in path.parent.iterdir()] == ["secret.key"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_key_that_is_being_written_is_not_seen_by_others(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"

    def make() -> str:
        assert not path.exists()
        return "whole"

    assert read_or_make(path, make, may_make=True) == "whole"
