"""Does the tests that were asked for: claims them, tries the servers, and keeps what passed."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts import credentials, lifecycle, quotas, vault
from accounts.models import ExternalAccount, OutgoingServer, Probe, Purpose
from accounts.models.probe import ProbeKind, ProbeQuerySet, ProbeState
from accounts.onboarding import begin_sending_probe, outgoing_again, wanted_again
from accounts.outgoing import NewOutgoing, note_trial, settle_sending
from accounts.probing import Facts, Watch, try_incoming, try_outgoing
from accounts.roster import add_account, renew
from accounts.turns import HOUR
from wire.endpoint import Protocol
from wire.errors import AccessDisabled, AuthenticationFailed, CertificateInvalid, MailError
from wire.login import Login, PasswordLogin

UNFINISHED = Q(state__in=(ProbeState.WAITING, ProbeState.RUNNING))
LEASE = timedelta(minutes=2)
MAX_ATTEMPTS = 2
POLL_SECONDS = 0.2

log = structlog.get_logger(__name__)


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
    watch = Watch(partial(_note, probe))
    try:
        RUN[ProbeKind(probe.kind)](probe, watch)
    except MailError as error:
        watch.stop()
        facts: Facts = {"host": probe.host, "port": probe.port}
        _fail(probe, error.code, facts | error.facts, error.detail, watch, _chain_of(error))
        _count_refusal(probe, error)
        _note_sending(probe, error)
    except vault.SealBroken:
        _fail(probe, "auth.sealed", {"host": probe.host}, "", watch)
    except Exception as error:  # noqa: BLE001 - the edge of a worker: a bug must not stop the others
        # Only where and what kind: a message could repeat what it was given.
        place = traceback.extract_tb(error.__traceback__)[-1]
        log.error(  # noqa: TRY400 - see above
            "probe_broke",
            probe=probe.pk,
            error=type(error).__name__,
            place=f"{place.filename}:{place.lineno}",
        )
        _fail(probe, "server.ours", {"id": str(probe.public_id)[:8]}, "", watch)


def forget_old_probes(now: datetime) -> None:
    """Clear passwords after 15 minutes; delete the rows once the limits no longer count them."""
    old = Probe.objects.filter(expires_at__lt=now)
    # Asked every second, so nothing may take the write lock while there is nothing to write.
    if old.exists():
        old.exclude(UNFINISHED).exclude(sealed_password=None).update(sealed_password=None)
        old.filter(created_at__lt=now - HOUR).delete()


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


def _run_settings(probe: Probe, watch: Watch) -> None:
    """Test an incoming server; turn it into an account, or into new settings of its account."""
    wanted = wanted_again(probe)
    facts = try_incoming(wanted.protocol, probe.endpoint(), wanted.login(), watch)
    with transaction.atomic():
        if not _mine(probe).exists():
            return
        now = timezone.now()
        if probe.account is None:
            account = add_account(probe.owner, wanted, now=now)
        else:
            account = renew(probe.account, wanted, now=now)
        _pass(probe, facts, watch, account)
    if wanted.for_sending:
        _try_for_sending(account, wanted.password)


def _try_for_sending(account: ExternalAccount, password: str) -> None:
    """Ask for a test of the outgoing server with a new password, which keeps it if it passes."""
    server = OutgoingServer.objects.filter(account=account).first()
    if server is not None:
        way = server.endpoint()
        wanted = NewOutgoing(way.host, way.port, way.security, server.username, password)
        begin_sending_probe(account, wanted, now=timezone.now(), is_renewal=True)


def _run_sending(probe: Probe, watch: Watch) -> None:
    """Test an outgoing server and keep it for its account."""
    account, wanted = probe.tested_account(), outgoing_again(probe)

    def attempt(login: Login) -> Facts:
        return try_outgoing(probe.endpoint(), login, account.address, watch)

    if wanted.password is None:
        facts = credentials.sign_in(account, Purpose.INCOMING, attempt)
    else:
        facts = attempt(PasswordLogin(wanted.username, wanted.password))
    with transaction.atomic():
        if _mine(probe).exists():
            settle_sending(account, wanted, now=timezone.now())
            _pass(probe, facts, watch, account)


def _run_doctor(probe: Probe, watch: Watch) -> None:
    """Try the servers of an account with what is kept for them; nothing changes."""
    account = probe.tested_account()

    def fetch(login: Login) -> Facts:
        return try_incoming(Protocol(probe.protocol), probe.endpoint(), login, watch)

    facts = credentials.sign_in(account, Purpose.INCOMING, fetch)
    server = OutgoingServer.objects.filter(account=account).first()
    if server is not None:
        way = server.endpoint()

        def send(login: Login) -> Facts:
            return try_outgoing(way, login, account.address, watch)

        facts |= credentials.sign_in(account, Purpose.OUTGOING, send)
        note_trial(account)
    with transaction.atomic():
        _pass(probe, facts, watch, account)


RUN: dict[ProbeKind, Callable[[Probe, Watch], None]] = {
    ProbeKind.SETTINGS: _run_settings,
    ProbeKind.SENDING: _run_sending,
    ProbeKind.DOCTOR: _run_doctor,
}


def _note(probe: Probe, step: str, timings: dict[str, int]) -> None:
    _mine(probe).update(step=step, timings=timings)


def _pass(probe: Probe, facts: Facts, watch: Watch, account: ExternalAccount) -> None:
    """Write down that a test has passed, inside the transaction of what becomes of it."""
    done = {"state": ProbeState.PASSED, "account": account, "facts": facts}
    done |= {"timings": watch.timings, "sealed_password": None, "lease_until": None}
    if _mine(probe).update(**done):
        quotas.touch(probe.owner_id)


def _fail(
    probe: Probe,
    code: str,
    facts: Facts,
    detail: str,
    watch: Watch,
    chain: Sequence[dict[str, Any]] = (),
) -> None:
    failed = {"state": ProbeState.FAILED, "code": code, "facts": facts, "detail": detail}
    seen = {"timings": watch.timings, "chain": list(chain)}
    _mine(probe).update(**failed, **seen, lease_until=None)


def _chain_of(error: MailError) -> list[dict[str, Any]]:
    chain = error.chain if isinstance(error, CertificateInvalid) else ()
    return [asdict(certificate) for certificate in chain]


def _count_refusal(probe: Probe, error: MailError) -> None:
    """Let a refused check-up count towards those after which nobody tries again.

    A grant that its provider takes back ends that at once, whichever server it was for.
    """
    if probe.kind == ProbeKind.SETTINGS or not isinstance(
        error, AuthenticationFailed | AccessDisabled
    ):
        return
    is_gone = error.code == credentials.GONE_GRANT and "port" not in error.facts
    is_incoming = probe.kind == ProbeKind.DOCTOR and error.facts.get("port") == probe.port
    if is_gone or is_incoming:
        lifecycle.count_refusal(probe.tested_account(), error, now=timezone.now())


def _note_sending(probe: Probe, error: MailError) -> None:
    """Leave at an outgoing server that it refuses what is kept for it."""
    if probe.kind == ProbeKind.DOCTOR or probe.for_sending:
        account = probe.tested_account()
        server = OutgoingServer.objects.filter(account=account).first()
        if server is not None and _is_about(server, error):
            note_trial(account, error)


def _is_about(server: OutgoingServer, error: MailError) -> bool:
    return (error.facts.get("host"), error.facts.get("port")) == (server.host, server.port)


def _mine(probe: Probe) -> ProbeQuerySet:
    """Keep the row only while this worker's claim on it holds."""
    return Probe.objects.filter(
        pk=probe.pk, state=ProbeState.RUNNING, lease_until=probe.lease_until
    )
