"""Asks the network which servers a domain has for its mail, all sources at once, in five seconds.

No address leaves this machine, only its domain does. What comes back is a proposal: names that are
no public hosts, and ports that are not the standard ones, are dropped here already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from urllib.parse import urlsplit

import structlog

from accounts import autoconfig, providers
from accounts.findings import Finding, Source, of_provider
from accounts.providers import Server
from wire.addresses import is_allowed
from wire.dial import ascii_name
from wire.dns import mail_exchangers, services
from wire.endpoint import STANDARD_PORTS, Endpoint, Protocol, Security
from wire.errors import MailError
from wire.greeting import greets
from wire.guard import Guard
from wire.http import open_http

SECONDS = 5.0
# A little less, so that whoever is slow has ended when the answer is given.
EACH_SECONDS = 4.5
OK = 200
PUBLISHED = (
    "https://autoconfig.{domain}/mail/config-v1.1.xml",
    "https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml",
)
# RFC 6186 and, for submission with TLS from the first byte, RFC 8314 section 5.1.
ANNOUNCED = {
    "_pop3s": (Protocol.POP3, Security.TLS),
    "_pop3": (Protocol.POP3, Security.STARTTLS),
    "_imaps": (Protocol.IMAP, Security.TLS),
    "_imap": (Protocol.IMAP, Security.STARTTLS),
    "_submissions": (Protocol.SMTP, Security.TLS),
    "_submission": (Protocol.SMTP, Security.STARTTLS),
}
# Usual names, the most telling first. None is tried without encryption.
USUAL = (
    *((Protocol.POP3, Security.TLS, name) for name in ("pop", "mail")),
    *((Protocol.IMAP, Security.TLS, name) for name in ("imap", "mail")),
    *((Protocol.SMTP, Security.TLS, name) for name in ("smtp", "mail")),
    *((Protocol.SMTP, Security.STARTTLS, name) for name in ("smtp", "mail")),
)

log = structlog.get_logger(__name__)
Ask = Callable[[], Finding | None]


def ask_network(address: str, guard: Guard) -> list[Finding]:
    """Return what the network says of an address's domain, the most trusted first; never raise.

    Whoever has not answered after five seconds is left out.
    """
    try:
        domain = ascii_name(address.rpartition("@")[2])
    except MailError:
        return []
    told = _answers(_asks(address, domain, guard))
    return _joined(finding for one in told if (finding := _checked(one, guard)).servers)


def _asks(address: str, domain: str, guard: Guard) -> list[Ask]:
    """Return all questions in the order of trust in their answers."""
    urls = [url.format(domain=domain) for url in PUBLISHED]
    guesses = [
        Server(protocol, f"{name}.{domain}", security, address)
        for protocol, security, name in USUAL
    ]
    return [
        *(partial(_published, url, address, guard) for url in urls),
        partial(_by_exchanger, domain, address, guard),
        *(partial(_announced, service, domain, address, guard) for service in ANNOUNCED),
        *(partial(_guessed, guess, guard) for guess in guesses),
    ]


def _answers(asks: list[Ask]) -> Iterator[Finding]:
    """Ask all at once; yield what came in time, in the order of the questions."""
    pool = ThreadPoolExecutor(max_workers=len(asks), thread_name_prefix="discovery")
    futures = [pool.submit(_answer, ask) for ask in asks]
    done = wait(futures, timeout=SECONDS).done
    # The threads of whoever is late end by themselves, by their own deadlines.
    pool.shutdown(wait=False, cancel_futures=True)
    return (told for one in futures if one in done and (told := one.result()))


def _answer(ask: Ask) -> Finding | None:
    try:
        return ask()
    except MailError:
        return None
    except Exception as error:  # noqa: BLE001 - strangers' answers; one bug must not hide the rest
        log.warning("discovery_broke", error=type(error).__name__)
        return None


def _published(url: str, address: str, guard: Guard) -> Finding | None:
    """Read the file that a domain publishes for mail programs."""
    with open_http(guard=guard, seconds=EACH_SECONDS, octets=autoconfig.LONGEST) as http:
        answer = http.get(url)
    if answer.status_code != OK:
        return None
    where = urlsplit(url).hostname or ""
    return Finding(Source.AUTOCONFIG, where, autoconfig.read(answer.content, address))


def _by_exchanger(domain: str, address: str, guard: Guard) -> Finding | None:
    """Recognise a provider by the hosts that take in the domain's mail."""
    for host in mail_exchangers(domain, guard=guard, seconds=EACH_SECONDS):
        if known := providers.by_mx(host):
            return of_provider(Source.MX, host, known, address)
    return None


def _announced(service: str, domain: str, address: str, guard: Guard) -> Finding | None:
    """Ask for one service of RFC 6186; what is announced on another port is refused."""
    protocol, security = ANNOUNCED[service]
    told = services(f"{service}._tcp.{domain}", guard=guard, seconds=EACH_SECONDS)
    hosts = [host for host, port in told if port == STANDARD_PORTS[protocol, security]]
    servers = tuple(Server(protocol, host, security, address) for host in hosts)
    return Finding(Source.SRV, domain, servers)


def _guessed(guess: Server, guard: Guard) -> Finding | None:
    """Keep a usual name that greets as it should and has a valid certificate."""
    endpoint = Endpoint(guess.host, guess.port, guess.security)
    if not greets(guess.protocol, endpoint, guard=guard, seconds=EACH_SECONDS):
        return None
    return Finding(Source.GUESS, guess.host, (guess,))


def _checked(finding: Finding, guard: Guard) -> Finding:
    """Drop servers that are no names, or private addresses."""
    kept = tuple(server for server in finding.servers if _may_be_dialled(server.host, guard))
    return replace(finding, servers=kept)


def _may_be_dialled(host: str, guard: Guard) -> bool:
    try:
        name = ascii_name(host)
    except MailError:
        return False
    try:
        return is_allowed(name, guard)
    except ValueError:
        return "." in name  # A name: what it leads to is checked when it is dialled.


def _joined(findings: Iterable[Finding]) -> list[Finding]:
    """Make one finding of all services announced, and one of all guesses."""
    joined: dict[tuple[Source, str], Finding] = {}
    for finding in findings:
        key = (finding.source, "" if finding.source == Source.GUESS else finding.where)
        first = joined.get(key)
        joined[key] = replace(first, servers=first.servers + finding.servers) if first else finding
    return list(joined.values())
