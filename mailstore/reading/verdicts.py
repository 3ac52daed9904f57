"""What the receiving server found about a sender (Authentication-Results, RFC 8601).

Anybody can write such a field into a message. It is believed only where the sender cannot have
written it: above the line that our provider's server wrote when the message came in, or from a
provider that is known to take out fields under its own name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from accounts.spf import organisation
from mailstore.charsets import one_line
from mailstore.headers import Fields, decode_words

MAX_FIELDS_READ = 10
METHODS = ("dmarc", "dkim", "spf")
# The incoming servers of providers whose field stands below their first Received line: by the
# domain of the server, that of the name they sign with. Microsoft writes no name at all.
_KNOWN = {
    "gmail.com": "google.com",
    "googlemail.com": "google.com",
    "google.com": "google.com",
    "yahoo.com": "yahoo.com",
    "aol.com": "yahoo.com",
    "office365.com": "",
    "outlook.com": "",
    "live.com": "",
    "hotmail.com": "",
    "zoho.com": "zohomail.com",
    "fastmail.com": "messagingengine.com",
}
_COMMENT = re.compile(r"\([^()]*\)")
_RESULT = re.compile(r"([a-z][a-z0-9-]{1,30})(?:/\d+)?\s*=\s*([a-z]{2,20})\b(.*)", re.IGNORECASE)
_PROPERTY = re.compile(r"\b(?:header|smtp)\.(from|d|i|mailfrom|mail)\s*=\s*\"?([^\s;\"]{1,320})")
_NAME = re.compile(r"[\w.:-]{1,255}")
# A hop inside the receiving house: handed over by LMTP, or from the same machine.
_INSIDE = re.compile(
    rb"(?:from \S+ (?:\([^()]*\) )?by \S+ (?:\([^()]*\) )?with (?:UTF8)?LMTPS?A?\b"
    rb"|from \S+ \((?:\S+ )?\[(?:127\.0\.0\.1|(?:IPv6:)?::1)\]\) by\b"
    rb"|by \S+ (?:\([^()]*\) )?with LMTP)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What our provider found: by method, and the domains that each method speaks for.

    ``server`` is who says so; nothing was found where it is "".
    """

    server: str = ""
    results: dict[str, str] = field(default_factory=dict)
    domains: dict[str, str] = field(default_factory=dict)
    sender: str = ""

    @property
    def word(self) -> str:
        """Return "pass" where the sender's own domain stands for the message, "fail" or ""."""
        if self.results.get("dmarc") == "pass" or self._is_aligned():
            return "pass"
        failed = [self.results.get(name) == "fail" for name in METHODS]
        return "fail" if failed[0] or (self.results and any(failed[1:])) else ""

    def _is_aligned(self) -> bool:
        """Tell whether a passed method speaks for the domain in From (RFC 7489 §3.1, relaxed)."""
        home = organisation(self.sender.rpartition("@")[2]) if self.sender else None
        return self.results.get("dmarc") in {None, "none"} and any(
            self.results.get(name) == "pass" and organisation(self.domains.get(name, "")) == home
            for name in ("dkim", "spf")
        )


def read_verdict(fields: Fields, *, host: str, address: str, sender: str) -> Verdict:
    """Return what the server that received a message found, or an empty verdict.

    ``host`` is the server that the account is fetched from and ``address`` the account's; results
    under any other name, or in a place where the sender may have put them, are passed over.
    """
    houses = {organisation(host), organisation(address.rpartition("@")[2])}
    found = [one for value in _trusted(fields, houses) if (one := _read(value))]
    results: dict[str, str] = {}
    domains: dict[str, str] = {}
    for one in found:
        for method, result, domain in one[1]:
            # Of several signatures one that holds is enough.
            if results.get(method) != "pass":
                results[method], domains[method] = result, domain
    server = found[0][0] if results else ""
    return Verdict(server or (results and host) or "", results, domains, sender)


def _trusted(fields: Fields, houses: set[str]) -> list[str]:
    """Return the fields that the receiving server wrote."""
    known = {_KNOWN[house] for house in houses if house in _KNOWN}
    above: list[str] = []
    for name, value in fields.pairs:
        if name == "received" and not known and not _INSIDE.match(b" ".join(value.split())):
            # Whatever comes below this line may be the sender's.
            return above[:MAX_FIELDS_READ]
        if name == "authentication-results":
            text = one_line(_COMMENT.sub("", decode_words(value)), 4000)
            server = organisation(_server(text)) if _server(text) else ""
            if server in known:
                # The topmost: one further down may be the sender's.
                return [text]
            if server in houses:
                above.append(text)
    return []


def _server(text: str) -> str:
    """Return the name before the first result; "" where a result comes first."""
    first = text.partition(";")[0].strip()
    return "" if "=" in first.partition(" ")[0] else (_NAME.match(first) or [""])[0].lower()


def _read(text: str) -> tuple[str, list[tuple[str, str, str]]]:
    results = []
    for piece in text.split(";"):
        found = _RESULT.search(piece.strip())
        if found and found[1].lower() in METHODS:
            results.append((found[1].lower(), found[2].lower(), _domain(found[3])))
    return _server(text), results


def _domain(properties: str) -> str:
    """Return the domain that a result is about."""
    found = {name: value.lower() for name, value in _PROPERTY.findall(properties)}
    named = (found[name] for name in ("d", "i", "mailfrom", "mail", "from") if name in found)
    return next(named, "").rpartition("@")[2]
