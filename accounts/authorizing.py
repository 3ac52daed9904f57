"""Signing in at a provider: a trip there and back, of which workers do all the talking."""

from __future__ import annotations

import hashlib
import json
import secrets
import traceback
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts import onboarding, vault
from accounts.grants import given, provider_of
from accounts.models import Authorization, ExternalAccount, OAuthApp, Setup, User
from accounts.models.authorization import AuthorizationQuerySet, TripState
from accounts.refusals import AccountRefused
from accounts.roster import NewAccount, check_room
from wire.endpoint import Protocol, Security
from wire.errors import ConsentMissing, MailError
from wire.oauth import Flow, Grant, Request, Talk, talk_to

log = structlog.get_logger(__name__)
LIFE = timedelta(minutes=10)
HOUR = timedelta(hours=1)
TRIPS_AN_HOUR = 20
# Longer than any talk with a provider: what was asked then is not asked again.
LEASE = timedelta(seconds=60)
AT_A_TIME = 20
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
    return _digest(session_key or "")


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
        recent = Authorization.objects.filter(owner=owner, created_at__gt=now - HOUR)
        if recent.count() >= TRIPS_AN_HOUR:
            raise AccountRefused("limit.tests", limit=TRIPS_AN_HOUR)
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
    return str(_flow(trip)["url"])


def come_back(
    slug: str, answer: Mapping[str, str], *, owner: User, browser: str, now: datetime
) -> Authorization | None:
    """Take what a person brought back, once; a worker exchanges it.

    None for what this person, in this browser, was not sent away with.
    """
    trips = Authorization.objects.for_user(owner).filter(browser=browser, app__slug=slug)
    digest = _digest(answer.get("state", ""))
    trip = trips.filter(state_digest=digest, expires_at__gt=now).select_related("app").first()
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
    _fail(trip, ConsentMissing("oauth.denied"))


def run_waiting_trips(now: datetime) -> int:
    """Take every trip one stage further that waits for it; return how many were."""
    forget_old_trips(now)
    waiting = Authorization.objects.filter(_due(now)).order_by("id")
    keys = list(waiting.values_list("pk", flat=True)[:AT_A_TIME])
    return sum(_run(key, now) for key in keys)


def forget_old_trips(now: datetime) -> None:
    """Fail what nobody came back from, and delete the rows once the limit does not count them."""
    old = Authorization.objects.filter(expires_at__lt=now)
    # Asked every second, so nothing may take the write lock while there is nothing to write.
    if old.exists():
        late = old.exclude(state__in=[TripState.GRANTED, TripState.FAILED])
        late.update(**_ended(TripState.FAILED), code="oauth.expired")
        old.filter(created_at__lt=now - HOUR).delete()


def _due(now: datetime) -> Q:
    by_worker = Q(state__in=[TripState.PREPARING, TripState.RETURNED], lease_until=None)
    return by_worker | Q(state=TripState.AWAITED, next_poll_at__lte=now)


def _run(key: int, now: datetime) -> bool:
    """Claim one trip and take it further; nothing is raised.

    A trip whose worker died is not claimed again, since its code may be used: it expires.
    """
    claim = {"lease_until": timezone.now() + LEASE, "next_poll_at": timezone.now() + LEASE}
    if not Authorization.objects.filter(_due(now), pk=key).update(**claim):
        return False
    related = Authorization.objects.select_related("app", "owner", "setup", "account__incoming")
    trip = related.get(pk=key)
    try:
        _STAGES[TripState(trip.state)](trip)
    except MailError as error:
        _fail(trip, error)
    except Exception as error:  # noqa: BLE001 - the edge of a worker: a bug must not stop the others
        # Only where and what kind: a message could repeat what it was given.
        place = traceback.extract_tb(error.__traceback__)[-1]
        log.error(  # noqa: TRY400 - see above
            "authorization_broke",
            authorization=key,
            error=type(error).__name__,
            place=f"{place.filename}:{place.lineno}",
        )
        _fail(trip, None)
    return True


def _talk(trip: Authorization) -> AbstractContextManager[Talk]:
    return talk_to(provider_of(trip.app), guard=settings.GUARD)


def _prepare(trip: Authorization) -> None:
    """Learn where the person is to be asked."""
    if trip.by_device:
        _prepare_device(trip)
        return
    state = secrets.token_urlsafe(32)
    with _talk(trip) as talk:
        flow = talk.begin(Request(return_address(trip.app), state, trip.address))
    _await(trip, flow, state_digest=_digest(state), next_poll_at=None)


