"""Whether a domain lists a server among those that send its mail (SPF, RFC 7208)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from ipaddress import ip_address, ip_network
from typing import Protocol

from publicsuffixlist import PublicSuffixList

# RFC 7208 section 4.6.4, and for MX the hosts of one name.
MOST_LOOKUPS, MOST_HOSTS = 10, 10
TERM = re.compile(r"([+?~-]?)([a-z0-9]+)(?::([^/]+))?(?:/(\d+))?(?://(\d+))?", re.IGNORECASE)
NETWORK = re.compile(r"([+?~-]?)ip[46]:([0-9a-f:./]+)", re.IGNORECASE)


class Records(Protocol):
    """What is asked of the DNS; nothing where a name has none."""

    def texts(self, name: str) -> list[str]:
        """Return the TXT records of a name."""

    def addresses(self, name: str) -> list[str]:
        """Return the A and AAAA records of a name."""

    def exchangers(self, name: str) -> list[str]:
        """Return the hosts of a name's MX records."""


class Spf(StrEnum):
    """What a domain says of a server."""

    LISTED = "listed"
    NOT_LISTED = "not_listed"
    ABSENT = "absent"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Sender:
    """A server that mail is given to: its name, addresses, and the domains it sends on from."""

    host: str
    addresses: tuple[str, ...] = ()
    siblings: frozenset[str] = field(default=frozenset())

    def sends_from(self, name: str, *, domain: str) -> bool:
        """Tell whether a name that a domain includes stands for whoever runs the server.

        What somebody includes of their own stands for itself.
        """
        owner = organisation(name)
        is_theirs = owner == organisation(self.host) != organisation(domain)
        return owner in self.siblings or is_theirs

    def is_in(self, network: str) -> bool:
        """Tell whether one of its addresses lies in a network. Raise ValueError for none."""
        wanted = ip_network(network, strict=False)
        return any(ip_address(one) in wanted for one in self.addresses)


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def organisation(name: str) -> str:
    """Return the part of a name that somebody registered, such as contoh.co.id (RFC 7489 3.2)."""
    bare = name.lower().rstrip(".")
    return _suffixes().privatesuffix(bare) or bare


def is_registered(name: str) -> bool:
    """Tell whether a name ends in a suffix under which names are really registered."""
    return _suffixes().privatesuffix(name.lower(), accept_unknown=False) is not None


class Broken(Exception):
    """The record cannot be judged: it has a mistake, or asks for too many lookups."""


def judge_spf(domain: str, sender: Sender, records: Records) -> Spf:
    """Judge what a domain's record says of a sender; whatever ``records`` raises passes through."""
    try:
        return _Check(domain, sender, records).of(domain)
    except (Broken, ValueError):
        return Spf.BROKEN


class _Check:
    """One judgement, which may ask for ten names in all."""

    def __init__(self, domain: str, sender: Sender, records: Records) -> None:
        self.domain, self.sender, self.records = domain, sender, records
        self.left = MOST_LOOKUPS

    def of(self, domain: str) -> Spf:
        record = self._record(domain)
        if record is None:
            return Spf.ABSENT
        terms = record.split()[1:]
        for term in terms:
            qualifier, matches = self._matches(term, domain)
            if matches:
                return Spf.LISTED if qualifier in {"", "+"} else Spf.NOT_LISTED
        return self._redirected(terms)

    def _record(self, domain: str) -> str | None:
        found = [
            text for text in self.records.texts(domain) if text.lower().split()[:1] == ["v=spf1"]
        ]
        if len(found) > 1:
            raise Broken("more than one record")
        return found[0] if found else None

    def _redirected(self, terms: list[str]) -> Spf:
        targets = [term[9:] for term in terms if term.lower().startswith("redirect=")]
        if not targets:
            return Spf.NOT_LISTED
        return Spf.LISTED if self._includes(targets[0]) else Spf.NOT_LISTED

    def _matches(self, term: str, domain: str) -> tuple[str, bool]:
        """Tell whether a mechanism matches; macros and names looked up backwards never do."""
        if "=" in term or "%" in term:
            return "", False
        if network := NETWORK.fullmatch(term):
            return network[1], self.sender.is_in(network[2])
        parts = TERM.fullmatch(term)
        if parts is None:
            raise Broken(term)
        qualifier, kind, name, *lengths = parts.groups()
        return qualifier, self._does(kind.lower(), name or domain, lengths)

    def _does(self, kind: str, name: str, lengths: list[str | None]) -> bool:
        match kind:
            case "all":
                return True
            case "include":
                return self._includes(name)
            case "a" | "mx":
                return any(self._covers(one, lengths) for one in self._hosts(kind, name))
            case "exists" | "ptr":
                self._count()
                return False
            case _:
                raise Broken(kind)

    def _includes(self, name: str) -> bool:
        self._count()
        if self.sender.sends_from(name, domain=self.domain):
            return True
        answer = self.of(name)
        if answer is Spf.ABSENT:
            raise Broken(name)
        return answer is Spf.LISTED

    def _hosts(self, kind: str, name: str) -> Iterator[str]:
        self._count()
        names = [name] if kind == "a" else self.records.exchangers(name)[:MOST_HOSTS]
        for host in names:
            yield from self.records.addresses(host)

    def _covers(self, address: str, lengths: list[str | None]) -> bool:
        length = lengths[":" in address]
        with suppress(ValueError):
            return self.sender.is_in(f"{address}/{length}" if length else address)
        return False

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Broken("too many lookups")
