"""Settings given in files, and values that cannot be used."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Settings = Callable[..., dict[str, Any]]
KEYS = "a:" + "A" * 43 + "="
SCALED_OUT = {
    "MUARA_REDIS_URL": "redis://127.0.0.1:1/0",
    "MUARA_DATABASE_URL": "postgres://muara@127.0.0.1:1/muara",
    "MUARA_SECRET_KEY": "x" * 50,
    "MUARA_CREDENTIAL_KEYS": KEYS,
    "MUARA_EMAIL_URL": "smtp://127.0.0.1:1",
}
ROOT = Path(__file__).resolve().parent.parent.parent
INTERRUPT = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.raise_signal(signal.SIGINT)
"""
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
    assert done.stdout.startswith("False 8123 ["), done.stderr
    assert "'a.example', 'b.example', 'localhost'" in done.stdout


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


@pytest.fixture
def read_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Lend a way to read the settings anew with variables of one's own."""

    def read(**variables: str) -> dict[str, Any]:
        for name in [name for name in os.environ if name.startswith("MUARA_")]:
            monkeypatch.delenv(name)
        own = {"MUARA_ENV_FILE": os.devnull, "MUARA_DATA": str(tmp_path / "var")}
        for name, value in (own | variables).items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(ROOT / "aggregator" / "settings.py"))

    return read


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"MUARA_DATABASE_URL": "mysql://x/y"}, "MUARA_DATABASE_URL must look like postgres://"),
        ({"MUARA_DATABASE_URL": "postgres://"}, "MUARA_DATABASE_URL must look like postgres://"),
        ({"MUARA_DATABASE_URL": "sqlite://"}, "MUARA_DATABASE_URL must look like postgres://"),
        (SCALED_OUT | {"MUARA_DATABASE_URL": "sqlite:////x"}, "must name a PostgreSQL database"),
        ({"MUARA_REDIS_URL": "localhost:6379"}, "MUARA_REDIS_URL must look like redis://"),
        ({"MUARA_PROXY_COUNT": "-1"}, "MUARA_PROXY_COUNT is -1; write how many proxies"),
        ({"MUARA_SECRET_KEY": "short"}, "MUARA_SECRET_KEY is shorter than 32 characters; make one"),
        ({"MUARA_HOSTS": "a.example, https://b.example"}, "'https://b.example' is no host name"),
        ({"MUARA_HOSTS": "a.example:443"}, "'a.example:443' is no host name"),
        ({"MUARA_HOSTS": "*"}, "'*' is no host name"),
        ({"MUARA_EMAIL_FROM": "Muara"}, "MUARA_EMAIL_FROM is 'Muara'; write an address such as"),
        ({"MUARA_URL": "https://a.example/mail"}, "MUARA_URL must look like"),
        ({"MUARA_URL": "http://[::1"}, "MUARA_URL must look like"),
        ({"MUARA_PORT": "eighty"}, "MUARA_PORT must be a whole number; mend it and start again."),
        ({"MUARA_ENV_FILE": "/nowhere/.env"}, "MUARA_ENV_FILE names /nowhere/.env, which is not"),
        ({"MUARA_ENV_FILE": "/"}, "/ cannot be read"),
        ({"MUARA_PORT_FILE": "/nowhere"}, "MUARA_PORT_FILE names /nowhere, which cannot be read"),
        ({"MUARA_PROT": "80"}, "There is no variable MUARA_PROT; did you mean MUARA_PORT?"),
        ({"MUARA_URL_FLIE": "x"}, "MUARA_URL_FLIE; did you mean MUARA_URL_FILE?"),
        ({"MUARA_QQQQQQ": "x"}, "MUARA_QQQQQQ; .env.example lists all there are."),
        ({"MUARA_DATA": "/proc/foo"}, "/proc/foo/keys/secret.key cannot be used"),
        ({"MUARA_CREDENTIAL_KEYS": "a:short"}, "MUARA_CREDENTIAL_KEYS cannot be read, as key"),
    ],
)
def test_what_is_wrong_and_what_to_do_is_said_in_one_sentence(
    read_settings: Settings, variables: dict[str, str], says: str
) -> None:
    words = refusal(read_settings, **variables)
    assert says in words
    assert "was made with" not in words


def refusal(read_settings: Settings, **variables: str) -> str:
    with pytest.raises(SystemExit) as end:
        read_settings(**variables)
    words = str(end.value)
    assert words.startswith("muara: ")
    assert len(words.splitlines()) == 1
    assert ".." not in words.replace("/..", "")
    assert ". " not in words, "more than one sentence"
    return words


