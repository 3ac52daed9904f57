"""Adding an account: a test of the server asked for, done by a worker, turned into an account."""

from __future__ import annotations

import time
import traceback
import uuid
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts import quotas, vault
from accounts.grants import KeptGrant
from accounts.models import ExternalAccount, Probe, Setup, User
from accounts.models.probe import ProbeQuerySet, ProbeState, Step
from accounts.policy import DELETE, PROTOCOLS, Policy, policy_of
from accounts.refusals import AccountRefused, wrong_port
from accounts.roster import NewAccount, add_account, check_room, renew
from wire.endpoint import STANDARD_PORTS, Endpoint, Protocol, Security
from wire.errors import MailError
from wire.pop3 import Limits, open_pop3

__all__ = ["AccountRefused", "NewAccount", "begin_probe", "run_probe", "run_waiting_probes"]

HOUR = timedelta(hours=1)
UNFINISHED = Q(state__in=(ProbeState.WAITING, ProbeState.RUNNING))
KEEP_PASSWORD = timedelta(minutes=15)
LEASE = timedelta(minutes=2)
MAX_ATTEMPTS = 2
TESTED = (Protocol.POP3,)
POLL_SECONDS = 0.2
TESTS_AN_HOUR = 10
TESTS_AN_HOUR_AND_HOST = 30
# Shorter than the lease, so that a lapsed lease means a dead worker and not a slow server.
LIMITS = Limits(session_seconds=90)

log = structlog.get_logger(__name__)


def begin_probe(
    owner: User,
    wanted: NewAccount,
    *,
    now: datetime,
    account: ExternalAccount | None = None,
    setup: Setup | None = None,
    limited: bool = True,
) -> Probe:
    """Ask for a test, which a worker does; with ``account``, of new settings for that one.

    ``setup`` is what its pages lead back to.

    Raise AccountRefused where a rule of this place forbids it before any connection is made. Tests
    are counted by the hour unless ``limited`` is off, which is for whoever runs the program.
    """
    check_rules(owner, wanted)
    with transaction.atomic():
        # The owner's row is the lock: parallel requests cannot slip through the limits together.
        User.objects.select_for_update().get(pk=owner.pk)
        if limited:
            _check_rate(owner, wanted.host, now)
        if account is None:
            check_room(owner, wanted.address)
        return _save_probe(owner, wanted, now, account=account, setup=setup)


def offered(policy: Policy) -> list[Protocol]:
    """Return the types of account that are allowed and that we can test, most wanted first."""
    return [protocol for protocol in TESTED if policy.allows(PROTOCOLS[protocol])]


def check_rules(owner: User, wanted: NewAccount) -> None:
    """Raise AccountRefused where the policy or this version has no such account."""
    policy = policy_of(owner)
    policy.check(wanted.protocol, Endpoint(wanted.host, wanted.port, wanted.security))
    if wanted.delete_after_days is not None and (objection := policy.against(DELETE)):
        raise objection
    if wanted.protocol not in TESTED:
        raise AccountRefused("limit.protocol")
    if STANDARD_PORTS[wanted.protocol, wanted.security] != wanted.port:
        raise wrong_port(wanted.protocol)


def wanted_again(probe: Probe) -> NewAccount:
    """Return what a test asked for. Raise SealBroken once its password has been cleared."""
    if probe.sealed_password is None:
        raise vault.SealBroken("no secret is kept")
    secret = vault.unseal(bytes(probe.sealed_password), belongs_to=probe.belongs_to)
    return NewAccount(
        address=probe.address,
        name=probe.name,
        protocol=Protocol(probe.protocol),
        host=probe.host,
        port=probe.port,
        security=Security(probe.security),
        username=probe.username,
        password="" if probe.app_id else secret,
        delete_after_days=probe.delete_after_days,
        from_address=probe.from_address,
        reply_to=probe.reply_to,
        is_default=probe.is_default,
        grant=KeptGrant.read(secret) if probe.app_id else None,
    )


def run_waiting_probes(now: datetime) -> int:
    """Claim and run the tests that wait, one after the other; return how many were run."""
    forget_old_probes(now)
    started, count = time.monotonic(), 0
    while probe := _claim(now + timedelta(seconds=time.monotonic() - started)):
        run_probe(probe)
        count += 1
    return count


def run_now(probe: Probe) -> Probe:
    """Run one test here and now, or wait for a worker that was faster; return how it ended.

    Its row is deleted: whoever runs the program uses up nobody's tests of the hour.
    """
    while not probe.is_over:
        if claimed := _claim_one(Probe.objects.filter(pk=probe.pk), timezone.now()):
            run_probe(claimed)
        else:
            time.sleep(POLL_SECONDS)
        probe.refresh_from_db()
    Probe.objects.filter(pk=probe.pk).delete()
    return probe


