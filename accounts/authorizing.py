"""Signing in at a provider: a trip there and back, of which workers do all the talking."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from accounts import onboarding, vault
from accounts.models import Authorization, ExternalAccount, OAuthApp, Setup, User
from accounts.models.authorization import AuthorizationQuerySet, TripState
from accounts.refusals import AccountRefused
from accounts.roster import NewAccount, check_room
from accounts.turns import check_turn
from wire.endpoint import Protocol, Security
from wire.errors import ConsentMissing, MailError
from wire.oauth import Flow

LIFE = timedelta(minutes=10)
TRIPS_AN_HOUR = 20
# Of what a provider hands back, this is kept (RFC 6749 section 4.1.2, RFC 9207); the last is
# Microsoft's.
ANSWER = ("code", "state", "iss", "error", "error_description", "client_info")
LONGEST_ANSWER = 8192


def any_app_for(host: str) -> OAuthApp | None:
    """Find an app for a mail server, whichever way it signs people in."""
    return app_for(host) or app_for(host, by_device=True)


def app_for(host: str, *, by_device: bool = False) -> OAuthApp | None:
    """Find the app whose tokens a mail server takes, if administrators have set one up."""
    way = {"allow_device" if by_device else "allow_page": True}
    apps = OAuthApp.objects.filter(is_enabled=True, **way).order_by("id")
    return next((app for app in apps if app.serves(host)), None)


def return_address(app: OAuthApp) -> str:
    """Return where a provider sends people back to, as it must be registered there."""
    return str(settings.MUARA_URL + reverse("oauth_callback", args=[app.slug]))


def browser_of(session_key: str | None) -> str:
    """Return what stands for a session, without which the row could be used to enter it."""
    return digest(session_key or "")


def begin(
    app: OAuthApp,
    wanted: NewAccount,
    *,
    owner: User,
    browser: str,
    now: datetime,
    by_device: bool = False,
    **belonging: ExternalAccount | Setup | None,
) -> Authorization:
    """Ask for a trip, which a worker prepares; with ``account``, to sign that one in again.

    ``setup``, of an account that is being added, is what its pages lead back to.

    Raise AccountRefused where a rule of this place forbids it.
    """
    if not app.serves(wanted.host):
        raise AccountRefused("limit.protocol")
    onboarding.check_rules(owner, wanted)
    with transaction.atomic():
        # The owner's row is the lock: parallel requests cannot slip through the limit together.
        User.objects.select_for_update().get(pk=owner.pk)
        own = Authorization.objects.for_user(owner)
        check_turn(own, "limit.tests", most=TRIPS_AN_HOUR, now=now)
        if belonging.get("account") is None:
            check_room(owner, wanted.address)
        return Authorization.objects.create(
            owner=owner,
            app=app,
            **belonging,
            address=wanted.address,
            wanted=_told(wanted),
            browser=browser,
            by_device=by_device,
            expires_at=now + LIFE,
        )


def wanted_for(account: ExternalAccount) -> NewAccount:
    """Return the settings of an account that is signed in again, its server as it is."""
    server = account.incoming
    return NewAccount(
        address=account.address,
        name=account.name,
        protocol=Protocol(server.protocol),
        host=server.host,
        port=server.port,
        security=Security(server.security),
        username=account.address,
        password="",
    )


def wanted_in(trip: Authorization) -> NewAccount:
    """Return the settings that a trip is for, still without a secret."""
    kinds = {
        "protocol": Protocol(trip.wanted["protocol"]),
        "security": Security(trip.wanted["security"]),
    }
    return NewAccount(**trip.wanted | kinds, password="")


def page_url(trip: Authorization, *, now: datetime) -> str:
    """Return where the person is asked, or nothing where that is not known yet or no longer."""
    if trip.state != TripState.AWAITED or trip.by_device or trip.expires_at <= now:
        return ""
    return str(flow_of(trip)["url"])


def come_back(
    slug: str, answer: Mapping[str, str], *, owner: User, browser: str, now: datetime
) -> Authorization | None:
    """Take what a person brought back, once; a worker exchanges it.

    None for what this person, in this browser, was not sent away with.
    """
    trips = Authorization.objects.for_user(owner).filter(browser=browser, app__slug=slug)
    trips = trips.filter(state_digest=digest(answer.get("state", "")), expires_at__gt=now)
    trip = trips.select_related("app").first()
    if trip is None:
        return None
    kept = json.dumps({name: answer[name][:LONGEST_ANSWER] for name in ANSWER if name in answer})
    sealed = vault.seal(kept, belongs_to=trip.belongs_to)
    # Whoever comes a second time changes nothing: a code that is sent twice ends its own grant.
    Authorization.objects.filter(pk=trip.pk, state=TripState.AWAITED).update(
        state=TripState.RETURNED, sealed_answer=sealed, lease_until=None
    )
    return trip


def cancel(trip: Authorization) -> None:
    """End a trip that its owner does not want any more."""
    fail(trip, ConsentMissing("oauth.denied"))


def fail(trip: Authorization, error: MailError | None) -> None:
    """End a trip with the reason, which is a bug of ours where there is no error."""
    if error is None:
        told: dict[str, Any] = {"code": "server.ours", "facts": {"id": str(trip.public_id)[:8]}}
    else:
        facts = {"provider": trip.app.name} | error.facts
        detail = {"detail": error.detail} if error.detail else {}
        told = {"code": error.code, "facts": facts | detail}
    unfinished(trip).update(**ended(TripState.FAILED), **told)


def unfinished(trip: Authorization) -> AuthorizationQuerySet:
    """Keep the row of a trip only while it is under way."""
    over = [TripState.GRANTED, TripState.FAILED]
    return Authorization.objects.filter(pk=trip.pk).exclude(state__in=over)


def ended(state: TripState) -> dict[str, Any]:
    """Return the columns of a trip that has ended, which keeps no secret."""
    nothing = dict.fromkeys(("sealed_flow", "sealed_answer", "next_poll_at", "lease_until"))
    return {"state": state, "user_code": "", **nothing}


def _told(wanted: NewAccount) -> dict[str, Any]:
    """Return what is wanted as plain values, without a secret."""
    names = (
        *("address", "name", "protocol", "host", "port", "security", "delete_after_days"),
        *("from_address", "reply_to", "is_default"),
    )
    return {name: getattr(wanted, name) for name in names} | {"username": wanted.address}


def flow_of(trip: Authorization) -> Flow:
    """Return what was agreed on with the provider when the trip began."""
    flow: Flow = json.loads(
        vault.unseal(bytes(trip.sealed_flow or b""), belongs_to=trip.belongs_to)
    )
    return flow


def digest(text: str) -> str:
    """Return what stands in a row for a text that must not be read there."""
    return hashlib.sha256(text.encode()).hexdigest()
