"""Grants of OAuth providers: kept sealed, and renewed by one worker at a time."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from accounts import vault
from accounts.models import Credential, OAuthApp, State
from accounts.models.oauth_app import ENDPOINTS
from wire.errors import AuthenticationFailed, MailError, Retry, ServerBusy
from wire.oauth import Dialect, Grant, Provider, talk_to

log = structlog.get_logger(__name__)
# Servers refuse tokens minutes before they lapse.
EARLY = timedelta(minutes=10)
# Providers forget grants that nobody uses.
IDLE = timedelta(days=7)
# Longer than any talk with a provider, so that a lapsed lease means a dead worker.
LEASE = timedelta(seconds=60)
# A provider in trouble is left alone for so long.
PAUSE = timedelta(seconds=60)
PATIENCE_SECONDS = 40.0
LOOK_SECONDS = 0.1
AT_A_TIME = 100


@dataclass(frozen=True, slots=True)
class KeptGrant:
    """A grant as it is sealed; times are UTC, ``lapses_at`` None where no end is known."""

    app_id: int
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime
    lapses_at: datetime | None

    def write(self) -> str:
        """Return it as text, to be sealed."""
        return json.dumps(asdict(self), default=datetime.isoformat)

    @classmethod
    def read(cls, text: str) -> KeptGrant:
        """Return what ``write`` wrote."""
        values = json.loads(text)
        for name in ("expires_at", "lapses_at"):
            values[name] = datetime.fromisoformat(values[name]) if values[name] else None
        return cls(**values)

    def lasts(self, now: datetime, refused: str = "") -> bool:
        """Tell whether a server will take the token, which is not the one that it refused."""
        return self.expires_at > now and self.access_token != refused


def provider_of(app: OAuthApp) -> Provider:
    """Return what ``wire`` speaks with. Raise SealBroken where the app's secret does not open."""
    secret = (
        vault.unseal(bytes(app.sealed_secret), belongs_to=app.belongs_to)
        if app.sealed_secret
        else ""
    )
    by_hand = {name: getattr(app, name) for name in ENDPOINTS if getattr(app, name)}
    return Provider(
        dialect=Dialect(app.dialect),
        issuer=app.issuer,
        client_id=app.client_id,
        secret=secret,
        scopes=tuple(app.asked),
        endpoints={} if app.issuer else by_hand,
        extra=app.extra,
    )


def given(grant: Grant, app: OAuthApp, *, now: datetime) -> KeptGrant:
    """Return a new grant as it is kept; whichever end is known and first counts."""
    ends = [now + timedelta(seconds=grant.lapses)] if grant.lapses else []
    if app.grant_days:
        ends.append(now + timedelta(days=app.grant_days))
    expires_at = now + timedelta(seconds=grant.seconds)
    lapses_at = min(ends, default=None)
    return KeptGrant(app.pk, grant.access_token, grant.refresh_token, expires_at, lapses_at)


def usable_token(credential: Credential, *, refused: str = "") -> str:
    """Return an access token that lasts; never within a transaction, as it may ask the provider.

    ``refused`` is one that a server did not take. Raise AuthenticationFailed (auth.grant) where the
    grant is gone, another MailError where the provider cannot be asked, or SealBroken.
    """
    grant = _open(credential)
    if grant.lasts(timezone.now() + EARLY, refused):
        return grant.access_token
    return _renewed(credential.pk, refused).access_token


def renew_idle(now: datetime) -> int:
    """Renew what was not renewed for a week, lest the provider forget it; count the attempts."""
    idle = Credential.objects.filter(app__isnull=False, renewed_at__lt=now - IDLE)
    wanted = idle.filter(_free(now), account__state__in=[State.ACTIVE, State.PAUSED])
    keys = list(wanted.order_by("renewed_at").values_list("pk", flat=True)[:AT_A_TIME])
    for key in keys:
        try:
            _renewed(key, "", is_idle=True)
        except (MailError, vault.SealBroken) as error:
            # The next visit meets the same and tells the owner.
            log.info("idle grant not renewed", credential=key, error=str(error))
    return len(keys)