def run_probe(probe: Probe) -> None:
    """Test the server of a claimed probe and write down how it ended; nothing is raised.

    Whoever has lost the lease meanwhile writes nothing.
    """
    try:
        wanted = wanted_again(probe)
        messages, octets = _try_server(probe, wanted)
        _pass(probe, wanted, {"messages": messages, "octets": octets})
    except MailError as error:
        facts: dict[str, str | int] = {"host": probe.host, "port": probe.port}
        _fail(probe, error.code, facts | error.facts, error.detail)
    except Exception as error:  # noqa: BLE001 - the edge of a worker: a bug must not stop the others
        # Only where and what kind: a message could repeat what it was given.
        place = traceback.extract_tb(error.__traceback__)[-1]
        log.error(  # noqa: TRY400 - see above
            "probe_broke",
            probe=probe.pk,
            error=type(error).__name__,
            place=f"{place.filename}:{place.lineno}",
        )
        _fail(probe, "server.ours", {"id": str(probe.public_id)[:8]}, "")


def forget_old_probes(now: datetime) -> None:
    """Clear passwords after 15 minutes; delete the rows once the limits no longer count them."""
    old = Probe.objects.filter(expires_at__lt=now)
    # Asked every second, so nothing may take the write lock while there is nothing to write.
    if old.exists():
        old.exclude(UNFINISHED).exclude(sealed_password=None).update(sealed_password=None)
        old.filter(created_at__lt=now - HOUR).delete()


def _check_rate(owner: User, host: str, now: datetime) -> None:
    # The rows of a table have limits of their own.
    recent = Probe.objects.filter(created_at__gt=now - HOUR, batch=None)
    if recent.filter(owner=owner).count() >= TESTS_AN_HOUR:
        raise AccountRefused("limit.tests", limit=TESTS_AN_HOUR)
    if recent.filter(host__iexact=host).count() >= TESTS_AN_HOUR_AND_HOST:
        raise AccountRefused("limit.host")


def _save_probe(
    owner: User, wanted: NewAccount, now: datetime, **belonging: ExternalAccount | Setup | None
) -> Probe:
    probe = Probe(
        public_id=uuid.uuid4(),
        owner=owner,
        **belonging,
        expires_at=now + KEEP_PASSWORD,
        address=wanted.address,
        name=wanted.name,
        protocol=wanted.protocol,
        host=wanted.host,
        port=wanted.port,
        security=wanted.security,
        username=wanted.username,
        delete_after_days=wanted.delete_after_days,
        from_address=wanted.from_address,
        reply_to=wanted.reply_to,
        is_default=wanted.is_default,
        app_id=wanted.grant.app_id if wanted.grant else None,
    )
    probe.sealed_password = vault.seal(wanted.secret, belongs_to=probe.belongs_to)
    probe.save()
    return probe


def _claim(now: datetime) -> Probe | None:
    """Take the oldest test that waits or whose worker died; give up on one that died twice."""
    if not Probe.objects.filter(UNFINISHED).exists():
        return None
    lapsed_twice = Probe.objects.filter(_lapsed(now), attempts__gte=MAX_ATTEMPTS)
    lapsed_twice.update(state=ProbeState.FAILED, code="server.ours", lease_until=None)
    return _claim_one(Probe.objects.order_by("id"), now)


def _claim_one(rows: ProbeQuerySet, now: datetime) -> Probe | None:
    free = rows.filter(Q(state=ProbeState.WAITING) | _lapsed(now))
    for key in free.values_list("pk", flat=True)[:20]:
        if free.filter(pk=key).update(
            state=ProbeState.RUNNING, lease_until=now + LEASE, attempts=F("attempts") + 1, step=""
        ):
            return Probe.objects.select_related("owner", "account").get(pk=key)
    return None


def _lapsed(now: datetime) -> Q:
    return Q(state=ProbeState.RUNNING, lease_until__lt=now)


def _try_server(probe: Probe, wanted: NewAccount) -> tuple[int, int]:
    """Sign in and count; the rung being tried is written down before each step."""

    def on_step(step: str) -> None:
        _mine(probe).update(step=step)

    with open_pop3(
        probe.endpoint(), wanted.login(), guard=settings.GUARD, limits=LIMITS, on_step=on_step
    ) as session:
        on_step(Step.LIST)
        counts = session.stat()
        session.finish()
    return counts


def _pass(probe: Probe, wanted: NewAccount, facts: dict[str, int]) -> None:
    """Turn a passed test into an account, or into new settings of the one tested again."""
    now = timezone.now()
    with transaction.atomic():
        if not _mine(probe).exists():
            return
        if probe.account is None:
            account = add_account(probe.owner, wanted, now=now)
        else:
            account = renew(probe.account, wanted, now=now)
        done = {"state": ProbeState.PASSED, "account": account, "facts": facts}
        _mine(probe).update(**done, sealed_password=None, lease_until=None)
        quotas.touch(probe.owner_id)


def _fail(probe: Probe, code: str, facts: dict[str, str | int], detail: str) -> None:
    failed = {"state": ProbeState.FAILED, "code": code, "facts": facts, "detail": detail}
    _mine(probe).update(**failed, lease_until=None)


def _mine(probe: Probe) -> ProbeQuerySet:
    """Keep the row only while this worker's claim on it holds."""
    return Probe.objects.filter(
        pk=probe.pk, state=ProbeState.RUNNING, lease_until=probe.lease_until
    )
