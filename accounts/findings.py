"""Findings: servers that an address may have, each with the word of who told so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _

from accounts import providers
from accounts.providers import Provider, Server, server_of
from wire.endpoint import Protocol


class Source(StrEnum):
    """Who told of a server, the most trusted first."""

    TABLE = "table"
    AUTOCONFIG = "autoconfig"
    MX = "mx"
    SRV = "srv"
    GUESS = "guess"


@dataclass(frozen=True, slots=True)
class Finding:
    """Servers from one source; ``where`` is the host that told so, ``provider`` a key of ours.

    All of it is a proposal: what is dialled in the end passes the guard and the policy.
    """

    source: Source
    where: str
    servers: tuple[Server, ...]
    provider: str = ""

    @property
    def words(self) -> str:
        """Say where it comes from."""
        match self.source:
            case Source.TABLE:
                return _("From our own list of providers; nobody was asked.")
            case Source.AUTOCONFIG:
                return _("Published by %(where)s.") % {"where": self.where}
            case Source.MX:
                return _("Mail for this domain goes to %(where)s.") % {"where": self.where}
            case Source.SRV:
                return _("Announced in the DNS of %(where)s.") % {"where": self.where}
            case Source.GUESS:
                return _("Guessed from usual names: %(where)s answered.") % {
                    "where": self._answered
                }

    @property
    def _answered(self) -> str:
        """Name the servers for incoming mail, which are what a person chooses among."""
        incoming = [one.host for one in self.servers if one.protocol is not Protocol.SMTP]
        return ", ".join(dict.fromkeys(incoming)) or self.where

    def as_json(self) -> dict[str, Any]:
        """Return what the row of a setup keeps."""
        rows = [
            [one.protocol, one.host, one.port, one.security, one.username] for one in self.servers
        ]
        kept = {"source": self.source, "where": self.where, "provider": self.provider}
        return kept | {"servers": rows}


def from_json(kept: Mapping[str, Any]) -> Finding:
    """Return the finding that a row keeps."""
    servers = tuple(server for fields in kept["servers"] if (server := server_of(*fields)))
    return Finding(Source(kept["source"]), kept["where"], servers, kept["provider"])


def of_provider(source: Source, where: str, provider: Provider, address: str) -> Finding:
    """Return a provider's servers for an address."""
    servers = tuple(server.for_address(address) for server in provider.servers)
    return Finding(source, where, servers, provider.key)


def from_table(address: str) -> Finding | None:
    """Return what our own table says of the address's domain; nobody is asked."""
    domain = address.rpartition("@")[2].lower()
    known = providers.by_domain(domain)
    return of_provider(Source.TABLE, domain, known, address) if known else None


def first_of(findings: Iterable[Finding], protocol: Protocol) -> tuple[Finding, Server] | None:
    """Return the first finding with a server of the protocol, of which only the best is kept."""
    for finding in findings:
        if server := providers.best(finding.servers, protocol):
            return replace(finding, servers=(server,)), server
    return None
