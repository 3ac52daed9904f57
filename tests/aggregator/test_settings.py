"""Settings given in files, and values that cannot be used."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SHOW = "from aggregator import settings as s; print(s.SIGNUP_OPEN, s.MUARA_PORT, s.ALLOWED_HOSTS)"


def load(tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MUARA_")}
    own = {"MUARA_ENV_FILE": os.devnull, "MUARA_DATA": str(tmp_path / "var")}
    return subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=ROOT,
        env=kept | own | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_value_in_a_file_means_what_the_variable_would_mean(tmp_path: Path) -> None:
    for name, text in (("signup", "false\n"), ("port", "8123\n"), ("hosts", "a.example,b.example")):
        (tmp_path / name).write_text(text)
    names = {f"MUARA_{name.upper()}_FILE": str(tmp_path / name) for name in ("signup", "port")}
    done = load(tmp_path, **names, MUARA_HOSTS_FILE=str(tmp_path / "hosts"))
    assert done.stdout.startswith("False 8123 ['a.example', 'b.example', 'localhost'"), done.stderr


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MUARA_TIME_ZONE", "Mars/X"),
        ("MUARA_EMAIL_URL", "foo"),
        ("MUARA_EMAIL_URL", "smtp://x:y"),
        ("MUARA_SIGNUP", "ture"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_without_a_traceback(
    tmp_path: Path, variable: str, value: str
) -> None:
    done = load(tmp_path, **{variable: value})
    assert done.returncode != 0
    assert variable in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
