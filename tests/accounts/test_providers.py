"""The table of providers: every row loads, on standard ports only, and is found as people need."""

from __future__ import annotations

import json

import pytest
from django.utils import translation

from accounts import provider_help, providers
from accounts.findings import Source, from_json, from_table
from accounts.providers import FILE, Server, best
from wire.dial import ascii_name
from wire.endpoint import STANDARD_PORTS, Protocol, Security

ROWS = json.loads(FILE.read_text(encoding="utf-8"))
BY_DOMAIN = {
    "gmail.com": ("google", "pop.gmail.com", "imap.gmail.com", "smtp.gmail.com"),
    "outlook.co.id": (
        *("outlook", "outlook.office365.com", "outlook.office365.com", "smtp-mail.outlook.com"),
    ),
    "hotmail.co.id": (
        *("outlook", "outlook.office365.com", "outlook.office365.com", "smtp-mail.outlook.com"),
    ),
    "zoho.eu": ("zoho-eu", "pop.zoho.eu", "imap.zoho.eu", "smtp.zoho.eu"),
    "yahoo.co.id": (
        *("yahoo", "pop.mail.yahoo.com", "imap.mail.yahoo.com", "smtp.mail.yahoo.com"),
    ),
    "aol.com": ("aol", "pop.aol.com", "imap.aol.com", "smtp.aol.com"),
    "icloud.com": ("icloud", None, "imap.mail.me.com", "smtp.mail.me.com"),
    "gmx.com": ("gmx.com", "pop.gmx.com", "imap.gmx.com", "mail.gmx.com"),
    "gmx.de": ("gmx.net", "pop.gmx.net", "imap.gmx.net", "mail.gmx.net"),
    "web.de": ("webde", "pop3.web.de", "imap.web.de", "smtp.web.de"),
    "mail.com": ("mailcom", "pop.mail.com", "imap.mail.com", "smtp.mail.com"),
    "fastmail.com": ("fastmail", "pop.fastmail.com", "imap.fastmail.com", "smtp.fastmail.com"),
    "nathanael.llc": ("nathanael", *["mail.nathanael.llc"] * 3),
    "yandex.com": ("yandex", "pop.yandex.com", "imap.yandex.com", "smtp.yandex.com"),
    "bk.ru": ("mailru", "pop.mail.ru", "imap.mail.ru", "smtp.mail.ru"),
    "rambler.ru": ("rambler", "pop.rambler.ru", "imap.rambler.ru", "smtp.rambler.ru"),
    "t-online.de": (
        *("t-online", "securepop.t-online.de", "secureimap.t-online.de"),
        "securesmtp.t-online.de",
    ),
    "posteo.de": ("posteo", "posteo.de", "posteo.de", "posteo.de"),
    "qq.com": ("qq", None, "imap.qq.com", "smtp.qq.com"),
    "163.com": ("163", None, "imap.163.com", "smtp.163.com"),
    "naver.com": ("naver", "pop.naver.com", "imap.naver.com", "smtp.naver.com"),
    "titan.email": ("titan", "pop.titan.email", "imap.titan.email", "smtp.titan.email"),
}
BY_MX = {
    "aspmx.l.google.com": "google",
    "contoh-co-id.mail.protection.outlook.com": "microsoft365",
    "outlook-com.olc.protection.outlook.com": "outlook",
    "mx-apac.mail.gm0.yahoodns.net": "yahoo",
    "mx-aol.mail.gm0.yahoodns.net": "aol",
    "mx.zoho.com": "zoho-own",
    "mx2.zoho.in": "zoho-own-in",
    "in1-smtp.messagingengine.com": "fastmail",
    "mx1.hostinger.com": "hostinger",
    "mx2.titan.email": "titan",
    "mx01.mail.icloud.com": "icloud",
    "mx1.mail.ovh.net": "ovh",
    "mx00.kundenserver.de": "ionos",
    "smtp.secureserver.net": "godaddy",
    "mx1.emailsrvr.com": "rackspace",
    "spool.mail.gandi.net": "gandi",
    "mx.yandex.net": "yandex",
}


