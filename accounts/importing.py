"""Many accounts at once: each row of a table becomes a test that workers run, or a refusal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import onboarding
from accounts.explain import Explanation, explain, explain_once
from accounts.findings import from_table
from accounts.forms.adding import AccountForm
from accounts.models import Batch, Probe, User
from accounts.models.probe import ProbeState
from accounts.policy import Policy, policy_of
from accounts.providers import best
from accounts.refusals import AccountRefused
from accounts.roster import NewAccount
from accounts.troubles import Step
from accounts.turns import check_turn
from wire.endpoint import Protocol

DAY = timedelta(days=1)
# So that a table is no port scanner, and tries no list of passwords on one mailbox.
ROWS_AN_HOUR = 50
ROWS_AN_HOUR_AND_HOST = 150
TRIES_AN_HOUR_AND_MAILBOX = 2
Row = dict[str, str]
Problem = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a row: ``tone`` is "ok", "busy" or "danger"; ``problems`` name columns."""

    row: int
    address: str
    tone: str
    problems: Sequence[Problem] = ()
    reason: Explanation | None = None
    probe: Probe | None = None


@transaction.atomic
def begin_import(owner: User, rows: Sequence[Row], *, now: datetime) -> Batch:
    """Ask for a test of each row that may be tested, and note why the others are refused."""
    # The owner's row is the lock: two tables at a time cannot slip through the limits together.
    User.objects.select_for_update().get(pk=owner.pk)
    Batch.objects.for_user(owner).filter(created_at__lt=now - DAY).delete()
    batch = Batch.objects.create(owner=owner, created_at=now)
    policy, seen = policy_of(owner), set[str]()
    for number, row in enumerate(rows, start=1):
        address = row.get("address", "")
        twice = address.lower() in seen
        seen.add(address.lower())
        problems = [_twice()] if twice else _begin(batch, number, row, policy, now)
        if problems:
            batch.refused.append({"row": number, "address": address, "problems": problems})
    batch.save(update_fields=["refused"])
    return batch


def verdicts(batch: Batch) -> list[Verdict]:
    """Return how every row stands, in the order of the file."""
    refused = [
        Verdict(one["row"], one["address"], "danger", tuple(map(tuple, one["problems"])))
        for one in batch.refused
    ]
    tested = map(_verdict, batch.probes.select_related("account"))
    return sorted([*refused, *tested], key=lambda verdict: verdict.row)


def _verdict(probe: Probe) -> Verdict:
    tone = {ProbeState.PASSED: "ok", ProbeState.FAILED: "danger"}.get(ProbeState(probe.state))
    return Verdict(probe.row, probe.address, tone or "busy", (), _reason(probe), probe)


def _reason(probe: Probe) -> Explanation | None:
    """Say why a row was not added; a table cannot lead to a provider's own pages."""
    if not probe.code:
        return None
    words = explain_once(probe.code, probe.facts)
    if words.step is not Step.AUTHENTICATE:
        return words
    alone = _("Add this account by itself, on the page “Add account”, by signing in there.")
    return replace(words, advice=alone)


def _begin(batch: Batch, number: int, row: Row, policy: Policy, now: datetime) -> list[Problem]:
    """Ask for the test of one row; return what stands against it instead, if anything does."""
    protocol = row.get("protocol") or Protocol.POP3
    if protocol not in (Protocol.POP3, Protocol.IMAP):
        return [(_("Account type"), _("Only POP3 and IMAP are known."))]
    form = AccountForm(_filled(row, Protocol(protocol)), policy=policy, protocol=Protocol(protocol))
    if not form.is_valid():
        return list(_problems(form))
    wanted = form.wanted_for(form.cleaned_data["address"])
    try:
        _check_rate(batch.owner, wanted, now)
        probe = onboarding.begin_probe(batch.owner, wanted, now=now, limited=False)
    except AccountRefused as error:
        words = explain(error.code, error.facts)
        return [("", f"{words.title} {words.advice}")]
    Probe.objects.filter(pk=probe.pk).update(batch=batch, row=number)
    return []


def _filled(row: Row, protocol: Protocol) -> dict[str, Any]:
    """Fill in a known provider's server where the row names none, and TLS where no encryption."""
    finding = None if row.get("host") else from_table(row.get("address", ""))
    server = best(finding.servers, protocol) if finding else None
    known = {"host": server.host, "username": server.username} if server else {}
    security = server.security.value if server else "tls"
    return {"security": security} | known | {name: value for name, value in row.items() if value}


def _problems(form: AccountForm) -> Iterator[Problem]:
    for name, errors in form.errors.items():
        label = form[name].label if name in form.fields else ""
        yield from ((str(label), str(error)) for error in errors)


def _twice() -> Problem:
    return _("Email address"), _("This address stands in the table twice.")


def _check_rate(owner: User, wanted: NewAccount, now: datetime) -> None:
    rows = Probe.objects.filter(batch__isnull=False)
    there = Probe.objects.filter(host__iexact=wanted.host)
    mailbox = there.filter(username__iexact=wanted.username)
    check_turn(rows.for_user(owner), "limit.tests", most=ROWS_AN_HOUR, now=now)
    check_turn(mailbox, "limit.tests", most=TRIES_AN_HOUR_AND_MAILBOX, now=now)
    check_turn(there & rows, "limit.host", most=ROWS_AN_HOUR_AND_HOST, now=now)
