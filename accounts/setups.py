"""Walking through the pages that add an account: begun, looked up by a worker, remembered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts import discovery, findings, providers
from accounts.findings import Finding, Source
from accounts.models import ExternalAccount, Probe, Setup, User
from accounts.models.probe import ProbeKind, ProbeState
from accounts.models.setup import LookUp
from accounts.providers import Server
from accounts.roster import check_room
from accounts.turns import check_turn
from wire.endpoint import STANDARD_PORTS, Protocol, Security

DAY = timedelta(days=1)
LOOK_UPS_AN_HOUR = 20
LOOK_UPS_AN_HOUR_AND_DOMAIN = 60
# A look-up takes five seconds at most; a row still claimed after this lost its worker.
LEASE = timedelta(seconds=20)
# Pages wait no longer than this for a worker, for there may be none.
PATIENCE = timedelta(seconds=12)
UNFINISHED = ~Q(state=LookUp.DONE)
# What is chosen among these by hand, beside what was found. Large ones first.
TILES = ("google", "microsoft365", "zoho-own", "yahoo", "icloud", "smartermail", "cpanel")
FOUND, OTHER = "found", "other"
CHOSEN = ("protocol", "provider")
# What is typed about sending has a place of its own, since its fields are called the same.
OUTGOING = "outgoing"
SERVER_FIELDS = ("host", "security", "port", "username")


@dataclass(frozen=True, slots=True)
class Offer:
    """A provider to choose; ``words`` say who told of it, if anybody did."""

    key: str
    name: str
    words: str = ""


def begin(owner: User, address: str, *, now: datetime, by_hand: bool = False) -> Setup:
    """Begin adding an address; unless its domain is known, or ``by_hand``, a worker looks it up.

    Raise AccountRefused where the address is here already, the plan allows no more accounts, or
    too much was looked up within the hour.
    """
    check_room(owner, address)
    known = findings.from_table(address)
    setup = Setup(owner=owner, created_at=now, address=address)
    setup.domain = address.rpartition("@")[2].lower()
    setup.found = [known.as_json()] if known else []
    with transaction.atomic():
        # The owner's row is the lock: parallel requests cannot slip through the limits together.
        User.objects.select_for_update().get(pk=owner.pk)
        if not known and not by_hand:
            _check_rate(owner, setup.domain, now)
            setup.asks_network, setup.state = True, LookUp.WAITING
        setup.save()
    return setup


def is_searching(setup: Setup, now: datetime) -> bool:
    """Tell whether it is worth waiting for the look-up."""
    return setup.state != LookUp.DONE and now < setup.created_at + PATIENCE


def remember(setup: Setup, typed: Mapping[str, Any]) -> None:
    """Keep what was typed on one page, beside that of the others."""
    if any(name in typed and typed[name] != setup.typed.get(name) for name in CHOSEN):
        # Another choice brings other servers: what was typed for the first would not fit.
        setup.typed = {name: x for name, x in setup.typed.items() if name not in SERVER_FIELDS}
    setup.typed |= _keepable(typed)
    setup.save(update_fields=["typed"])


def remember_outgoing(setup: Setup, typed: Mapping[str, Any]) -> None:
    """Keep what was typed about sending."""
    setup.typed[OUTGOING] = _keepable(typed)
    setup.save(update_fields=["typed"])


def outgoing_typed(setup: Setup) -> dict[str, Any]:
    """Return what was typed about sending; nothing where nobody was there."""
    return dict(setup.typed.get(OUTGOING, {}))


def is_chosen(setup: Setup) -> bool:
    """Tell whether type and provider are chosen."""
    return all(name in setup.typed for name in CHOSEN)


def serves(setup: Setup, address: str) -> bool:
    """Tell whether a walk begun before has looked up an address already."""
    return setup.address == address and bool(setup.asks_network or setup.found)


def found(setup: Setup) -> list[Finding]:
    """Return what was found, best first."""
    return [findings.from_json(kept) for kept in setup.found]


def offers(setup: Setup) -> list[Offer]:
    """Return the providers to choose from: what was found first, "other" last."""
    kept = found(setup)
    told = {finding.provider: finding for finding in kept if finding.provider}
    offered = [Offer(key, _name(key), finding.words) for key, finding in told.items()]
    if own := [finding for finding in kept if not finding.provider]:
        offered.append(Offer(FOUND, setup.domain, " ".join(finding.words for finding in own)))
    families = {_family(key) for key in told}
    tiles = [Offer(key, _name(key)) for key in TILES if _family(key) not in families]
    return [*offered, *tiles, Offer(OTHER, _("Others"))]


def proposal(setup: Setup, provider: str, protocol: Protocol) -> tuple[Finding, Server] | None:
    """Return the server to fill in for a choice, and who told of it."""
    kept = found(setup)
    if provider == FOUND:
        return findings.first_of((one for one in kept if not one.provider), protocol)
    if known := providers.by_key(provider):
        by_hand = findings.of_provider(Source.TABLE, setup.domain, known, setup.address)
        told = [one for one in kept if one.provider == provider]
        return findings.first_of([*told, by_hand], protocol)
    return None


def has(setup: Setup, provider: str, protocol: Protocol) -> bool:
    """Tell whether a provider has the type of account; of others nothing is known."""
    if provider in {OTHER, FOUND}:
        return True
    return proposal(setup, provider, protocol) is not None


def initial(setup: Setup) -> dict[str, Any]:
    """Return what stands in the form of incoming mail: the proposal, then what was typed."""
    protocol = Protocol(setup.typed["protocol"])
    values: dict[str, Any] = {
        "username": setup.address,
        "from_address": setup.address,
        "security": Security.TLS,
        "port": STANDARD_PORTS[protocol, Security.TLS],
    }
    if proposed := proposal(setup, setup.typed["provider"], protocol):
        server = proposed[1]
        values |= {name: getattr(server, name) for name in SERVER_FIELDS}
    elsewhere = {*CHOSEN, OUTGOING}
    return values | {name: x for name, x in setup.typed.items() if name not in elsewhere}


def suggested(setup: Setup, protocols: Sequence[Protocol]) -> dict[str, str]:
    """Return what is chosen on the page of types before anybody has chosen."""
    provider = offers(setup)[0].key if setup.found else OTHER
    fitting = [one for one in protocols if proposal(setup, provider, one)]
    chosen = {"provider": provider, "protocol": next(iter(fitting or protocols), "")}
    return chosen | {name: setup.typed[name] for name in CHOSEN if name in setup.typed}


def latest(owner: User, address: str) -> Setup | None:
    """Return the last walk through the pages for an address."""
    return Setup.objects.filter(owner=owner, address__iexact=address).order_by("-id").first()


def proposed_outgoing(account: ExternalAccount) -> Server | None:
    """Return the server for sending that was found while the account was added, if any."""
    begun = latest(account.owner, account.address)
    if begun is None:
        return None
    chosen = proposal(begun, begun.typed.get("provider", ""), Protocol.SMTP)
    told = chosen or findings.first_of(found(begun), Protocol.SMTP)
    return told[1] if told else None


def takes_passwords(provider: str) -> bool:
    """Tell whether a provider lets anybody in by password; of others nothing is known."""
    known = providers.by_key(provider)
    return known is None or known.passwords


def last_failed(setup: Setup) -> Probe | None:
    """Return the latest test of these settings if it failed: its password serves once more."""
    latest = Probe.objects.filter(setup=setup).order_by("-id").first()
    return latest if latest and latest.state == ProbeState.FAILED else None


def last_passed(setup: Setup) -> Probe | None:
    """Return the test of incoming mail that led on to sending, while it is kept."""
    passed = Probe.objects.filter(setup=setup, state=ProbeState.PASSED, kind=ProbeKind.SETTINGS)
    return passed.order_by("-id").first()


def run_waiting_look_ups(now: datetime) -> int:
    """Claim and run the look-ups that wait, one after the other; return how many were run."""
    forget_old(now)
    count = 0
    for setup in _claim_all(now):
        told = discovery.ask_network(setup.address, settings.GUARD)
        Setup.objects.filter(pk=setup.pk, lease_until=setup.lease_until).update(
            found=[finding.as_json() for finding in told], state=LookUp.DONE, lease_until=None
        )
        count += 1
    return count


def forget_old(now: datetime) -> None:
    """Delete what was begun more than a day ago."""
    old = Setup.objects.filter(created_at__lt=now - DAY)
    # Asked every second, so nothing may take the write lock while there is nothing to write.
    if old.exists():
        old.delete()


def _check_rate(owner: User, domain: str, now: datetime) -> None:
    asked = Setup.objects.filter(asks_network=True)
    check_turn(asked.filter(owner=owner), "limit.lookups", most=LOOK_UPS_AN_HOUR, now=now)
    there = asked.filter(domain=domain)
    check_turn(there, "limit.host", most=LOOK_UPS_AN_HOUR_AND_DOMAIN, now=now)


def _claim_all(now: datetime) -> Iterator[Setup]:
    lapsed = Q(state=LookUp.RUNNING, lease_until__lt=now)
    free = Setup.objects.filter(Q(state=LookUp.WAITING) | lapsed).order_by("id")
    for key in free.values_list("pk", flat=True)[:20]:
        if free.filter(pk=key).update(state=LookUp.RUNNING, lease_until=now + LEASE):
            yield Setup.objects.get(pk=key)


def _keepable(typed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was typed without NUL: a form refuses it too late, and PostgreSQL keeps none."""
    return {name: x.replace("\0", "") if isinstance(x, str) else x for name, x in typed.items()}


def _name(key: str) -> str:
    known = providers.by_key(key)
    return known.name if known else key


def _family(key: str) -> str:
    return {"outlook": "microsoft365"}.get(key, key.partition("-own")[0].partition("-")[0])
