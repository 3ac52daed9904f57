"""Whether recipients will believe that a server sends for an address's domain.

It is judged by what the domain publishes: SPF lists servers, DKIM keys show who signs, and DMARC
asks recipients what to do with everything else (RFC 7208, 6376, 7489). We send with the From as
envelope sender too, so a listed server is an aligned one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from accounts.spf import Records, Sender, Spf, judge_spf, organisation
from accounts.troubles import Words


class Verdict(StrEnum):
    """How recipients will take the mail; the last three are fine or not known."""

    REFUSED = "refused"
    JUNK = "junk"
    UNLISTED = "unlisted"
    OPEN = "open"
    BROKEN = "broken"
    LIKELY = "likely"
    ALIGNED = "aligned"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Relation:
    """Where a provider's servers send on from, and by which selectors it signs for domains."""

    siblings: frozenset[str]
    selectors: tuple[str, ...]


def _relation(siblings: str, selectors: str) -> Relation:
    return Relation(frozenset(siblings.split()), tuple(selectors.split()))


GOOGLE = _relation("google.com", "google")
MICROSOFT = _relation("outlook.com", "selector1 selector2")
ZOHO = _relation("zoho.com zoho.eu zoho.in zohomail.com", "zmail zoho")
# By the part of the server's name that is registered.
RELATIONS: dict[str, Relation] = {
    "gmail.com": GOOGLE,
    "google.com": GOOGLE,
    "office365.com": MICROSOFT,
    "outlook.com": MICROSOFT,
    "zoho.com": ZOHO,
    "zoho.eu": ZOHO,
    "zoho.in": ZOHO,
    "fastmail.com": _relation("messagingengine.com", "fm1 fm2 fm3 mesmtp"),
    "me.com": _relation("icloud.com", "sig1"),
    "yandex.com": _relation("yandex.net yandex.ru", "mail"),
    "hostinger.com": _relation("hostinger.email", "hostingermail-a hostingermail-b"),
    "titan.email": _relation("", "titan1 titan2"),
    "gandi.net": _relation("", "gm1 gm2 gm3"),
    "ovh.net": _relation("ovh.com", ""),
    "1und1.de": _relation("kundenserver.de", "s1-ionos s2-ionos"),
    "ionos.com": _relation("kundenserver.de perfora.net", "s1-ionos s2-ionos"),
}
# Whoever has an address there sends through servers that are listed in ways of their own.
FOR_EVERYBODY = frozenset(
    (
        *("yahoo.com", "aol.com", "gmx.com", "gmx.net", "gmx.de", "web.de", "mail.com", "mail.ru"),
        *("rambler.ru", "t-online.de", "posteo.de", "yandex.ru", "yandex.com", "qq.com", "163.com"),
        *("naver.com", "fastmail.com", "zoho.com"),
    )
)
# What servers that a domain runs itself sign with, mostly.
OWN_SELECTORS = ("default", "dkim", "mail")


def judge(domain: str, host: str, records: Records) -> Verdict:
    """Judge mail from a domain that is given to a host; what ``records`` raises passes through."""
    if organisation(host) == organisation(domain) in FOR_EVERYBODY:
        return Verdict.ALIGNED
    relation = RELATIONS.get(organisation(host))
    siblings = relation.siblings if relation else frozenset[str]()
    sender = Sender(host, tuple(records.addresses(host)), siblings)
    spf = judge_spf(domain, sender, records)
    if spf is Spf.LISTED:
        return Verdict.ALIGNED
    if _is_signed(domain, host, records):
        return Verdict.LIKELY
    return _without_proof(spf, dmarc_policy(domain, records))


def _without_proof(spf: Spf, policy: str) -> Verdict:
    asked = {"reject": Verdict.REFUSED, "quarantine": Verdict.JUNK}
    said = {Spf.BROKEN: Verdict.BROKEN, Spf.ABSENT: Verdict.OPEN}
    return asked.get(policy) or said.get(spf, Verdict.UNLISTED)


def dmarc_policy(domain: str, records: Records) -> str:
    """Return what a domain asks for: "reject", "quarantine", "none", or "" where it is silent."""
    owner = organisation(domain)
    for name, tags in ((domain, ("p",)), (owner, ("sp", "p"))):
        found = list(_dmarc(records.texts(f"_dmarc.{name}")))
        if len(found) == 1:
            return next((found[0][tag] for tag in tags if tag in found[0]), "none")
        if name == owner:
            break
    return ""


def _dmarc(texts: list[str]) -> Iterator[dict[str, str]]:
    for text in texts:
        pairs = (part.partition("=") for part in text.split(";"))
        tags = {name.strip().lower(): value.strip().lower() for name, _equals, value in pairs}
        if text.lower().startswith("v=dmarc1"):
            yield tags


def _is_signed(domain: str, host: str, records: Records) -> bool:
    """Tell whether the domain has a key of whoever runs the server, as far as can be known."""
    relation = RELATIONS.get(organisation(host))
    is_own = organisation(host) == organisation(domain)
    selectors = relation.selectors if relation else OWN_SELECTORS if is_own else ()
    return any(_has_key(f"{one}._domainkey.{domain}", records) for one in selectors)


def _has_key(name: str, records: Records) -> bool:
    tags = (tag.strip() for text in records.texts(name) for tag in text.split(";"))
    return any(tag.startswith("p=") and tag != "p=" for tag in tags)


_fix = _(
    "Send through the server of the provider of {domain}, or ask whoever looks after {domain} to "
    "list {server} in its SPF record."
)
# What is said, and what helps; of the rest nothing is said.
WARNINGS: dict[str, tuple[Words, Words]] = {
    Verdict.REFUSED: (
        _(
            "{domain} asks others to refuse its mail from servers it does not list, and it does "
            "not list {server}. Most recipients will not get it."
        ),
        _fix,
    ),
    Verdict.JUNK: (
        _(
            "{domain} asks others to put its mail from servers it does not list into the spam "
            "folder, and it does not list {server}."
        ),
        _fix,
    ),
    Verdict.UNLISTED: (
        _(
            "{domain} does not list {server}. Recipients may see “on behalf of”, or find your mail "
            "in the spam folder."
        ),
        _fix,
    ),
    Verdict.OPEN: (
        _(
            "{domain} does not say which servers send its mail. Recipients may see “on behalf of”, "
            "or find your mail in the spam folder."
        ),
        _("Ask whoever looks after {domain} to publish an SPF record that lists {server}."),
    ),
    Verdict.BROKEN: (
        _(
            "The SPF record of {domain} has a mistake, so nobody can tell whether {server} may "
            "send its mail. It may end in the spam folder."
        ),
        _("Ask whoever looks after {domain} to mend the record, with {server} in it."),
    ),
}
