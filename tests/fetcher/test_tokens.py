"""Fetching with the grant of a real provider: fetched, renewed, taken back, and given again."""

from __future__ import annotations

import ssl
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts import credentials, grants
from accounts.models import Credential, ExternalAccount, IncomingServer, Purpose, State
from fetcher.runs import run_fetch
from mailstore.models import Message
from tests.accounts.oauth import Person, age, at_both, make_app, prepared
from tests.builders import make_account, make_user
from tests.servers.certificates import HOST
from tests.servers.dovecot import Dovecot
from tests.servers.oidc import Oidc
from tests.servers.scripted import Pop3Server, says
from wire.errors import AuthenticationFailed, ServerBusy
from wire.login import TokenLogin
from wire.oauth import Dialect

pytestmark = pytest.mark.servers
LETTERS = [f"Subject: {n}\r\n\r\nHi\r\n".encode() for n in range(3)]


# One library suffices to show what is ours; where theirs do the work, both are tried.
BOTH = pytest.mark.parametrize("person", list(Dialect), indirect=True)


@pytest.fixture
def person(
    request: Any,
    oidc: Oidc,
    token_dovecot: Dovecot,
    authority_file: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    transactional_db: None,
) -> Person:
    monkeypatch.setenv("SSL_CERT_FILE", authority_file)
    settings.GUARD = at_both(oidc, token_dovecot.connect_to)
    oidc.plan()
    make_app(getattr(request, "param", Dialect.MICROSOFT))
    return Person(make_user(), oidc)


@pytest.fixture
def account(person: Person, token_dovecot: Dovecot, request: Any) -> ExternalAccount:
    address = f"tokens-{abs(hash(request.node.name))}@example.org"
    token_dovecot.deliver(address, *LETTERS)
    account = prepared(person.user, address)
    person.authenticate(account)
    account.refresh_from_db()
    assert account.state == State.ACTIVE
    return account


def token(account: ExternalAccount, **options: str) -> str:
    login = credentials.login_for(_fresh(account), Purpose.INCOMING, **options)
    assert isinstance(login, TokenLogin)
    return login.token


def _fresh(account: ExternalAccount) -> ExternalAccount:
    return ExternalAccount.objects.select_related("incoming").get(pk=account.pk)


def lapse_in(minutes: float) -> None:
    age(expires_at=timezone.now() + timedelta(minutes=minutes))


@BOTH
def test_a_token_fetches_and_is_renewed_ten_minutes_early(
    account: ExternalAccount, oidc: Oidc
) -> None:
    run_fetch(account.pk)
    assert Message.objects.count() == len(LETTERS)
    oidc.plan()
    first = token(account)
    lapse_in(11)
    assert token(account) == first
    assert oidc.asked() == 0
    lapse_in(9)
    second = token(account)
    assert second != first
    assert oidc.asked() == 1
    lapse_in(-1)
    assert token(account) not in {first, second}, "the rotated refresh token was kept"
    run_fetch(account.pk)
    assert _fresh(account).last_code == ""
    assert Message.objects.count() == len(LETTERS)


def test_fifty_at_once_ask_once(account: ExternalAccount, oidc: Oidc) -> None:
    lapse_in(-1)
    oidc.plan(delay=300)

    def one(_: int) -> str:
        try:
            return token(account)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(50) as pool:
        assert len(set(pool.map(one, range(50)))) == 1
    assert oidc.asked() == 1


@BOTH
def test_a_provider_in_trouble_is_left_alone_and_ends_no_grant(
    account: ExternalAccount, oidc: Oidc
) -> None:
    first = token(account)
    oidc.plan(down=True)
    lapse_in(5)
    assert token(account) == first, "what still lasts is used"
    lapse_in(-1)
    Credential.objects.update(lease_until=None)
    run_fetch(account.pk)
    seen = _fresh(account)
    assert (seen.state, seen.last_code) == (State.ACTIVE, "server.busy")
    assert seen.last_facts["host"] == "login.example.org"
    asked = oidc.asked()
    with pytest.raises(ServerBusy):
        token(account)
    assert oidc.asked() == asked, "not asked again within a minute"
    oidc.plan()
    Credential.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    run_fetch(account.pk)
    assert _fresh(account).last_code == ""


