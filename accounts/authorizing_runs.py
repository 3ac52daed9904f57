"""Takes trips to OAuth providers further: asks where people sign in, exchanges what they bring."""

from __future__ import annotations

import json
import secrets
import traceback
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import onboarding, vault
from accounts.authorizing import (
    LIFE,
    digest,
    ended,
    fail,
    flow_of,
    return_address,
    unfinished,
    wanted_in,
)
from accounts.grants import given, provider_of
from accounts.models import Authorization
from accounts.models.authorization import TripState
from accounts.turns import HOUR
from wire.errors import ConnectionFailed, ConsentMissing, MailError, ServerBusy
from wire.oauth import Flow, Grant, Request, Talk, talk_to

log = structlog.get_logger(__name__)
# Longer than any talk with a provider: what was asked then is not asked again.
LEASE = timedelta(seconds=60)
AT_A_TIME = 20
# However often a provider is away, whoever types a code does not wait longer than this for us.
LONGEST_INTERVAL = 60


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
        late.update(**ended(TripState.FAILED), code="oauth.expired")
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
        fail(trip, error)
    except Exception as error:  # noqa: BLE001 - the edge of a worker: a bug must not stop the others
        # Only where and what kind: a message could repeat what it was given.
        place = traceback.extract_tb(error.__traceback__)[-1]
        log.error(  # noqa: TRY400 - see above
            "authorization_broke",
            authorization=key,
            error=type(error).__name__,
            place=f"{place.filename}:{place.lineno}",
        )
        fail(trip, None)
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
    _await(trip, flow, state_digest=digest(state), next_poll_at=None)


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
        grant = talk.finish(flow_of(trip), json.loads(answer))
    _grant(trip, grant)


def _poll(trip: Authorization) -> None:
    """Ask whether the person has consented on the other device."""
    flow = flow_of(trip)
    try:
        with _talk(trip) as talk:
            grant = talk.poll_device(flow)
    except (ServerBusy, ConnectionFailed):
        # The code is still good: a provider in trouble is asked half as often, and for long.
        grant, flow["interval"] = None, 2 * int(flow["interval"])
    if grant is not None:
        _grant(trip, grant)
    else:
        _poll_later(trip, min(max(int(flow["interval"]), 1), LONGEST_INTERVAL))


def _poll_later(trip: Authorization, seconds: int) -> None:
    """Ask again after so many seconds, as after each time from now on (RFC 8628 section 3.5)."""
    kept = json.dumps(flow_of(trip) | {"interval": seconds})
    awaited = Authorization.objects.filter(pk=trip.pk, state=TripState.AWAITED)
    awaited.update(
        sealed_flow=vault.seal(kept, belongs_to=trip.belongs_to),
        next_poll_at=timezone.now() + timedelta(seconds=seconds),
        lease_until=None,
    )


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
        row = unfinished(trip)
        if not row.select_for_update().exists():
            return
        probe = onboarding.begin_probe(
            trip.owner,
            wanted,
            now=timezone.now(),
            account=trip.account,
            setup=trip.setup,
            limited=False,
        )
        row.update(**ended(TripState.GRANTED), probe=probe)