def hosts(address: str, servers: tuple[Server, ...]) -> list[str | None]:
    chosen = (best(servers, protocol) for protocol in Protocol)
    return [server.for_address(address).host if server else None for server in chosen]


def test_every_provider_loads_and_leaves_out_what_is_not_standard() -> None:
    known = {provider.key: provider for provider in providers.every()}
    assert len(known) == len(ROWS["providers"]) >= 170
    told = sum(len(row["servers"]) for row in ROWS["providers"])
    kept = [server for provider in known.values() for server in provider.servers]
    left_out = [
        fields
        for row in ROWS["providers"]
        for fields in row["servers"]
        if STANDARD_PORTS[Protocol(fields[0]), Security(fields[3])] != fields[2]
    ]
    assert told - len(kept) == len(left_out) > 10
    assert all(known[row["key"]].servers for row in ROWS["providers"])


def test_every_server_has_a_name_that_can_be_looked_up() -> None:
    for provider in providers.every():
        for server in provider.servers:
            filled = server.for_address(f"Siti.Rahma@{(*provider.domains, 'contoh.co.id')[0]}")
            assert "%" not in filled.host + filled.username
            assert ascii_name(filled.host) == filled.host


def test_the_file_names_its_source() -> None:
    assert "thunderbird/autoconfig" in ROWS["source"]
    assert "Mozilla Public License 2.0" in ROWS["source"]


@pytest.mark.parametrize("domain", BY_DOMAIN)
def test_a_provider_is_found_by_domain(domain: str) -> None:
    key, *wanted = BY_DOMAIN[domain]
    known = providers.by_domain(domain.upper())
    assert known
    assert known.key == key
    assert hosts(f"siti@{domain}", known.servers) == wanted


@pytest.mark.parametrize("host", BY_MX)
def test_a_provider_is_found_by_who_takes_in_the_mail(host: str) -> None:
    known = providers.by_mx(f"{host}.")
    assert known
    assert known.key == BY_MX[host]


def test_a_name_that_only_ends_alike_is_nobody() -> None:
    for host in ("mx.notgoogle.com", "com", "", "google.com.evil.example"):
        assert providers.by_mx(host) is None


def test_smartermail_is_the_domains_own_mail_host() -> None:
    known = providers.by_key("smartermail")
    assert known
    servers = [server.for_address("siti@Contoh.co.id") for server in known.servers]
    assert {(one.protocol, one.host, one.port) for one in servers} == {
        (Protocol.POP3, "mail.contoh.co.id", 995),
        (Protocol.IMAP, "mail.contoh.co.id", 993),
        (Protocol.SMTP, "mail.contoh.co.id", 587),
    }
    assert {one.username for one in servers} == {"siti@Contoh.co.id"}


def test_user_names_have_the_form_that_the_provider_wants() -> None:
    icloud = providers.by_key("icloud")
    assert icloud
    named = {
        server.protocol: server.for_address("siti@me.com").username for server in icloud.servers
    }
    assert named == {Protocol.IMAP: "siti", Protocol.SMTP: "siti@me.com"}


def test_microsoft_takes_no_passwords() -> None:
    without = {one.key for one in providers.every() if not one.passwords}
    assert {"outlook", "microsoft365"} <= without
    assert "google" not in without


def test_help_is_there_for_known_providers_in_both_languages() -> None:
    for key, said in provider_help.HELP.items():
        assert providers.by_key(key), key
        for step in said.steps:
            with translation.override("en"):
                english = str(step)
            with translation.override("id"):
                assert str(step) != english, english
        assert all(url.startswith("https://") for _words, url in said.links)
    names = [name for name, _link in provider_help.linked()]
    assert names == sorted(names)
    assert {"Google", "Yahoo", "iCloud", "Fastmail"} <= set(names)


def test_what_is_kept_of_a_finding_is_read_again() -> None:
    finding = from_table("siti@gmx.de")
    assert finding
    assert finding.source == Source.TABLE
    assert from_json(json.loads(json.dumps(finding.as_json()))) == finding
    assert from_table("siti@contoh.example") is None
