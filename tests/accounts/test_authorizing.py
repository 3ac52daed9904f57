"""Signing in at a real provider: the way there and back, and every way in which it may fail."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts import authorizing, authorizing_runs, credentials, setups
from accounts.models import Authorization, Credential, ExternalAccount, Probe, Purpose, State
from accounts.models.authorization import TripState
from accounts.refusals import AccountRefused
from tests.accounts.oauth import Person, at_both, make_app, prepared, work
from tests.builders import make_user
from tests.servers.dovecot import Dovecot
from tests.servers.oidc import Oidc
from wire.login import TokenLogin
from wire.oauth import Dialect

ADDRESS = "siti@example.org"
AUTHENTICATE = {"authenticate": "page"}
pytestmark = [pytest.mark.servers, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _world(
    oidc: Oidc,
    token_dovecot: Dovecot,
    authority_file: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", authority_file)
    settings.GUARD = at_both(oidc, token_dovecot.connect_to)
    token_dovecot.deliver(ADDRESS)
    oidc.plan()


@pytest.fixture
def siti(oidc: Oidc) -> Person:
    return Person(make_user(), oidc)


@pytest.fixture
def account(siti: Person) -> ExternalAccount:
    return prepared(siti.user, ADDRESS)


@pytest.mark.parametrize("dialect", Dialect)
def test_a_consent_lets_the_account_in_without_any_password(
    siti: Person, account: ExternalAccount, dialect: Dialect
) -> None:
    make_app(dialect)
    trip = siti.authenticate(account)
    assert (trip.state, trip.code) == (TripState.GRANTED, "")
    account.refresh_from_db()
    assert account.state == State.ACTIVE
    assert account.next_fetch_at is not None
    assert account.next_fetch_at <= timezone.now()
    login = credentials.login_for(account, Purpose.INCOMING)
    assert isinstance(login, TokenLogin)
    kept = Credential.objects.get()
    assert kept.app is not None
    assert login.token.encode() not in bytes(kept.sealed)
    assert kept.expires_at is not None
    assert kept.expires_at - timezone.now() > timedelta(minutes=59)
    assert trip.sealed_flow is trip.sealed_answer is None
    assert Probe.objects.get().sealed_password is None


def test_what_is_asked_for_is_shown_before_anybody_leaves(
    siti: Person, account: ExternalAccount
) -> None:
    make_app(scopes="openid https://mail.example.org/everything")
    page = siti.client.get(f"/settings/mail-accounts/{account.public_id}/authenticate/")
    trip = siti.leave(account)
    door = siti.client.get(f"/settings/mail-accounts/sign-in/{trip.public_id}/")
    for answer in (page, door):
        text = answer.content.decode()
        assert "reading, changing and deleting the mail of siti@example.org" in text
        assert "https://mail.example.org/everything" in text
        assert answer["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.parametrize("dialect", Dialect)
def test_a_refused_consent_is_told_and_changes_nothing(
    siti: Person, account: ExternalAccount, oidc: Oidc, dialect: Dialect
) -> None:
    make_app(dialect)
    oidc.plan(deny="access_denied")
    trip = siti.authenticate(account)
    assert (trip.state, trip.code) == (TripState.FAILED, "oauth.denied")
    assert oidc.asked("/token") == 0
    account.refresh_from_db()
    assert account.state == State.PREPARED
    page = siti.client.get(f"/settings/mail-accounts/sign-in/{trip.public_id}/").content.decode()
    assert "You did not allow access at Contoh Mail" in page
    oidc.plan()
    siti.client.post(f"/settings/mail-accounts/sign-in/{trip.public_id}/again/")
    work()
    again = Authorization.objects.latest("id")
    assert siti.come_back(siti.there(again)).status_code == 302
    work()
    account.refresh_from_db()
    assert account.state == State.ACTIVE


@pytest.mark.parametrize("dialect", Dialect)
def test_the_grant_of_somebody_else_is_not_taken(
    siti: Person, account: ExternalAccount, oidc: Oidc, dialect: Dialect
) -> None:
    make_app(dialect)
    oidc.plan(as_="budi@example.org")
    trip = siti.authenticate(account)
    assert (trip.state, trip.code) == (TripState.FAILED, "oauth.other")
    assert trip.facts["name"] == "budi@example.org"
    assert not Credential.objects.exists()
    assert not Probe.objects.exists()


def test_a_way_back_is_taken_once(siti: Person, account: ExternalAccount, oidc: Oidc) -> None:
    make_app()
    trip = siti.leave(account)
    back = siti.there(trip)
    for _ in range(3):
        siti.come_back(back)
    work()
    siti.come_back(back)
    work()
    assert oidc.asked("/token") == 1
    account.refresh_from_db()
    assert account.state == State.ACTIVE


def test_nobody_else_can_use_a_way_back(siti: Person, account: ExternalAccount, oidc: Oidc) -> None:
    make_app()
    make_app(Dialect.STANDARD)
    back = siti.there(siti.leave(account))
    other_browser = Person(siti.user, oidc)
    attacker = Person(make_user("mallory@example.org"), oidc)
    for thief in (other_browser, attacker):
        assert thief.come_back(back).status_code == 400
    for changed in (
        back.replace("state=", "state=x"),
        back.replace("/microsoft/", "/standard/"),
        back.partition("&state=")[0],
    ):
        assert siti.come_back(changed).status_code == 400
    assert Client().get(back).status_code == 302
    work()
    assert oidc.asked("/token") == 0
    assert siti.come_back(back).status_code == 302


def test_the_answer_of_another_issuer_is_not_exchanged(
    siti: Person, account: ExternalAccount, oidc: Oidc
) -> None:
    make_app()
    trip = siti.leave(account)
    back = siti.there(trip).replace("login.example.org", "login.example.net")
    siti.come_back(back)
    work()
    trip.refresh_from_db()
    assert (trip.state, trip.code) == (TripState.FAILED, "oauth.expired")
    assert oidc.asked("/token") == 0


def test_after_ten_minutes_the_way_back_is_closed(siti: Person, account: ExternalAccount) -> None:
    make_app()
    trip = siti.leave(account)
    back = siti.there(trip)
    Authorization.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert siti.come_back(back).status_code == 400
    work()
    trip.refresh_from_db()
    assert (trip.state, trip.code, trip.sealed_flow) == (TripState.FAILED, "oauth.expired", None)
    authorizing_runs.forget_old_trips(timezone.now() + timedelta(hours=2))
    assert not Authorization.objects.exists()


def test_a_cancelled_trip_takes_nothing_back(
    siti: Person, account: ExternalAccount, oidc: Oidc
) -> None:
    make_app()
    trip = siti.leave(account)
    back = siti.there(trip)
    siti.client.post(f"/settings/mail-accounts/sign-in/{trip.public_id}/cancel/")
    siti.come_back(back)
    work()
    assert oidc.asked("/token") == 0


@pytest.mark.parametrize("dialect", Dialect)
def test_a_code_on_another_device_does_it_too(
    siti: Person, account: ExternalAccount, oidc: Oidc, dialect: Dialect
) -> None:
    make_app(dialect, client_id="muara-device", allow_page=False, allow_device=True)
    trip = siti.leave(account, by="device")
    page = siti.client.get(f"/settings/mail-accounts/sign-in/{trip.public_id}/").content.decode()
    assert trip.user_code in page
    assert "https://login.example.org/common/v2.0/device" in page
    Authorization.objects.update(next_poll_at=timezone.now())
    work()
    trip.refresh_from_db()
    assert trip.state == TripState.AWAITED
    oidc.confirm(trip.user_code, ADDRESS)
    Authorization.objects.update(next_poll_at=timezone.now())
    work()
    account.refresh_from_db()
    assert account.state == State.ACTIVE


def test_a_provider_that_is_away_is_told_as_such(
    siti: Person, account: ExternalAccount, oidc: Oidc
) -> None:
    make_app()
    trip = siti.leave(account)
    back = siti.there(trip)
    oidc.plan(down=True)
    siti.come_back(back)
    work()
    trip.refresh_from_db()
    assert (trip.state, trip.code) == (TripState.FAILED, "server.busy")
    assert trip.facts["host"] == "login.example.org"


def test_a_wrong_secret_is_the_administrators_matter(
    siti: Person, account: ExternalAccount
) -> None:
    app = make_app()
    app.sealed_secret = None
    app.save()
    trip = siti.authenticate(account)
    assert (trip.state, trip.code) == (TripState.FAILED, "oauth.client")


def test_without_an_app_for_the_server_the_page_says_what_to_do(
    siti: Person, account: ExternalAccount
) -> None:
    make_app(servers="pop.other.example .sub.example.org")
    place = f"/settings/mail-accounts/{account.public_id}/authenticate/"
    for answer in (siti.client.get(place), siti.client.post(place)):
        assert "has not been set up here for pop.example.org" in answer.content.decode()
    assert not Authorization.objects.exists()


def test_trips_are_counted(siti: Person, account: ExternalAccount) -> None:
    make_app()
    place = f"/settings/mail-accounts/{account.public_id}/authenticate/"
    for _ in range(authorizing.TRIPS_AN_HOUR + 5):
        siti.client.post(place)
    assert Authorization.objects.count() == authorizing.TRIPS_AN_HOUR


def test_a_new_account_is_added_by_signing_in(
    siti: Person, oidc: Oidc, token_dovecot: Dovecot
) -> None:
    make_app(allow_device=True)
    begun = setups.begin(siti.user, ADDRESS, now=timezone.now(), by_hand=True)
    setups.remember(begun, {"protocol": "pop3", "provider": "other"})
    place = f"/settings/mail-accounts/add/{begun.public_id}/incoming/"
    typed = {"host": "pop.example.org", "security": "tls", "port": "995", "name": "Work"}
    assert 'name="authenticate"' not in siti.client.get(place).content.decode()
    refused = siti.client.post(place, typed | {"host": "pop.elsewhere.example"} | AUTHENTICATE)
    assert refused.status_code == 200
    assert not Authorization.objects.exists()
    answer = siti.client.post(place, typed | {"delete_from_server": "on"} | AUTHENTICATE)
    assert answer.status_code == 302, answer.content.decode()
    trip = Authorization.objects.get()
    page = siti.client.get(place).content.decode()
    assert 'name="authenticate"' in page
    assert "reading, changing and deleting the mail of siti@example.org" in page
    work()
    trip.refresh_from_db()
    assert siti.come_back(siti.there(trip)).status_code == 302
    work()
    added = ExternalAccount.objects.get()
    assert (added.name, added.state) == ("Work", State.ACTIVE)
    assert added.incoming.delete_after_days == 0
    assert added.incoming.username == ADDRESS
    assert Credential.objects.get().app is not None


def test_no_token_is_asked_for_a_server_of_somebody_else(siti: Person) -> None:
    app = make_app()
    elsewhere = prepared(siti.user, ADDRESS, host="pop.example.net")
    with pytest.raises(AccountRefused):
        authorizing.begin(
            app,
            authorizing.wanted_for(elsewhere),
            owner=siti.user,
            browser="",
            now=timezone.now(),
            account=elsewhere,
        )
