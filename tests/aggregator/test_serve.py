"""``manage.py serve`` as a person meets it: starts, refuses, heals and ends."""

from __future__ import annotations

import errno
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from aggregator import web
from aggregator.web import cannot_listen
from tests.servers.processes import answers, free_port, running, stop, wait_for

ROOT = Path(__file__).resolve().parent.parent.parent
SERVE = [sys.executable, str(ROOT / "manage.py"), "serve"]
SLOW = [
    *(sys.executable, "-c"),
    "import django; django.setup(); from aggregator.management.commands import serve;"
    "serve.SLOW_SECONDS = 0; from django.core.management import execute_from_command_line as run;"
    "run(['manage.py', 'serve'])",
]


def environment(data: Path, port: int, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MUARA_")}
    settings = {
        "DJANGO_SETTINGS_MODULE": "aggregator.settings",
        "MUARA_DATA": str(data),
        "MUARA_PORT": str(port),
    }
    return kept | settings | more


def health(port: int) -> dict[str, object]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        return dict(json.load(error))
    except OSError:
        return {"ok": False}


def refusal(data: Path, port: int, **more: str) -> str:
    """Run serve where it must refuse; return its words."""
    done = subprocess.run(
        SERVE,
        env=environment(data, port, **more),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    words = done.stderr + done.stdout
    assert done.returncode != 0, words
    assert "Traceback" not in words, words
    return words


def until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"did not come about within {seconds} s"
        time.sleep(0.1)


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def test_it_starts_heals_refuses_a_second_one_and_ends(tmp_path: Path) -> None:
    data, port, log = tmp_path / "var", free_port(), tmp_path / "log"
    settings = environment(data, port)
    with running(SERVE, log=log, environment=settings, cwd=ROOT) as process:
        ready = f"Muara is ready at http://localhost:{port}"
        wait_for(
            lambda: ready in log.read_text(), what="serve", log=log, process=process, seconds=60
        )
        assert health(port)["ok"] is True

        keys = sorted((data / "keys").iterdir())
        assert [key.name for key in keys] == ["credential.keys", "secret.key"]
        assert {key.stat().st_mode & 0o777 for key in keys} == {0o600}
        assert (data / "muara.sqlite3").stat().st_mode & 0o077 == 0

        assert refusal(data, free_port()).startswith("muara: Muara is already running")

        web = children(process.pid)[0]
        os.kill(web, signal.SIGKILL)
        until(lambda: "starting it again" in log.read_text(), 10)
        until(lambda: health(port)["ok"] is True, 20)

        assert stop(process) < 10
        assert process.returncode == 0
        assert "Muara has stopped." in log.read_text()
    assert "Traceback" not in log.read_text()

    with running(SERVE, log=log, environment=settings, cwd=ROOT) as process:
        wait_for(lambda: answers(port), what="serve", log=log, process=process)
        descendants = children(process.pid)
        process.kill()
        process.wait()
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in descendants), 15)

    (data / "keys" / "credential.keys").rename(tmp_path / "elsewhere")
    assert "put it back from your backup" in refusal(data, port)


def test_asking_for_help_makes_nothing(tmp_path: Path) -> None:
    data = tmp_path / "var"
    settings = environment(data, free_port())
    said = subprocess.run(
        [*SERVE, "--help"], env=settings, cwd=ROOT, check=True, text=True, capture_output=True
    ).stdout
    assert "Serve Muara" in said
    assert not data.exists()


def test_a_killed_worker_leaves_no_account_waiting(tmp_path: Path) -> None:
    data, port, log = tmp_path / "var", free_port(), tmp_path / "log"
    settings = environment(data, port)
    with running(SLOW, log=log, environment=settings, cwd=ROOT) as process:
        wait_for(lambda: answers(port), what="serve", log=log, process=process, seconds=60)
        until(lambda: health(port)["ok"] is True, 20)
        steps = ["Bringing", "Collecting", "Starting"]
        assert [line.split()[0] for line in log.read_text().splitlines()[:3]] == steps
        shell = [sys.executable, "manage.py", "shell", "--no-imports", "-c", OPEN_RUN]
        subprocess.run(shell, env=settings, cwd=ROOT, check=True)
        os.kill(children(process.pid)[1], signal.SIGKILL)
        until(lambda: closed_runs(data) == [("run.lost",)], 20)


OPEN_RUN = """
from datetime import timedelta
from django.utils import timezone
from fetcher.models import FetchRun
from tests.builders import make_account, make_user
now = timezone.now()
account = make_account(make_user(), next_fetch_at=now + timedelta(days=1))
lease = now + timedelta(days=1)
FetchRun.objects.create(account=account, opened_at=now, lease_until=lease, by_worker=True)
"""


