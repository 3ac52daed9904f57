"""Asks the DNS what a domain says of its mail: MX, SRV, TXT and addresses, in a time limit.

Addresses of hosts are looked up where they are dialled and checked (``wire.dial``); what is found
here is only ever a name. dnspython is heavy, so it is loaded by the first question.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from wire.dial import ascii_name
from wire.errors import ConnectionFailed
from wire.guard import Guard

# More than a serious domain has; the rest of a longer answer is not looked at.
RECORDS = 20
# Of a large organisation: every service that it uses asked for one.
TEXTS = 200


class Service(NamedTuple):
    """Where a service of a domain is offered (RFC 2782)."""

    host: str
    port: int


def mail_exchangers(domain: str, *, guard: Guard, seconds: float) -> list[str]:
    """Return the hosts that take in a domain's mail, most wanted first (RFC 5321 section 5.1).

    Nothing for a domain that has none or says that it takes no mail (RFC 7505). Raise
    ConnectionFailed when nobody answers in time.
    """
    ranked = sorted(_ask(domain, "MX", guard, seconds), key=lambda record: record.preference)
    return [host for record in ranked if (host := _host(record.exchange.to_text()))]


def services(name: str, *, guard: Guard, seconds: float) -> list[Service]:
    """Return where ``_pop3s._tcp.example.org`` and the like point, most wanted first (RFC 6186).

    Nothing where the service is not offered. Raise ConnectionFailed when nobody answers in time.
    """
    found = _ask(name, "SRV", guard, seconds)
    ranked = sorted(found, key=lambda record: (record.priority, -record.weight))
    named = ((_host(record.target.to_text()), record.port) for record in ranked)
    return [Service(host, port) for host, port in named if host]


def addresses(name: str, *, guard: Guard, seconds: float) -> list[str]:
    """Return the IPv4 and IPv6 addresses of a name, to compare and not to dial.

    Raise ConnectionFailed when nobody answers in time.
    """
    found = [*_ask(name, "A", guard, seconds), *_ask(name, "AAAA", guard, seconds)]
    return [str(record.address) for record in found]


def texts(name: str, *, guard: Guard, seconds: float) -> list[str]:
    """Return the TXT records of a name. Raise ConnectionFailed when nobody answers in time."""
    found = _ask(name, "TXT", guard, seconds, most=TEXTS)
    return [b"".join(record.strings).decode("ascii", "replace") for record in found]


def _ask(name: str, kind: str, guard: Guard, seconds: float, *, most: int = RECORDS) -> list[Any]:
    """Return the records of a kind, which have the fields of that kind."""
    from dns.exception import DNSException, Timeout  # noqa: PLC0415 - see above
    from dns.resolver import NXDOMAIN, NoAnswer  # noqa: PLC0415

    try:
        return list(
            _resolver(guard).resolve(ascii_name(name), kind, search=False, lifetime=seconds)
        )[:most]
    except (NXDOMAIN, NoAnswer):
        return []
    except Timeout as error:
        raise ConnectionFailed("conn.timeout") from error
    except (DNSException, OSError) as error:
        raise ConnectionFailed("conn.dns") from error


def _resolver(guard: Guard) -> Any:
    from dns.resolver import Resolver  # noqa: PLC0415 - see above

    if guard.nameserver is None:
        return Resolver()
    resolver = Resolver(configure=False)
    host, port = guard.nameserver
    resolver.nameservers, resolver.port = [host], port
    return resolver


def _host(text: str) -> str:
    """Return a host's name without its final dot; "" for the root, which means none."""
    try:
        return ascii_name(text) if text != "." else ""
    except ConnectionFailed:
        return ""