@pytest.mark.parametrize(
    ("package", "variable"), [("psycopg", "MUARA_DATABASE_URL"), ("redis", "MUARA_REDIS_URL")]
)
def test_a_server_without_its_packages_is_told_how_to_get_them(
    read_settings: Settings, monkeypatch: pytest.MonkeyPatch, package: str, variable: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    words = refusal(read_settings, **SCALED_OUT)
    assert variable in words
    assert "pip install --require-hashes --requirement locks/server.txt" in words


def test_the_scaled_out_shape_takes_what_is_well_written(read_settings: Settings) -> None:
    settings = read_settings(**SCALED_OUT, MUARA_EMAIL_FROM="Muara <muara@intranet>")
    assert settings["DATABASES"]["default"]["NAME"] == "muara"
    assert settings["DEFAULT_FROM_EMAIL"] == "Muara <muara@intranet>"


def test_a_named_sqlite_file_is_written_as_carefully_as_our_own(
    read_settings: Settings, tmp_path: Path
) -> None:
    usual = read_settings()["DATABASES"]["default"]
    named = read_settings(MUARA_DATABASE_URL=f"sqlite:///{tmp_path}/mail.db")["DATABASES"][
        "default"
    ]
    assert named == usual | {"NAME": f"{tmp_path}/mail.db"}


def test_a_mistyped_name_in_the_env_file_is_found(read_settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("MUARA_SINGUP=false\n")
    assert "did you mean MUARA_SIGNUP?" in refusal(read_settings, MUARA_ENV_FILE=str(file))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("MUARA_PORT 8001\n", 1),
        ("# ours\n\nMUARA_PORT=8001\n\nMUARA_SIGNUP\n", 5),
        ("MUARA_PORT=8001\n'half\n", 2),
        ('MUARA_EMAIL_FROM="half\nMUARA_PORT=8001\n', 1),
    ],
)
def test_a_malformed_line_of_the_env_file_is_named_by_file_and_number(
    read_settings: Settings, tmp_path: Path, text: str, line: int
) -> None:
    file = tmp_path / "env"
    file.write_text(text)
    words = refusal(read_settings, MUARA_ENV_FILE=str(file))
    assert f"{file} cannot be used, as its line {line} does not read NAME=value" in words
    assert "8001" not in words, "a line may hold a secret"


def test_a_well_written_env_file_is_taken(read_settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("# ours\nexport MUARA_PORT = 8001 # here\n\nMUARA_HOSTS=\nOTHER='a b'\n")
    assert read_settings(MUARA_ENV_FILE=str(file))["MUARA_PORT"] == 8001


@pytest.mark.parametrize("name", ["secret.key", "credential.keys"])
def test_a_key_that_others_can_read_is_refused_until_it_is_closed(
    read_settings: Settings, tmp_path: Path, name: str
) -> None:
    read_settings()
    key = tmp_path / "var" / "keys" / name
    key.chmod(0o644)
    assert f"run chmod 600 {key} and start again" in refusal(read_settings)
    key.chmod(0o600)
    assert read_settings()["SECRET_KEY"]


def test_a_broken_key_file_is_called_by_its_name(read_settings: Settings, tmp_path: Path) -> None:
    read_settings()
    key = tmp_path / "var" / "keys" / "credential.keys"
    for text, says in (("a:short\n", "cannot be read, as key number 1"), ("\n", "is empty")):
        key.write_text(text)
        words = refusal(read_settings)
        assert f"{key} {says}" in words
        assert "MUARA_CREDENTIAL_KEYS" not in words


def test_every_address_of_this_machine_may_ask_wherever_the_site_lives(
    read_settings: Settings,
) -> None:
    hosts = read_settings(MUARA_URL="https://mail.example.org:8443")["ALLOWED_HOSTS"]
    assert set(hosts) == {"mail.example.org", "localhost", "127.0.0.1", "[::1]"}


@pytest.mark.parametrize("words", [["fetchmail", "--all"], ["fetchmail", "--all", "--json"]])
def test_an_interrupt_while_a_command_begins_is_one_sentence(
    tmp_path: Path, words: list[str]
) -> None:
    # Its settings are the first of much that a command imports.
    (tmp_path / "slow_settings.py").write_text(INTERRUPT)
    own = {"DJANGO_SETTINGS_MODULE": "slow_settings", "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=os.environ | own,
        capture_output=True,
        text=True,
        check=False,
    )
    sentence = "muara: Stopped."
    if "--json" in words:
        sentence = json.dumps({"ok": False, "error": sentence})
    assert (done.returncode, done.stdout + done.stderr) == (130, f"{sentence}\n")
