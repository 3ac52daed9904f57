"""Set-ups of domains, published by a real DNS server, and how mail from each will be taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from pytest_django import Settings

from accounts import alignment_checks
from accounts.alignment import Verdict, dmarc_policy, judge
from accounts.alignment_checks import DnsRecords, check_due
from accounts.models import Identity, OutgoingServer
from accounts.spf import organisation
from tests.builders import make_account, make_user
from tests.servers.names import Names, run_names

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GMAIL, OFFICE, OWN = "smtp.gmail.com", "smtp.office365.com", "mail.contoh.co.id"
KEY = '"v=DKIM1; k=rsa; p=MIIBIjANBg"'


def spf(text: str) -> list[str]:
    """Write a TXT record among others, in two strings as long ones are."""
    middle = len(text) // 2
    return ['"google-site-verification=x"', f'"{text[:middle]}" "{text[middle:]}"']


# What contoh.co.id publishes, beside what everybody does; the server that is sent through.
SETUPS: dict[str, tuple[dict[tuple[str, str], list[str]], str, Verdict]] = {
    "its own server by a": (
        {("contoh.co.id", "TXT"): spf("v=spf1 a:mail.contoh.co.id -all")},
        OWN,
        Verdict.ALIGNED,
    ),
    "its own server by mx": (
        {
            ("contoh.co.id", "TXT"): spf("v=spf1 mx ~all"),
            ("contoh.co.id", "MX"): ["10 mail.contoh.co.id."],
        },
        OWN,
        Verdict.ALIGNED,
    ),
    "its own server by network": (
        {("contoh.co.id", "TXT"): spf("v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all")},
        OWN,
        Verdict.ALIGNED,
    ),
    "its own server by an include of its own": (
        {
            ("contoh.co.id", "TXT"): spf("v=spf1 include:_spf.contoh.co.id -all"),
            ("_spf.contoh.co.id", "TXT"): spf("v=spf1 ip6:2001:db8::25 ?all"),
        },
        OWN,
        Verdict.ALIGNED,
    ),
    "its own server, by the network beside it": (
        {("contoh.co.id", "TXT"): spf("v=spf1 a:www.contoh.co.id/24 -all")},
        OWN,
        Verdict.ALIGNED,
    ),
    "Google by include": (
        {("contoh.co.id", "TXT"): spf("v=spf1 include:_spf.google.com ~all")},
        GMAIL,
        Verdict.ALIGNED,
    ),
    "Microsoft by redirect": (
        {("contoh.co.id", "TXT"): spf("v=spf1 redirect=spf.protection.outlook.com")},
        OFFICE,
        Verdict.ALIGNED,
    ),
    "everybody": ({("contoh.co.id", "TXT"): spf("v=spf1 +all")}, GMAIL, Verdict.ALIGNED),
    "another server, its own include does not list it": (
        {
            ("contoh.co.id", "TXT"): spf("v=spf1 include:_spf.contoh.co.id -all"),
            ("_spf.contoh.co.id", "TXT"): spf("v=spf1 ip4:198.51.100.1 -all"),
        },
        OWN,
        Verdict.UNLISTED,
    ),
    "another server, and nothing asked for": (
        {("contoh.co.id", "TXT"): spf("v=spf1 include:_spf.google.com -all")},
        OFFICE,
        Verdict.UNLISTED,
    ),
    "another server, and only a watching DMARC": (
        {
            ("contoh.co.id", "TXT"): spf("v=spf1 include:_spf.google.com -all"),
            ("_dmarc.contoh.co.id", "TXT"): ['"v=DMARC1; p=none; rua=mailto:a@contoh.co.id"'],
        },
        OFFICE,
        Verdict.UNLISTED,
    ),
    "another server, excluded before all": (
        {("contoh.co.id", "TXT"): spf("v=spf1 -a:mail.contoh.co.id +all")},
        OWN,
        Verdict.UNLISTED,
    ),
    "another server, quarantine": (
        {
            ("contoh.co.id", "TXT"): spf("v=spf1 include:_spf.google.com -all"),
            ("_dmarc.contoh.co.id", "TXT"): ['"v=DMARC1;p=quarantine"'],
        },
        OWN,
        Verdict.JUNK,
    ),
    "another server, reject": (
        {
            ("contoh.co.id", "TXT"): spf("v=spf1 -all"),
            ("_dmarc.contoh.co.id", "TXT"): ['"v=DMARC1; p=reject"'],
        },
        GMAIL,
        Verdict.REFUSED,
    ),
    "another server, but the domain has its key": (
        {
            ("contoh.co.id", "TXT"): spf("v=spf1 -all"),
            ("google._domainkey.contoh.co.id", "TXT"): [KEY],
            ("_dmarc.contoh.co.id", "TXT"): ['"v=DMARC1; p=reject"'],
        },
        GMAIL,
        Verdict.LIKELY,
    ),
    "another server, whose key was taken back": (
        {
            ("contoh.co.id", "TXT"): spf("v=spf1 -all"),
            ("google._domainkey.contoh.co.id", "TXT"): ['"v=DKIM1; p="'],
            ("_dmarc.contoh.co.id", "TXT"): ['"v=DMARC1; p=reject"'],
        },
        GMAIL,
        Verdict.REFUSED,
    ),
    "its own server, not listed but with a key": (
        {
            ("contoh.co.id", "TXT"): spf("v=spf1 include:_spf.google.com -all"),
            ("default._domainkey.contoh.co.id", "TXT"): [KEY],
        },
        OWN,
        Verdict.LIKELY,
    ),
    "nothing at all": ({}, GMAIL, Verdict.OPEN),
    "no SPF, but reject": (
        {("_dmarc.contoh.co.id", "TXT"): ['"v=DMARC1; p=reject"']},
        GMAIL,
        Verdict.REFUSED,
    ),
    "two SPF records": (
        {("contoh.co.id", "TXT"): ['"v=spf1 a -all"', '"v=spf1 mx -all"']},
        GMAIL,
        Verdict.BROKEN,
    ),
    "an SPF record with a mistake": (
        {("contoh.co.id", "TXT"): spf("v=spf1 ip4:300.1.1.1 -all")},
        OWN,
        Verdict.BROKEN,
    ),
    "an include of nothing": (
        {("contoh.co.id", "TXT"): spf("v=spf1 include:nothing.example -all")},
        OWN,
        Verdict.BROKEN,
    ),
    "an SPF record that includes itself": (
        {("contoh.co.id", "TXT"): spf("v=spf1 include:contoh.co.id -all")},
        OWN,
        Verdict.BROKEN,
    ),
    "macros, which nobody here can judge": (
        {
            ("contoh.co.id", "TXT"): spf(
                "v=spf1 exists:%{i}.list.contoh.co.id a:mail.contoh.co.id -all"
            )
        },
        OWN,
        Verdict.ALIGNED,
    ),
}
EVERYBODY = {
    (GMAIL, "A"): ["198.51.100.10"],
    (OFFICE, "A"): ["198.51.100.20"],
    (OWN, "A"): ["192.0.2.25"],
    (OWN, "AAAA"): ["2001:db8::25"],
    ("www.contoh.co.id", "A"): ["192.0.2.80"],
    ("gmail.com", "TXT"): ['"v=spf1 redirect=_spf.google.com"'],
    ("_spf.google.com", "TXT"): ['"v=spf1 ip4:203.0.113.64/26 ~all"'],
    ("spf.protection.outlook.com", "TXT"): ['"v=spf1 ip4:203.0.113.128/26 -all"'],
    ("_dmarc.yahoo.com", "TXT"): ['"v=DMARC1; p=reject;"'],
    ("yahoo.com", "TXT"): ['"v=spf1 ip4:203.0.113.1 -all"'],
}


@pytest.fixture(scope="module")
def names() -> Iterator[Names]:
    with run_names() as server:
        yield server


@pytest.fixture
def records(names: Names, settings: Settings) -> DnsRecords:
    """Ask the real server, as a worker does."""
    settings.GUARD = replace(settings.GUARD, nameserver=names.guard.nameserver)
    names.records = dict(EVERYBODY)
    names.silent = set()
    return DnsRecords()


@pytest.mark.parametrize("name", SETUPS)
def test_a_domains_set_up_is_judged_right(name: str, names: Names, records: DnsRecords) -> None:
    published, server, verdict = SETUPS[name]
    names.records |= published
    assert judge("contoh.co.id", server, records) is verdict


@pytest.mark.parametrize(
    ("domain", "server", "verdict"),
    [
        ("gmail.com", GMAIL, Verdict.ALIGNED),
        ("yahoo.com", "smtp.mail.yahoo.com", Verdict.ALIGNED),
        ("yahoo.com", GMAIL, Verdict.REFUSED),
    ],
)
def test_addresses_of_great_providers_are_judged_right(
    domain: str, server: str, verdict: Verdict, records: DnsRecords
) -> None:
    assert judge(domain, server, records) is verdict


def test_a_subdomain_follows_its_organisation(names: Names, records: DnsRecords) -> None:
    names.records[("_dmarc.contoh.co.id", "TXT")] = ['"v=DMARC1; p=reject; sp=quarantine"']
    assert organisation("toko.jakarta.contoh.co.id") == "contoh.co.id"
    assert dmarc_policy("contoh.co.id", records) == "reject"
    assert dmarc_policy("toko.contoh.co.id", records) == "quarantine"
    names.records[("_dmarc.toko.contoh.co.id", "TXT")] = ['"v=DMARC1; p=none"']
    assert dmarc_policy("toko.contoh.co.id", records) == "none"
    assert judge("toko.contoh.co.id", GMAIL, records) is Verdict.OPEN


def identity_of(domain: str, host: str = "") -> Identity:
    """Make an address, sent through a server of its own where one is named."""
    account = make_account(make_user(), address=f"siti@{domain}")
    if host:
        OutgoingServer.objects.create(
            account=account, host=host, port=465, security="tls", username="siti"
        )
    return Identity.objects.create(
        owner=account.owner, account=account, address=account.address, alignment_due_at=NOW
    )


@pytest.mark.django_db
def test_a_worker_looks_it_up_once_a_day_and_the_page_only_tells(
    names: Names, records: DnsRecords, client: Client
) -> None:
    names.records |= SETUPS["another server, reject"][0]
    identity = identity_of("contoh.co.id", GMAIL)
    client.force_login(identity.owner)
    names.heard.clear()
    assert (
        "contoh.co.id does not list" not in client.get("/settings/send-mail-as/").content.decode()
    )
    assert not names.heard, "no web request asks the DNS"
    assert check_due(NOW) == 1
    page = client.get("/settings/send-mail-as/").content.decode()
    assert f"it does not list {GMAIL}. Most recipients will not get it." in page
    assert check_due(NOW + timedelta(hours=23)) == 0
    names.records |= SETUPS["Google by include"][0]
    assert check_due(NOW + timedelta(days=1)) == 1
    assert Identity.objects.get().alignment == Verdict.ALIGNED
    assert "Most recipients" not in client.get("/settings/send-mail-as/").content.decode()


@pytest.mark.django_db
def test_without_a_server_nothing_is_looked_up_and_our_relay_counts_as_one(
    names: Names, records: DnsRecords, settings: Settings
) -> None:
    names.records |= SETUPS["nothing at all"][0]
    identity_of("contoh.co.id")
    names.heard.clear()
    check_due(NOW)
    assert not names.heard
    settings.EMAIL_URL, settings.EMAIL_HOST = "smtp://relay", "relay.muara.example"
    alignment_checks.look_again(Identity.objects.all(), now=NOW)
    check_due(NOW)
    kept = Identity.objects.get()
    assert (kept.alignment, kept.alignment_server) == (Verdict.OPEN, "relay.muara.example")


@pytest.mark.django_db
def test_what_can_not_be_looked_up_is_not_warned_of_and_tried_again_soon(
    names: Names, records: DnsRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alignment_checks, "QUESTION_SECONDS", 0.2)
    names.silent = {"contoh.co.id"}
    identity_of("contoh.co.id", GMAIL)
    check_due(NOW)
    kept = Identity.objects.get()
    assert kept.alignment == Verdict.UNKNOWN
    assert kept.alignment_due_at == NOW + timedelta(hours=1)