def closed_runs(data: Path) -> list[tuple[str]]:
    with closing(sqlite3.connect(data / "muara.sqlite3")) as connection:
        rows = connection.execute("SELECT code FROM fetcher_fetchrun WHERE closed_at IS NOT NULL")
        return rows.fetchall()


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port := free_port())],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as other:
        until(lambda: answers(port), 10)
        words = refusal(tmp_path, port)
        other.terminate()
    assert f"muara: Port {port} of 127.0.0.1 is taken by another program" in words
    assert "MUARA_PORT" in words
    assert not (tmp_path / "muara.sqlite3").exists()


@pytest.mark.parametrize("host", ["no-such-name.invalid", "192.0.2.1"])
def test_an_address_of_no_use_is_told_before_anything_is_made(tmp_path: Path, host: str) -> None:
    words = refusal(tmp_path, free_port(), MUARA_BIND=host)
    assert words.startswith(f"muara: MUARA_BIND is '{host}', which is no address of this machine;")
    assert len(words.splitlines()) == 1
    assert "MUARA_PORT" not in words
    assert not (tmp_path / "muara.sqlite3").exists()


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        (errno.EACCES, "set MUARA_PORT to 1024 or more"),
        (errno.EADDRNOTAVAIL, "MUARA_BIND is '::1', which is no address of this machine"),
    ],
)
def test_each_reason_not_to_listen_has_its_own_words(trouble: int, says: str) -> None:
    assert says in cannot_listen("::1", 80, OSError(trouble, "no"))


def test_a_worker_that_never_beats_is_told_instead_of_ready(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    unwell = {"database": "ok", "worker": "never seen", "broker": "ok"}
    monkeypatch.setattr("aggregator.health.parts", lambda: unwell)
    monkeypatch.setattr(web, "READY_SECONDS", 0)
    web.announce("http://localhost:1")
    assert "not well yet: worker never seen" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("MUARA_PORT", "eighty", "MUARA_PORT"),
        ("MUARA_PORT", "99999", "between 1 and 65535"),
        ("MUARA_DEBUG", "ture", "MUARA_DEBUG"),
        ("MUARA_URL", "mail.example.org", "MUARA_URL"),
        ("MUARA_CONNECT_TO", "nonsense", "MUARA_CONNECT_TO"),
        ("MUARA_ALLOW_NETWORKS", "10.0.0.0/99", "MUARA_ALLOW_NETWORKS"),
        ("MUARA_CREDENTIAL_KEYS", "a:short", "MUARA_CREDENTIAL_KEYS"),
        ("MUARA_SECRET_KEY_FILE", "/nowhere/at/all", "MUARA_SECRET_KEY_FILE"),
        ("MUARA_REDIS_URL", "redis://127.0.0.1:1/0", "MUARA_SECRET_KEY"),
    ],
)
def test_a_bad_variable_is_named_in_one_sentence(
    tmp_path: Path, variable: str, value: str, says: str
) -> None:
    words = refusal(tmp_path, free_port(), **{variable: value})
    assert says in words
    assert len(words.strip().splitlines()) == 1, words


def test_the_scaled_out_shape_needs_a_way_to_send_mail(tmp_path: Path) -> None:
    words = refusal(
        tmp_path,
        free_port(),
        MUARA_REDIS_URL="redis://127.0.0.1:1/0",
        MUARA_SECRET_KEY="x" * 50,
        MUARA_CREDENTIAL_KEYS="a:" + "A" * 43 + "=",
        MUARA_DATABASE_URL="postgres://muara@127.0.0.1:1/muara",
    )
    assert "MUARA_EMAIL_URL is missing" in words


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    words = refusal(tmp_path / "file" / "var", free_port())
    assert str(tmp_path / "file") in words
    assert len(words.strip().splitlines()) == 1, words


def test_a_database_that_lacks_a_table_is_not_called_unwritable(tmp_path: Path) -> None:
    settings = environment(tmp_path, free_port())
    subprocess.run([*SERVE[:2], "migrate", "--verbosity=0"], env=settings, cwd=ROOT, check=True)
    with closing(sqlite3.connect(tmp_path / "muara.sqlite3")) as connection:
        connection.execute("DROP TABLE fetcher_fetchrun")
    words = refusal(tmp_path, free_port())
    assert "no such table: fetcher_fetchrun" in words
    assert "put it back from your backup" in words
    assert "writable" not in words


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    data = environment(tmp_path, free_port())
    subprocess.run([*SERVE[:2], "check"], env=data, cwd=ROOT, check=True, capture_output=True)
    (tmp_path / "muara.sqlite3").write_text("no database at all" * 99)
    words = refusal(tmp_path, free_port())
    assert "it is damaged, so put it back from your backup" in words