def _prepare_device(trip: Authorization) -> None:
    """Learn by which code the person is known on another device."""
    with _talk(trip) as talk:
        flow = talk.begin_device()
    now, seconds = timezone.now(), min(int(flow["expires_in"]), LIFE.seconds)
    _await(
        trip,
        flow,
        user_code=str(flow["user_code"])[:40],
        verification_uri=_https(str(flow["verification_uri"])),
        next_poll_at=now + timedelta(seconds=flow["interval"]),
        expires_at=now + timedelta(seconds=seconds),
    )


def _https(address: str) -> str:
    if not address.startswith("https://"):
        raise ConsentMissing("oauth.expired")
    return address


def _await(trip: Authorization, flow: Flow, **columns: Any) -> None:
    sealed = vault.seal(json.dumps(flow), belongs_to=trip.belongs_to)
    preparing = Authorization.objects.filter(pk=trip.pk, state=TripState.PREPARING)
    preparing.update(state=TripState.AWAITED, sealed_flow=sealed, lease_until=None, **columns)


def _exchange(trip: Authorization) -> None:
    """Turn what the person brought back into a grant."""
    answer = vault.unseal(bytes(trip.sealed_answer or b""), belongs_to=trip.belongs_to)
    with _talk(trip) as talk:
        grant = talk.finish(_flow(trip), json.loads(answer))
    _grant(trip, grant)


def _poll(trip: Authorization) -> None:
    """Ask whether the person has consented on the other device."""
    flow = _flow(trip)
    with _talk(trip) as talk:
        grant = talk.poll_device(flow)
    if grant is not None:
        _grant(trip, grant)
        return
    seconds = max(int(flow["interval"]), 1)
    awaited = Authorization.objects.filter(pk=trip.pk, state=TripState.AWAITED)
    awaited.update(next_poll_at=timezone.now() + timedelta(seconds=seconds), lease_until=None)


_STAGES = {
    TripState.PREPARING: _prepare,
    TripState.RETURNED: _exchange,
    TripState.AWAITED: _poll,
}


def _grant(trip: Authorization, grant: Grant) -> None:
    """Test the grant at the mail server, which saves it; it must be the typed person's own."""
    if trip.address.lower() not in grant.addresses:
        name = min(grant.addresses, default="")
        raise ConsentMissing("oauth.other", address=trip.address, name=name)
    kept = given(grant, trip.app, now=timezone.now())
    wanted = replace(wanted_in(trip), grant=kept)
    with transaction.atomic():
        unfinished = _unfinished(trip)
        if not unfinished.select_for_update().exists():
            return
        probe = onboarding.begin_probe(
            trip.owner,
            wanted,
            now=timezone.now(),
            account=trip.account,
            setup=trip.setup,
            limited=False,
        )
        unfinished.update(**_ended(TripState.GRANTED), probe=probe)


def _fail(trip: Authorization, error: MailError | None) -> None:
    if error is None:
        told: dict[str, Any] = {"code": "server.ours", "facts": {"id": str(trip.public_id)[:8]}}
    else:
        facts = {"provider": trip.app.name} | error.facts
        detail = {"detail": error.detail} if error.detail else {}
        told = {"code": error.code, "facts": facts | detail}
    _unfinished(trip).update(**_ended(TripState.FAILED), **told)


def _unfinished(trip: Authorization) -> AuthorizationQuerySet:
    over = [TripState.GRANTED, TripState.FAILED]
    return Authorization.objects.filter(pk=trip.pk).exclude(state__in=over)


def _ended(state: TripState) -> dict[str, Any]:
    nothing = dict.fromkeys(("sealed_flow", "sealed_answer", "next_poll_at", "lease_until"))
    return {"state": state, "user_code": "", **nothing}


def _told(wanted: NewAccount) -> dict[str, Any]:
    """Return what is wanted as plain values, without a secret."""
    names = (
        *("address", "name", "protocol", "host", "port", "security", "delete_after_days"),
        *("from_address", "reply_to", "is_default"),
    )
    return {name: getattr(wanted, name) for name in names} | {"username": wanted.address}


def _flow(trip: Authorization) -> Flow:
    flow: Flow = json.loads(
        vault.unseal(bytes(trip.sealed_flow or b""), belongs_to=trip.belongs_to)
    )
    return flow


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