def _renewed(key: int, refused: str, *, is_idle: bool = False) -> KeptGrant:
    """Renew a grant, or wait for whoever is doing so; one that still lasts is returned meanwhile.

    What the database says counts: others may have renewed it since the caller looked.
    """
    give_up = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up:
        now, credential = timezone.now(), _look(key)
        grant = _open(credential)
        if grant.lasts(now + EARLY, refused) and not (is_idle and _is_idle(credential, now)):
            return grant
        if _claim(credential, now):
            try:
                _renew(credential, grant)
            except MailError as error:
                if error.retry is not Retry.NEVER and grant.lasts(now, refused):
                    return grant
                raise
        elif grant.lasts(now, refused):
            return grant
        elif _is_paused(credential, now):
            break
        else:
            time.sleep(LOOK_SECONDS)
    raise ServerBusy("server.busy", host=provider_of(_app(credential)).host)


def _look(key: int) -> Credential:
    found = Credential.objects.select_related("account", "app").filter(pk=key).first()
    if found is None or found.app is None:
        raise vault.SealBroken("no grant is kept")
    return found


def _open(credential: Credential) -> KeptGrant:
    sealed = vault.unseal(bytes(credential.sealed), belongs_to=credential.belongs_to)
    return KeptGrant.read(sealed)


def _app(credential: Credential) -> OAuthApp:
    if credential.app is None:
        raise vault.SealBroken("no grant is kept")
    return credential.app


def _is_paused(credential: Credential, now: datetime) -> bool:
    """Tell whether the provider was in trouble a moment ago, and nobody is asking it."""
    until = credential.lease_until
    return credential.lease is None and until is not None and until > now


def _is_idle(credential: Credential, now: datetime) -> bool:
    return credential.renewed_at is not None and credential.renewed_at < now - IDLE


def _free(now: datetime) -> Q:
    return Q(lease_until=None) | Q(lease_until__lt=now)


def _claim(credential: Credential, now: datetime) -> bool:
    """Take the lease, of the very grant that was read: a refresh token may be used only once."""
    lease = uuid.uuid4()
    rows = Credential.objects.filter(_free(now), pk=credential.pk, renewed_at=credential.renewed_at)
    credential.lease = (
        lease if rows.update(lease=lease, lease_until=now + LEASE) else credential.lease
    )
    return credential.lease == lease


def _renew(credential: Credential, grant: KeptGrant) -> None:
    """Ask the provider, and save what it gave only while the lease is still ours."""
    app = _app(credential)
    try:
        told = _ask(provider_of(app), grant)
    except MailError as error:
        passes = error.retry is not Retry.NEVER
        _settle(credential, lease_until=timezone.now() + PAUSE if passes else None)
        raise
    except BaseException:
        _settle(credential, lease_until=None)
        raise
    now = timezone.now()
    lapses_at = now + timedelta(seconds=told.lapses) if told.lapses else grant.lapses_at
    fresh = KeptGrant(
        app.pk,
        told.access_token,
        told.refresh_token or grant.refresh_token,
        now + timedelta(seconds=told.seconds),
        min(filter(None, (lapses_at, grant.lapses_at if app.grant_days else None)), default=None),
    )
    _settle(credential, **columns_of(fresh, credential.belongs_to, now=now), lease_until=None)


def _ask(provider: Provider, grant: KeptGrant) -> Grant:
    if not grant.refresh_token:
        raise AuthenticationFailed("auth.grant", host=provider.host)
    with talk_to(provider, guard=settings.GUARD) as talk:
        return talk.refresh(grant.refresh_token)


def columns_of(grant: KeptGrant, belongs_to: str, *, now: datetime) -> dict[str, object]:
    """Return the columns of a credential that keep a grant."""
    sealed = vault.seal(grant.write(), belongs_to=belongs_to)
    return {
        "sealed": sealed,
        "key_id": vault.sealing_key_id(sealed),
        "app_id": grant.app_id,
        "expires_at": grant.expires_at,
        "renewed_at": now,
        "lapses_at": grant.lapses_at,
    }


def _settle(credential: Credential, **columns: object) -> None:
    """Write down what came of it and give the lease back, if it is still ours."""
    ours = Credential.objects.filter(pk=credential.pk, lease=credential.lease)
    ours.update(lease=None, **columns)
