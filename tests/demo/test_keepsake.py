"""The demo's memory of its first start."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from demo.keepsake import FILE, NotADemo, remember

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
LATER = datetime(2026, 6, 1, tzinfo=UTC)


def test_a_second_start_finds_the_same_sign_in(tmp_path: Path) -> None:
    first = remember(tmp_path / "demo", now=NOW)
    assert remember(tmp_path / "demo", now=LATER) == first
    assert first.born_at == NOW


def test_only_its_owner_can_read_the_passwords(tmp_path: Path) -> None:
    keepsake = remember(tmp_path, now=NOW)
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert keepsake.password not in repr(keepsake)


def test_a_folder_with_real_mail_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "muara.sqlite3").touch()
    with pytest.raises(NotADemo, match="no demo has made"):
        remember(tmp_path, now=NOW)
    assert not (tmp_path / FILE).exists()


def test_a_damaged_keepsake_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{}")
    with pytest.raises(NotADemo, match="Remove"):
        remember(tmp_path, now=NOW)
