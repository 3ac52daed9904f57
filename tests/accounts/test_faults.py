"""Whether every kind of fault is named right, and how long that takes; FAULT_TABLE=file tells."""

from __future__ import annotations

import os
from collections import Counter
from ipaddress import ip_network
from pathlib import Path
from time import monotonic

import pytest
import trustme
from django.utils import timezone
from pytest_django import Settings

from accounts.certificates import rule_of
from accounts.explain import explain
from accounts.models import Probe, User
from accounts.models.probe import ProbeState
from accounts.onboarding import NewAccount, begin_probe, begin_sending_probe
from accounts.outgoing import NewOutgoing
from accounts.probe_runs import run_waiting_probes
from accounts.report import certificate_report_of
from tests.accounts.faults import FAULTS, Fault
from tests.builders import make_account, make_user
from tests.servers import certificates
from tests.servers.scripted import PASSWORD, USER
from tests.sweeps import IS_WHOLE, SEED, result, sample
from wire.endpoint import STANDARD_PORTS, Protocol, Security
from wire.guard import Guard

WAYS = {port: way for way, port in STANDARD_PORTS.items() if way[1] is not Security.PLAIN}
# A server that says nothing is given up by now; one that judges a password may take longer.
LONGEST_SECONDS = 15
NAMED = {fault.name for fault in FAULTS}


def ask(fault: Fault, owner: User) -> Probe:
    """Ask for the test that meets a fault."""
    protocol, security = WAYS[fault.port]
    now = timezone.now()
    if protocol is Protocol.SMTP:
        account = make_account(owner, address=USER)
        wanted = NewOutgoing(fault.host, fault.port, security, USER, PASSWORD)
        return begin_sending_probe(account, wanted, now=now)
    fields = (fault.host, fault.port, security, USER, PASSWORD)
    return begin_probe(owner, NewAccount(USER, "", protocol, *fields), now=now, limited=False)


def meet(fault: Fault, authority: trustme.CA, settings: Settings) -> tuple[Probe, float]:
    """Let a test meet a fault; return how it ended, and after how many seconds."""
    User.objects.all().delete()
    settings.GUARD = Guard()
    probe = ask(fault, make_user())
    began = monotonic()
    if fault.make is not None:
        with fault.make(authority) as server:
            settings.GUARD = server.guard
            run_waiting_probes(timezone.now())
    else:
        if not fault.is_open:
            nobody = ("127.0.0.1", 9)
            settings.GUARD = Guard((ip_network("127.0.0.0/8"),), {(fault.host, fault.port): nobody})
        run_waiting_probes(timezone.now())
    probe.refresh_from_db()
    return probe, monotonic() - began


def verdict_of(probe: Probe) -> str:
    if probe.state == ProbeState.PASSED:
        return "no_uidl" if probe.facts.get("no_uidl") else "passed"
    return probe.code


@pytest.fixture
def trusted(authority_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", authority_file)


@pytest.mark.timeout(600)
@pytest.mark.django_db
@pytest.mark.usefixtures("trusted")
def test_faults_are_named_right(authority: trustme.CA, settings: Settings) -> None:
    quick = [n for n, x in enumerate(FAULTS) if IS_WHOLE or x.verdict != "conn.timeout"]
    chosen = [FAULTS[number] for number in sample(quick, 12)]
    rows, wrong = [], Counter[str]()
    for fault in chosen:
        probe, seconds = meet(fault, authority, settings)
        found = verdict_of(probe)
        if found != fault.verdict or seconds > LONGEST_SECONDS:
            wrong[f"{fault.name}: {found} after {seconds:.1f} s"] += 1
        rows.append((fault.name, fault.server, found, f"{seconds:.1f}"))
    if report := os.environ.get("FAULT_TABLE"):
        lines = (" | ".join(row) for row in [("fault", "server", "verdict", "seconds"), *rows])
        Path(report).write_text("\n".join(lines) + "\n")
    told = result("faults named right", len(chosen), len(FAULTS), wrong)
    assert len(NAMED) >= 24
    assert not wrong, f"{told} (MUARA_SEED={SEED})"


RULES = {
    "self signed": "signed by nobody but itself",
    "unknown issuer": "is not recognised",
    "missing intermediate": "an intermediate certificate is missing",
    "expired": "it ended on",
    "not yet valid": "it begins on",
    "wrong name": "None of its names is pop.example.org",
    "common name only": "a common name alone counts no more",
    "for clients only": "not made for a server",
}


@pytest.mark.django_db
@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("name", RULES)
def test_a_refused_certificate_is_shown_with_the_rule_that_failed(
    authority: trustme.CA, settings: Settings, name: str
) -> None:
    fault = next(x for x in FAULTS if x.name == f"certificate: {name}")
    probe, _ = meet(fault, authority, settings)
    assert (probe.code, probe.step) == (certificates.BAD[name][1], "tls")
    assert RULES[name] in rule_of(probe)
    shown = certificate_report_of(probe)
    assert all(word in shown for word in ("Subject: ", "Issuer: ", "Valid: ", "SHA-256: "))
    assert explain(probe.code, probe.facts).title.rstrip(".") in shown
    assert USER not in shown
