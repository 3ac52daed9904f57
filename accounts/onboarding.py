"""Asking for tests of servers, within the rules and limits of this place; workers do them."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import lifecycle, vault
from accounts.grants import KeptGrant
from accounts.models import ExternalAccount, Probe, Setup, User
from accounts.models.probe import ProbeKind, ProbeState, Step
from accounts.outgoing import NewOutgoing
from accounts.policy import DELETE, PROTOCOLS, Policy, check_account, policy_of
from accounts.refusals import AccountRefused, wrong_port
from accounts.roster import NewAccount, check_room
from accounts.turns import check_turn
from wire.endpoint import STANDARD_PORTS, Endpoint, Protocol, Security

__all__ = ["AccountRefused", "NewAccount", "begin_probe"]

KEEP_PASSWORD = timedelta(minutes=15)
TESTS_AN_HOUR = 10
TESTS_AN_HOUR_AND_HOST = 30
# Whoever misspells a server signs in nowhere, but may not look up names without end either.
NAMES_AN_HOUR = 30
NO_SERVER_FOUND = Q(state=ProbeState.FAILED) & (
    Q(step=Step.RESOLVE) | Q(kind=ProbeKind.SENDING, step=Step.OUT_RESOLVE)
)


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
        _take_turn(owner, wanted.host, now, limited=limited)
        if account is None:
            check_room(owner, wanted.address)
        return _save_probe(owner, wanted, now, account=account, setup=setup)


def offered(policy: Policy) -> list[Protocol]:
    """Return the types of account that are allowed, the recommended one first."""
    return [protocol for protocol, rule in PROTOCOLS.items() if policy.allows(rule)]


def begin_sending_probe(
    account: ExternalAccount,
    wanted: NewOutgoing,
    *,
    now: datetime,
    setup: Setup | None = None,
    is_renewal: bool = False,
) -> Probe:
    """Ask for a test of an outgoing server, which is kept for the account if it passes.

    With ``setup`` it is a step of adding the account. ``is_renewal`` is one with a password that
    was changed for fetching: it follows by itself, and if it fails the one that is kept is no good.

    Raise AccountRefused as ``begin_probe`` does.
    """
    check_rules(account.owner, wanted)
    probe = Probe(kind=ProbeKind.SENDING, owner=account.owner, account=account, setup=setup)
    probe.address, probe.name, probe.for_sending = account.address, account.name, is_renewal
    with transaction.atomic():
        _take_turn(account.owner, wanted.host, now, limited=not is_renewal)
        return _save(probe, wanted, now)


def begin_doctor(account: ExternalAccount, *, now: datetime) -> Probe:
    """Ask for a check-up of an account's servers with what is kept for them.

    Raise AccountRefused as ``begin_probe`` does, and where the provider has refused us so often
    that only a new password may be tried.
    """
    if account.refusals >= lifecycle.REFUSALS_ALLOWED:
        raise AccountRefused("limit.refused")
    check_account(account)
    probe = Probe(kind=ProbeKind.DOCTOR, owner=account.owner, account=account)
    for name in ("protocol", "host", "port", "security", "username"):
        setattr(probe, name, getattr(account.incoming, name))
    probe.address, probe.name = account.address, account.name
    probe.public_id, probe.expires_at = uuid.uuid4(), now + KEEP_PASSWORD
    with transaction.atomic():
        _take_turn(account.owner, account.incoming.host, now)
        probe.save()
    return probe


def outgoing_again(probe: Probe) -> NewOutgoing:
    """Return what a test of an outgoing server asked for; raise SealBroken as ``wanted_again``.

    Without a secret of its own the incoming one is used. Once secrets are cleared nobody knows
    which it was, and the incoming one may not go to a server that it was not meant for.
    """
    if probe.expires_at < timezone.now():
        raise vault.SealBroken("no secret is kept")
    return NewOutgoing(
        probe.host,
        probe.port,
        Security(probe.security),
        probe.username,
        _unsealed(probe) if probe.sealed_password is not None else None,
    )


def wanted_again(probe: Probe) -> NewAccount:
    """Return what a test asked for. Raise SealBroken once its password has been cleared."""
    secret = _unsealed(probe)
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
        for_sending=probe.for_sending,
        grant=KeptGrant.read(secret) if probe.app_id else None,
    )


def _unsealed(probe: Probe) -> str:
    if probe.sealed_password is None:
        raise vault.SealBroken("no secret is kept")
    return vault.unseal(bytes(probe.sealed_password), belongs_to=probe.belongs_to)


def check_rules(owner: User, wanted: NewAccount | NewOutgoing) -> None:
    """Raise AccountRefused where the policy or this version has no such account."""
    policy = policy_of(owner)
    policy.check(wanted.protocol, Endpoint(wanted.host, wanted.port, wanted.security))
    if isinstance(wanted, NewAccount) and wanted.delete_after_days is not None:
        if objection := policy.against(DELETE):
            raise objection
        if wanted.protocol is Protocol.IMAP:
            raise AccountRefused("limit.deletion")
    if STANDARD_PORTS[wanted.protocol, wanted.security] != wanted.port:
        raise wrong_port(wanted.protocol)


def _take_turn(owner: User, host: str, now: datetime, *, limited: bool = True) -> None:
    """Raise AccountRefused where there were enough tests, inside the caller's transaction.

    The owner's row is the lock: parallel requests cannot slip through the limits together.
    """
    User.objects.select_for_update().get(pk=owner.pk)
    if not limited:
        return
    # The rows of a table have limits of their own.
    tests = Probe.objects.filter(batch=None)
    own = tests.for_user(owner)
    check_turn(own.exclude(NO_SERVER_FOUND), "limit.tests", most=TESTS_AN_HOUR, now=now)
    check_turn(own, "limit.tests", most=NAMES_AN_HOUR, now=now)
    there = tests.filter(host__iexact=host)
    check_turn(there, "limit.host", most=TESTS_AN_HOUR_AND_HOST, now=now)


def _save_probe(
    owner: User, wanted: NewAccount, now: datetime, **belonging: ExternalAccount | Setup | None
) -> Probe:
    probe = Probe(
        owner=owner,
        **belonging,
        address=wanted.address,
        name=wanted.name,
        delete_after_days=wanted.delete_after_days,
        from_address=wanted.from_address,
        reply_to=wanted.reply_to,
        is_default=wanted.is_default,
        for_sending=wanted.for_sending,
        app_id=wanted.grant.app_id if wanted.grant else None,
    )
    return _save(probe, wanted, now)


def _save(probe: Probe, wanted: NewAccount | NewOutgoing, now: datetime) -> Probe:
    """Save a test of a server, with its secret sealed if it has one."""
    probe.public_id, probe.expires_at = uuid.uuid4(), now + KEEP_PASSWORD
    probe.protocol, probe.host, probe.port = wanted.protocol, wanted.host, wanted.port
    probe.security, probe.username = wanted.security, wanted.username
    secret = wanted.secret if isinstance(wanted, NewAccount) else wanted.password
    if secret is not None:
        probe.sealed_password = vault.seal(secret, belongs_to=probe.belongs_to)
    probe.save()
    return probe
