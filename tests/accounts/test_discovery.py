"""Discovery against real servers on loopback: DNS, HTTPS and mail servers with certificates."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
import trustme
from django.utils import timezone
from pytest_django import Settings

from accounts import setups
from accounts.discovery import SECONDS, ask_network
from accounts.findings import Finding, Source, first_of
from accounts.models.setup import LookUp
from accounts.providers import Server
from tests.accounts.test_autoconfig import FILE
from tests.builders import make_user
from tests.servers import certificates
from tests.servers.names import Names, run_names
from tests.servers.scripted import MailServer, Pop3Server, Talk
from tests.servers.scripted_imap import ImapServer
from tests.servers.scripted_smtp import SmtpServer
from tests.servers.web import Web, page, run_web
from wire.endpoint import Protocol, Security
from wire.guard import Guard

DOMAIN, ADDRESS = "contoh.example", "siti@contoh.example"
CONFIG = "/mail/config-v1.1.xml"
WELL_KNOWN = "/.well-known/autoconfig/mail/config-v1.1.xml"


@dataclass
class Domain:
    """A domain with nothing but what a test gives it."""

    authority: trustme.CA
    names: Names
    stack: ExitStack
    connect_to: dict[tuple[str, int], tuple[str, int]]

    @property
    def guard(self) -> Guard:
        return Guard(connect_to=self.connect_to, nameserver=("127.0.0.1", self.names.port))

    def publish(self, host: str, *, trusted: bool = True) -> Web:
        """Run a web server under a name of the domain."""
        good, bad = certificates.good_for, certificates.self_signed
        context = good(self.authority, host) if trusted else bad(self.authority)
        web = self.stack.enter_context(run_web(context))
        self.connect_to[host, 443] = ("127.0.0.1", web.port)
        return web

    def run(self, kind: type[MailServer], host: str, **options: object) -> MailServer:
        """Run a mail server under a name of the domain."""
        context = certificates.good_for(self.authority, host)
        server = kind(context=context, name=host, **options)  # type: ignore[arg-type]  # by name
        self.stack.enter_context(server)
        self.connect_to |= server.guard.connect_to
        return server

    def found(self) -> list[Finding]:
        return ask_network(ADDRESS, self.guard)


@pytest.fixture
def domain(
    authority: trustme.CA, authority_file: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Domain]:
    monkeypatch.setenv("SSL_CERT_FILE", authority_file)
    with ExitStack() as stack:
        names = stack.enter_context(run_names())
        # Whatever a test does not run is nobody's: it must not be looked for outside.
        hosts = [DOMAIN, *(f"{x}.{DOMAIN}" for x in ("autoconfig", "pop", "imap", "smtp", "mail"))]
        nobody = ("127.0.0.1", 9)
        ports = (443, 995, 993, 465, 587)
        yield Domain(
            authority, names, stack, {(host, port): nobody for host in hosts for port in ports}
        )


def server(finding: Finding, protocol: Protocol) -> Server:
    told = first_of([finding], protocol)
    assert told
    return told[1]


def test_a_domain_that_says_nothing_is_known_by_nobody(domain: Domain) -> None:
    assert domain.found() == []
    assert {name for name, _kind in domain.names.heard} >= {DOMAIN, f"_imaps._tcp.{DOMAIN}"}


@pytest.mark.parametrize("place", [(f"autoconfig.{DOMAIN}", CONFIG), (DOMAIN, WELL_KNOWN)])
def test_what_the_domain_publishes_itself_is_proposed(
    domain: Domain, place: tuple[str, str]
) -> None:
    host, path = place
    web = domain.publish(host)
    web.sends[path] = page(FILE.encode(), Content_Type="application/xml")
    [finding] = domain.found()
    assert (finding.source, finding.where, finding.provider) == (Source.AUTOCONFIG, host, "")
    assert server(finding, Protocol.IMAP).host == f"imap.{DOMAIN}"
    assert server(finding, Protocol.POP3).security == Security.STARTTLS
    assert not any("siti" in request for request in web.heard)


def test_a_publisher_without_a_valid_certificate_is_not_believed(domain: Domain) -> None:
    web = domain.publish(f"autoconfig.{DOMAIN}", trusted=False)
    web.sends[CONFIG] = page(FILE.encode())
    assert domain.found() == []
    assert web.heard == []


def test_published_servers_in_private_networks_and_on_other_ports_are_refused(
    domain: Domain,
) -> None:
    odd = FILE.replace(f"imap.{DOMAIN}", "10.0.0.1").replace("mail.%EMAILDOMAIN%", "localhost")
    domain.publish(DOMAIN).sends[WELL_KNOWN] = page(odd.encode())
    [finding] = domain.found()
    assert {one.host for one in finding.servers} == {f"smtp.{DOMAIN}"}


def test_a_provider_is_recognised_by_the_exchanger(domain: Domain) -> None:
    domain.names.records[DOMAIN, "MX"] = ["10 alt1.aspmx.l.google.com.", "1 aspmx.l.google.com."]
    [finding] = domain.found()
    assert (finding.source, finding.provider) == (Source.MX, "google")
    assert finding.where == "aspmx.l.google.com"
    assert server(finding, Protocol.POP3).username == ADDRESS


def test_announced_services_are_one_finding_and_only_on_standard_ports(domain: Domain) -> None:
    domain.names.records |= {
        (f"_pop3s._tcp.{DOMAIN}", "SRV"): ["0 0 995 surat.lain.example."],
        (f"_imap._tcp.{DOMAIN}", "SRV"): ["0 0 143 surat.lain.example."],
        (f"_imaps._tcp.{DOMAIN}", "SRV"): ["0 0 22 surat.lain.example."],
        (f"_submission._tcp.{DOMAIN}", "SRV"): ["0 0 587 surat.lain.example."],
        (f"_submissions._tcp.{DOMAIN}", "SRV"): ["0 0 465 ."],
    }
    [finding] = domain.found()
    assert (finding.source, finding.where) == (Source.SRV, DOMAIN)
    told = {(one.protocol, one.security) for one in finding.servers}
    assert told == {
        (Protocol.POP3, Security.TLS),
        (Protocol.IMAP, Security.STARTTLS),
        (Protocol.SMTP, Security.STARTTLS),
    }


def test_usual_names_that_greet_with_a_valid_certificate_are_guessed(domain: Domain) -> None:
    pop = domain.run(Pop3Server, f"mail.{DOMAIN}")
    domain.run(ImapServer, f"imap.{DOMAIN}")
    domain.run(SmtpServer, f"mail.{DOMAIN}", security=Security.STARTTLS)
    [finding] = domain.found()
    assert finding.source == Source.GUESS
    assert {(one.protocol, one.host, one.port) for one in finding.servers} == {
        (Protocol.POP3, f"mail.{DOMAIN}", 995),
        (Protocol.IMAP, f"imap.{DOMAIN}", 993),
        (Protocol.SMTP, f"mail.{DOMAIN}", 587),
    }
    assert "USER" not in pop.heard().decode()


def test_a_wrong_certificate_or_a_wrong_greeting_is_no_guess(domain: Domain) -> None:
    web = domain.stack.enter_context(run_web(certificates.self_signed(domain.authority)))
    domain.connect_to[f"pop.{DOMAIN}", 995] = ("127.0.0.1", web.port)
    other = domain.run(ImapServer, f"imap.{DOMAIN}")
    other.behave("GREETING", lambda talk, _: talk.say("220 this is no IMAP"))
    assert domain.found() == []


def test_the_most_trusted_comes_first(domain: Domain) -> None:
    domain.run(Pop3Server, f"pop.{DOMAIN}")
    domain.names.records |= {
        (DOMAIN, "MX"): ["1 mx.zoho.eu."],
        (f"_pop3s._tcp.{DOMAIN}", "SRV"): [f"0 0 995 pop.{DOMAIN}."],
    }
    domain.publish(f"autoconfig.{DOMAIN}").sends[CONFIG] = page(FILE.encode())
    assert [finding.source for finding in domain.found()] == [
        *(Source.AUTOCONFIG, Source.MX, Source.SRV, Source.GUESS)
    ]


def test_silent_servers_hold_nobody_up_and_the_rest_is_told(
    domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.discovery.SECONDS", 1.0)
    monkeypatch.setattr("accounts.discovery.EACH_SECONDS", 0.9)
    domain.names.silent.add(f"_imaps._tcp.{DOMAIN}")
    held = domain.run(Pop3Server, f"pop.{DOMAIN}")
    held.behave("GREETING", hold)
    domain.names.records[DOMAIN, "MX"] = ["1 mx.zoho.eu."]
    began = time.monotonic()
    assert [finding.source for finding in domain.found()] == [Source.MX]
    assert time.monotonic() - began < SECONDS


def hold(talk: Talk, argument: str) -> None:
    talk.server.over.wait(10)


@pytest.mark.django_db
def test_a_worker_looks_up_what_waits_and_writes_down_what_was_found(
    domain: Domain, settings: Settings
) -> None:
    settings.GUARD = domain.guard
    domain.names.records[DOMAIN, "MX"] = ["1 mx.zoho.eu."]
    now = timezone.now()
    setup = setups.begin(make_user(), ADDRESS, now=now)
    assert setups.is_searching(setup, now)
    assert setups.run_waiting_look_ups(now) == 1
    assert setups.run_waiting_look_ups(now) == 0
    setup.refresh_from_db()
    assert setup.state == LookUp.DONE
    assert not setups.is_searching(setup, now)
    assert [offer.key for offer in setups.offers(setup)][:2] == ["zoho-own-eu", "google"]
    proposed = setups.proposal(setup, "zoho-own-eu", Protocol.POP3)
    assert proposed
    assert proposed[1].host == "poppro.zoho.eu"


@pytest.mark.django_db
def test_a_look_up_whose_worker_died_is_taken_up_again(domain: Domain, settings: Settings) -> None:
    settings.GUARD = domain.guard
    now = timezone.now()
    setup = setups.begin(make_user(), ADDRESS, now=now)
    setup.state, setup.lease_until = LookUp.RUNNING, now + setups.LEASE
    setup.save()
    assert setups.run_waiting_look_ups(now) == 0
    assert setups.run_waiting_look_ups(now + 2 * setups.LEASE) == 1
