"""The commands do what the pages do, say what they did, and end with an honest code."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import pytest
from django.contrib.auth import authenticate
from django.core.management import (
    CommandError,
    call_command,
    execute_from_command_line,
    get_commands,
    load_command_class,
)
from django.db import connection
from django.test import Client
from pytest_django import Settings

import accounts
import aggregator
import fetcher
import mailstore
from accounts import vault
from accounts.management.base import JsonCommand
from accounts.models import Credential, ExternalAccount, Probe, User
from accounts.onboarding import NewAccount
from accounts.preparing import preparing
from tests.accounts.test_onboarding import SECRET, server
from tests.builders import make_account, make_user

__all__ = ["server"]
Server = Callable[..., NewAccount]
STRONG = "plum-anchor-lantern-42"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let a text be what stands in standard input."""
    return lambda text: monkeypatch.setattr(sys, "stdin", io.StringIO(text))


Typed = Callable[[str], None]


def _run(*words: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(*words, stdout=out, stderr=err)
    except CommandError as error:
        return error.returncode, out.getvalue(), str(error)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


@pytest.mark.django_db(transaction=True)
def test_a_command_waits_while_a_start_prepares_the_database(
    typed: Typed, settings: Settings, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings.MUARA_DATA = tmp_path
    typed(STRONG)
    ended, said = Event(), ""

    def add() -> None:
        try:
            call_command("adduser", "siti@muara.example", "--password-stdin")
        finally:
            connection.close()
            ended.set()

    with preparing():
        Thread(target=add).start()
        while "waiting until that is done" not in said:
            assert not ended.wait(0.01)
            said += capfd.readouterr().err
        assert not User.objects.exists()
    assert ended.wait(30)
    assert User.objects.get().email == "siti@muara.example"


@pytest.mark.django_db
def test_a_person_made_by_command_signs_in_at_once(typed: Typed, client: Client) -> None:
    typed(f"{STRONG}\n")
    code, out, _ = _run("adduser", "Siti@Example.org", "--admin", "--password-stdin", "--json")
    assert code == 0
    assert json.loads(out)["email"] == "siti@example.org"
    answer = client.post("/auth/login/", {"login": "Siti@example.org", "password": STRONG})
    assert answer["Location"] == "/mail/"
    assert User.objects.get().is_superuser


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("email", "password", "code"),
    [
        *(("alice@EXAMPLE.org", STRONG, 1), ("no address", STRONG, 2)),
        *(("new@example.org", "short", 1), ("new@example.org", "", 2)),
    ],
)
def test_a_bad_person_is_refused(typed: Typed, email: str, password: str, code: int) -> None:
    make_user()
    typed(password)
    ended, _, told = _run("adduser", email, "--password-stdin")
    assert ended == code
    assert "onstraint" not in told
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_a_person_without_admin_has_no_rights(typed: Typed) -> None:
    typed(STRONG)
    assert _run("adduser", "new@example.org", "--password-stdin")[0] == 0
    person = authenticate(email="new@example.org", password=STRONG)
    assert isinstance(person, User)
    assert not person.is_staff


def _words(wanted: NewAccount, *more: str) -> list[str]:
    return [
        *("addaccount", "--owner", "alice@example.org", "--protocol", "pop3", "--password-stdin"),
        *("--address", wanted.address, "--username", wanted.username, "--host", wanted.host),
        *("--port", str(wanted.port), "--security", wanted.security, *more),
    ]


@pytest.mark.servers
@pytest.mark.django_db
def test_an_account_is_tested_added_and_named_by_its_id(server: Server, typed: Typed) -> None:
    make_user()
    typed(f"{SECRET}\n")
    words = _words(server(2), "--name", "Work", "--delete-after-days", "7")
    code, out, _ = _run(*words)
    account = ExternalAccount.objects.get()
    assert (code, out.strip()) == (0, str(account.public_id))
    assert (account.name, account.incoming.delete_after_days) == ("Work", 7)


@pytest.mark.servers
@pytest.mark.django_db
def test_a_refused_password_is_told_in_words(server: Server, typed: Typed) -> None:
    make_user()
    typed("wrong")
    code, out, err = _run(*_words(server()))
    assert (code, out) == (1, "")
    assert "did not accept this user name and password" in err
    typed("wrong")
    code, out, _ = _run(*_words(server(), "--json"))
    assert (code, json.loads(out)["code"]) == (1, "auth.failed")
    assert "did not accept" in json.loads(out)["error"]
    assert not ExternalAccount.objects.exists()


@pytest.mark.servers
@pytest.mark.django_db
def test_tests_by_command_use_up_none_of_the_hour(server: Server, typed: Typed) -> None:
    make_user()
    words = _words(server())
    for password, code in (("wrong", 1), (SECRET, 0)):
        typed(password)
        assert _run(*words)[0] == code
        assert not Probe.objects.exists()  # The limits count these rows.


@pytest.mark.django_db
def test_a_wrong_port_and_a_missing_owner_are_wrong_calls(typed: Typed) -> None:
    wanted = ["--address", "a@b.example", "--host", "pop.example.org", "--security", "tls"]
    words = ["addaccount", "--protocol", "pop3", "--username", "a", "--password-stdin", *wanted]
    typed(SECRET)
    assert _run(*words, "--owner", "nobody@example.org", "--port", "995")[0] == 2
    make_user()
    code, _, told = _run(*words, "--owner", "alice@example.org", "--port", "111")
    assert code == 2
    assert "995" in told
    assert "IMAP" not in told
    assert not Probe.objects.exists()


@pytest.mark.django_db
def test_plain_is_refused_by_the_persons_plan_beside_the_other_errors(typed: Typed) -> None:
    make_user()
    typed(SECRET)
    code, _, told = _run(
        *("addaccount", "--owner", "alice@example.org", "--protocol", "pop3", "--password-stdin"),
        *("--address", "a@b.example", "--username", "a", "--host", "192.168.1.1"),
        *("--port", "995", "--security", "plain"),
    )
    assert code == 2
    assert "security: The plan of this person does not allow unencrypted connections" in told
    assert "an administrator" in told
    assert "port: For POP3, only ports 110 and 995" in told
    assert "host: 192.168.1.1 can't be used here." in told
    assert "valid choice" not in told


@pytest.mark.django_db
def test_an_address_that_is_there_already_is_told(typed: Typed) -> None:
    make_account(make_user(), address="a@b.example")
    typed(SECRET)
    words = ["--address", "a@b.example", "--host", "pop.example.org", "--security", "tls"]
    code, _, err = _run(
        *("addaccount", "--protocol", "pop3", "--username", "a", "--password-stdin", *words),
        *("--owner", "alice@example.org", "--port", "995"),
    )
    assert code == 1
    assert "already added" in err


@pytest.mark.django_db
def test_keys_are_rotated_and_a_missing_one_ends_with_an_error(settings: Settings) -> None:
    make_account(make_user())
    keys = settings.MUARA_KEYS
    new = vault.read_keys([vault.new_key()])
    settings.MUARA_KEYS = new
    code, _, err = _run("rotatekeys")
    assert code == 1
    assert "--lost" in err
    settings.MUARA_KEYS = (*new, *keys)
    code, out, _ = _run("rotatekeys", "--json")
    assert (code, json.loads(out)["resealed"]) == (0, 1)
    assert _run("rotatekeys")[0] == 0


class Terminal(io.StringIO):
    """A person at a keyboard."""

    def isatty(self) -> bool:
        return True


@pytest.mark.django_db
def test_lost_secrets_are_forgotten_only_when_somebody_agrees(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, typed: Typed
) -> None:
    make_account(make_user())
    settings.MUARA_KEYS = vault.read_keys([vault.new_key()])
    typed("y\n")
    code, _, err = _run("rotatekeys", "--lost")
    assert (code, "--yes" in err) == (2, True)
    code, out, _ = _run("rotatekeys", "--lost", "--json")
    assert (code, "--yes" in json.loads(out)["error"]) == (2, True)
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    assert _run("rotatekeys", "--lost")[0] == 1
    assert Credential.objects.exists()
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    code, out, _ = _run("rotatekeys", "--lost")
    assert (code, "1 secrets open with no key" in out) == (0, True)
    assert not Credential.objects.exists()
    code, out, _ = _run("rotatekeys", "--lost", "--json")
    assert (code, json.loads(out)["forgotten"]) == (0, 0)


@pytest.mark.django_db
def test_lost_secrets_are_forgotten_without_asking_after_yes(settings: Settings) -> None:
    make_account(make_user())
    settings.MUARA_KEYS = vault.read_keys([vault.new_key()])
    code, out, _ = _run("rotatekeys", "--lost", "--yes", "--json")
    assert (code, json.loads(out)["forgotten"]) == (0, 1)


OURS = {app.__name__ for app in (accounts, aggregator, fetcher, mailstore)}
BY_MACHINE = sorted(
    name
    for name, app in get_commands().items()
    if app in OURS and isinstance(load_command_class(str(app), name), JsonCommand)
)


def _shell(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Run as a shell does; return exit code, standard output and standard error."""
    with pytest.raises(SystemExit) as end:
        execute_from_command_line(["manage.py", *words])
    out, err = capsys.readouterr()
    return int(str(end.value.code)), out, err


def test_every_command_with_json_is_of_the_one_kind() -> None:
    for name, app in get_commands().items():
        if app in OURS:
            command = load_command_class(str(app), name)
            options = command.create_parser("manage.py", name).format_help()
            assert ("--json" in options) == (name in BY_MACHINE), name
    assert "fetchmail" in BY_MACHINE


@pytest.mark.parametrize("name", BY_MACHINE)
def test_a_wrong_call_is_told_as_json_too(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = _shell(capsys, name, "--json", "--nonsense")
    told = json.loads(out)
    assert (code, err, told["ok"]) == (2, "", False)
    assert told["error"].endswith(".")
    assert len(told["error"].splitlines()) == 1
    code, out, err = _shell(capsys, name, "--nonsense")
    assert (code, out) == (2, "")
    assert "usage: " in err


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["adduser", "alice@example.org", "--password-stdin"], 1, "There is already a person"),
        (["fetchmail", "no-id"], 2, "There is no account no-id"),
        (["checkstore", "--owner", "a@b.example"], 2, "There is nobody with the address"),
        (["reindex", "--owner", "a@b.example"], 2, "There is nobody with the address"),
        (["exportmail", "--owner", "a@b.example", "--format", "eml", "x"], 2, "There is nobody"),
    ],
)
def test_a_refusal_has_the_same_words_and_code_for_people_and_machines(
    words: list[str], code: int, says: str, typed: Typed, capsys: pytest.CaptureFixture[str]
) -> None:
    make_user()
    typed(STRONG)
    ended, out, err = _shell(capsys, *words)
    assert (ended, out) == (code, "")
    assert err.startswith(f"muara: {says}")
    typed(STRONG)
    ended, out, machine_err = _shell(capsys, *words, "--json")
    assert (ended, machine_err) == (code, "")
    assert f"muara: {json.loads(out)['error']}\n" == err


def test_a_database_that_was_never_made_is_no_traceback(tmp_path: Path) -> None:
    done = _manage("checkstore", "--owner", "a@b.example", MUARA_DATA=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "run manage.py migrate first" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_bad_settings_are_told_as_json_too(tmp_path: Path) -> None:
    done = _manage("fetchmail", "--all", "--json", MUARA_PORT="0", MUARA_DATA=str(tmp_path))
    assert (done.returncode, done.stderr) == (1, "")
    assert "MUARA_PORT" in json.loads(done.stdout)["error"]


def _manage(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a process of its own."""
    own = {"DJANGO_SETTINGS_MODULE": "aggregator.settings", "MUARA_DATABASE_URL": ""}
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=Path(str(aggregator.__file__)).parent.parent,
        env=os.environ | own | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", ["adduser", "addaccount", "rotatekeys"])
def test_each_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        call_command(name, "--help")
    assert end.value.code == 0
    assert "Exits with 0" in " ".join(capsys.readouterr().out.split())
