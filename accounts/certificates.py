"""A certificate that was refused: what it says, and the rule that failed, in words for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Probe

ALONE = gettext_lazy(
    "The server sent only its own certificate, and its issuer {issuer} is not recognised: "
    "either an intermediate certificate is missing, or the issuer is unknown."
)
NAMELESS = gettext_lazy(
    "It names no server where programs look for that (subject alternative names); "
    "a common name alone counts no more."
)
RULES: dict[str, str | Promise] = {
    "tls.selfsigned": gettext_lazy("It is signed by nobody but itself."),
    "tls.issuer": gettext_lazy("Its chain does not end at an issuer that is recognised."),
    "tls.expired": gettext_lazy("It is no longer valid: it ended on {end}."),
    "tls.notyet": gettext_lazy("It is not valid yet: it begins on {begin}."),
    "tls.name": gettext_lazy("None of its names is {host}."),
    "tls.invalid": gettext_lazy("It is not made for a server, or broken in another way."),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One certificate of a chain, the server's own first."""

    subject: str
    issuer: str
    names: Sequence[str]
    begin: datetime | None
    end: datetime | None
    fingerprint: str

    def lines(self) -> list[str]:
        """Write it down as text."""
        return [
            f"{_('Subject')}: {self.subject}",
            f"{_('Names')}: {', '.join(self.names) or '–'}",
            f"{_('Issuer')}: {self.issuer}",
            f"{_('Valid')}: {_day(self.begin)} – {_day(self.end)}",
            f"SHA-256: {self.fingerprint}",
        ]


def chain_of(probe: Probe) -> list[Shown]:
    """Return the certificates that a failed test was shown."""
    return [_shown(one) for one in probe.chain]


def rule_of(probe: Probe) -> str:
    """Say which rule failed; nothing where no certificate was the reason."""
    chain = chain_of(probe)
    rule = RULES.get(probe.code)
    if rule is None or not chain:
        return ""
    own = chain[0]
    if probe.code == "tls.issuer" and len(chain) == 1:
        rule = ALONE
    if probe.code == "tls.name" and not own.names:
        rule = NAMELESS
    facts = {"host": probe.facts.get("host", probe.host), "issuer": own.issuer}
    return str(rule).format(**facts, begin=_day(own.begin), end=_day(own.end))


def _shown(one: Mapping[str, Any]) -> Shown:
    begin, end = parse_datetime(one["not_before"]), parse_datetime(one["not_after"])
    return Shown(one["subject"], one["issuer"], one["names"], begin, end, one["fingerprint"])


def _day(moment: datetime | None) -> str:
    return date_format(moment, "DATE_FORMAT") if moment else "?"
