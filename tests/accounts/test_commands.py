"""The commands do what the pages do, say what they did, and end with an honest code."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from accounts import vault
from accounts.models import ExternalAccount, Probe, User
from accounts.onboarding import NewAccount
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
        *(("alice@EXAMPLE.org", STRONG, 1), ("no address", STRONG, 1)),
        *(("new@example.org", "short", 1), ("new@example.org", "", 2)),
    ],
)
def test_a_bad_person_is_refused(typed: Typed, email: str, password: str, code: int) -> None:
    make_user()
    typed(password)
    ended, _, told = _run("adduser", email, "--password-stdin")
    assert ended == code
    assert told
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
    assert not ExternalAccount.objects.exists()


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
    assert not Probe.objects.exists()


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


@pytest.mark.parametrize("name", ["adduser", "addaccount", "rotatekeys"])
def test_each_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        call_command(name, "--help")
    assert end.value.code == 0
    assert "Exits with 0" in " ".join(capsys.readouterr().out.split())