def test_a_token_that_the_server_refuses_is_renewed_once(
    account: ExternalAccount, oidc: Oidc
) -> None:
    age(access_token="not-one-that-the-provider-knows")
    oidc.plan()
    run_fetch(account.pk)
    assert _fresh(account).last_code == ""
    assert Message.objects.count() == len(LETTERS)
    assert oidc.asked() == 1


def test_a_grant_taken_back_asks_for_a_sign_in_which_keeps_everything(
    account: ExternalAccount, person: Person, token_dovecot: Dovecot, oidc: Oidc
) -> None:
    run_fetch(account.pk)
    oidc.revoke(account.address)
    run_fetch(account.pk)
    seen = _fresh(account)
    assert (seen.state, seen.last_code) == (State.NEEDS_SIGN_IN, "auth.grant")
    page = person.client.get("/settings/mail-accounts/").content.decode()
    assert f"/settings/mail-accounts/{account.public_id}/authenticate/" in page
    token_dovecot.deliver(account.address, b"Subject: meanwhile\r\n\r\nHi\r\n")
    person.authenticate(seen)
    again = _fresh(account)
    assert again.state == State.ACTIVE
    assert again.next_fetch_at is not None
    assert again.next_fetch_at <= timezone.now()
    run = run_fetch(account.pk)
    assert run is not None
    assert run.messages == 1
    assert Message.objects.count() == len(LETTERS) + 1
    page = person.client.get("/settings/mail-accounts/").content.decode()
    assert "1 message waited while fetching had stopped, and has arrived." in page


@BOTH
def test_a_grant_that_is_gone_is_told_when_it_is_renewed(
    account: ExternalAccount, oidc: Oidc
) -> None:
    oidc.revoke(account.address)
    lapse_in(-1)
    with pytest.raises(AuthenticationFailed) as gone:
        token(account)
    assert gone.value.code == "auth.grant"


def test_what_is_renewed_meanwhile_by_a_sign_in_stays(
    account: ExternalAccount, person: Person, oidc: Oidc
) -> None:
    """Whoever lost the lease saves nothing."""
    credential = grants._look(Credential.objects.get().pk)
    assert grants._claim(credential, timezone.now())
    person.authenticate(account)
    kept = token(account)
    grants._renew(credential, grants._open(credential))
    assert token(account) == kept


def test_idle_grants_are_renewed_weekly(account: ExternalAccount, oidc: Oidc) -> None:
    first = token(account)
    ExternalAccount.objects.update(state=State.PAUSED, next_fetch_at=None)
    assert grants.renew_idle(timezone.now()) == 0
    Credential.objects.update(renewed_at=timezone.now() - timedelta(days=8))
    assert grants.renew_idle(timezone.now()) == 1
    assert token(account) != first
    assert grants.renew_idle(timezone.now()) == 0


def test_imap_takes_the_same_grant_and_is_as_patient(account: ExternalAccount, oidc: Oidc) -> None:
    server = IncomingServer.objects.filter(account=account)
    server.update(protocol="imap", host="imap.example.org", port=993)
    run_fetch(account.pk)
    assert _fresh(account).last_code == ""
    assert Message.objects.count() == len(LETTERS)
    age(access_token="not-one-that-the-provider-knows")
    oidc.plan()
    run_fetch(account.pk)
    assert (_fresh(account).last_code, oidc.asked()) == ("", 1)
    oidc.revoke(account.address)
    run_fetch(account.pk)
    seen = _fresh(account)
    assert (seen.state, seen.last_code) == (State.NEEDS_SIGN_IN, "auth.grant")


NO_MORE = b"-ERR [AUTH] Basic authentication is disabled.\r\n"


@pytest.mark.django_db
def test_a_provider_that_takes_passwords_no_more_leads_to_its_own_sign_in(
    good: ssl.SSLContext,
    authority_file: str,
    settings: Settings,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", authority_file)
    owner = make_user()
    account = make_account(owner, host=HOST)
    with Pop3Server(context=good) as server:
        settings.GUARD = server.guard
        server.behave("PASS", says(NO_MORE))
        for _ in range(2):
            run_fetch(account.pk)
    seen = _fresh(account)
    assert (seen.state, seen.last_code) == (State.NEEDS_SIGN_IN, "auth.oauth")
    client.force_login(owner)
    page = client.get("/settings/mail-accounts/").content.decode()
    assert f"{HOST} no longer accepts passwords." in page
    assert f"/settings/mail-accounts/{account.public_id}/authenticate/" in page
    assert "Update password" not in page
