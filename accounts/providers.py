"""Mail providers we know by name: their servers by domain, by MX and by key, from providers.json.

Nothing here asks the network. ``accounts.provider_help`` has the words that go with some of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from accounts.models.account import SECURITIES
from wire.endpoint import STANDARD_PORTS, Protocol, Security

FILE = Path(__file__).with_suffix(".json")
# TLS from the first byte leaves an attacker the least to meddle with (RFC 8314 section 3).
PREFERENCE = [Security.TLS, Security.STARTTLS, Security.PLAIN]


@dataclass(frozen=True, slots=True)
class Server:
    """One way to a mailbox; its port follows from protocol and encryption.

    In a provider's own table ``host`` and ``username`` are patterns: %EMAILADDRESS%,
    %EMAILLOCALPART% and %EMAILDOMAIN% stand for the person's address and its parts.
    """

    protocol: Protocol
    host: str
    security: Security
    username: str = "%EMAILADDRESS%"

    @property
    def port(self) -> int:
        """Return the standard port."""
        return STANDARD_PORTS[self.protocol, self.security]

    @property
    def security_name(self) -> str:
        """Return the encryption as forms call it."""
        return str(dict(SECURITIES)[self.security.value])

    def for_address(self, address: str) -> Server:
        """Put the address and its parts in place of the marks."""
        local, _, domain = address.rpartition("@")
        marks = {"%EMAILADDRESS%": address, "%EMAILLOCALPART%": local, "%EMAILDOMAIN%": domain}
        host, username = self.host, self.username
        for mark, value in marks.items():
            host, username = host.replace(mark, value.lower()), username.replace(mark, value)
        return Server(self.protocol, host, self.security, username)


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider and its servers; ``passwords`` is off where only OAuth 2.0 signs in.

    ``oauth2`` has issuer, scope, auth_url and token_url where the provider publishes them.
    """

    key: str
    name: str
    domains: tuple[str, ...]
    mx: tuple[str, ...]
    servers: tuple[Server, ...]
    passwords: bool
    oauth2: Mapping[str, str]


def best(servers: Iterable[Server], protocol: Protocol) -> Server | None:
    """Return the server of a protocol with the best encryption; the first of equals."""
    fitting = [server for server in servers if server.protocol == protocol]
    return min(fitting, key=lambda one: PREFERENCE.index(one.security), default=None)


def by_key(key: str) -> Provider | None:
    """Return the provider of a key."""
    return _table().keys.get(key)


def by_domain(domain: str) -> Provider | None:
    """Return whose domain it is, whatever its case."""
    return _table().domains.get(domain.lower().rstrip("."))


def by_mx(host: str) -> Provider | None:
    """Return who takes in the mail that goes to a host, by the longest end of its name we know."""
    labels = host.lower().rstrip(".").split(".")
    ends = [".".join(labels[place:]) for place in range(len(labels) - 1)]
    known = _table()
    return next((found for end in ends if (found := known.mx.get(end) or by_domain(end))), None)


def every() -> Iterator[Provider]:
    """Return all providers, by key."""
    return iter(_table().keys.values())


@dataclass(frozen=True, slots=True)
class _Table:
    keys: Mapping[str, Provider]
    domains: Mapping[str, Provider]
    mx: Mapping[str, Provider]


@cache
def _table() -> _Table:
    rows = json.loads(FILE.read_text(encoding="utf-8"))["providers"]
    found = [provider for row in rows if (provider := _provider(row)).servers]
    return _Table(
        keys={one.key: one for one in found},
        domains={domain: one for one in found for domain in one.domains},
        mx={end: one for one in found for end in one.mx},
    )


def _provider(row: Mapping[str, Any]) -> Provider:
    return Provider(
        key=row["key"],
        name=row["name"],
        domains=tuple(row["domains"]),
        mx=tuple(row.get("mx", ())),
        servers=tuple(server for fields in row["servers"] if (server := server_of(*fields))),
        passwords=row.get("passwords", True),
        oauth2=row.get("oauth2", {}),
    )


def server_of(protocol: str, host: str, port: int, security: str, username: str) -> Server | None:
    """Return a server as tables and files tell it, or None where its port is not the standard."""
    try:
        server = Server(Protocol(protocol), host, Security(security), username)
    except ValueError:
        return None
    return server if server.port == port else None
