"""Signing in at a provider that is in trouble: who tries again, and what the person is told."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.authorizing import flow_of
from accounts.models import Authorization, ExternalAccount, State
from accounts.models.authorization import TripState
from tests.accounts.oauth import Person, at_both, make_app, prepared, work
from tests.builders import make_user
from tests.servers.dovecot import Dovecot
from tests.servers.oidc import HOST, Oidc
from wire.guard import Guard
from wire.oauth import Dialect

ADDRESS = "siti@example.org"
pytestmark = [pytest.mark.servers, pytest.mark.django_db]


@pytest.fixture
def siti(
    oidc: Oidc,
    token_dovecot: Dovecot,
    authority_file: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> Person:
    monkeypatch.setenv("SSL_CERT_FILE", authority_file)
    settings.GUARD = at_both(oidc, token_dovecot.connect_to)
    token_dovecot.deliver(ADDRESS)
    oidc.plan()
    return Person(make_user(), oidc)


@pytest.fixture
def account(siti: Person) -> ExternalAccount:
    return prepared(siti.user, ADDRESS)


def _unplugged(guard: Guard) -> Guard:
    """Lead to the provider's name where nobody listens."""
    return Guard(connect_to={**guard.connect_to, (HOST, 443): ("127.0.0.1", 9)})


def _poll(trip: Authorization) -> timedelta:
    """Let a worker ask for a code's consent now; return how long it rests after that."""
    now = timezone.now()
    Authorization.objects.update(next_poll_at=now)
    work()
    trip.refresh_from_db()
    return (trip.next_poll_at or now) - now


@pytest.mark.parametrize("dialect", Dialect)
def test_a_code_outlives_a_provider_that_is_away_which_is_asked_less_often(
    siti: Person, account: ExternalAccount, oidc: Oidc, settings: Settings, dialect: Dialect
) -> None:
    make_app(dialect, client_id="muara-device", allow_page=False, allow_device=True)
    trip = siti.leave(account, by="device")
    first = flow_of(trip)["interval"]
    rests = [_poll(trip)]
    oidc.plan(down=True)
    rests.append(_poll(trip))
    oidc.plan()
    guard = settings.GUARD
    settings.GUARD = _unplugged(guard)
    rests.append(_poll(trip))
    settings.GUARD = guard
    rests.append(_poll(trip))
    assert trip.state == TripState.AWAITED
    asked = [first, 2 * first, 4 * first, 4 * first]
    for rest, seconds in zip(rests, asked, strict=True):
        # However slow the machine is, nobody is asked sooner.
        assert rest >= timedelta(seconds=seconds)
    assert flow_of(trip)["interval"] == 4 * first
    oidc.confirm(trip.user_code, ADDRESS)
    _poll(trip)
    account.refresh_from_db()
    assert account.state == State.ACTIVE


@pytest.mark.parametrize("is_unplugged", [False, True])
def test_a_code_that_could_not_be_exchanged_leads_to_try_again_and_no_promise(
    siti: Person, account: ExternalAccount, oidc: Oidc, settings: Settings, is_unplugged: bool
) -> None:
    make_app()
    trip = siti.leave(account)
    back, guard = siti.there(trip), settings.GUARD
    if is_unplugged:
        settings.GUARD = _unplugged(guard)
    else:
        oidc.plan(down=True)
    siti.come_back(back)
    work()
    place = f"/settings/mail-accounts/sign-in/{trip.public_id}/"
    page = unescape(siti.client.get(place).content.decode())
    assert "Try again in a few minutes." in page
    assert ">Try again</button>" in page
    assert "by ourselves" not in page
    assert "995" not in page, "that is no port of a provider's"
    part = siti.client.get(place, headers={"HX-Request": "true"}).content.decode()
    title = part.partition("<title>")[2].partition("</title>")[0]
    assert title.strip() == "Error: Authenticate - Muara"
    settings.GUARD = guard
    oidc.plan()
    siti.client.post(f"{place}again/")
    work()
    assert siti.come_back(siti.there(Authorization.objects.latest("id"))).status_code == 302
    work()
    account.refresh_from_db()
    assert account.state == State.ACTIVE
