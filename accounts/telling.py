"""A notice in words of the reader's language, for banners and mails alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.explain import Explanation, explain, explain_stopped
from accounts.models import ExternalAccount, Notice, Topic, User
from accounts.notices import SHARES
from accounts.quotas import FULL, Usage
from accounts.steps import place_of
from accounts.troubles import Words

HEADLINES: Final[dict[str, Words]] = {
    Topic.PREPARED: _("%(account)s: finish adding this account"),
    Topic.SIGN_IN: _("%(account)s: sign-in needed"),
    Topic.STOPPED: _("%(account)s: fetching has stopped"),
    Topic.LAPSING: _("%(account)s: sign in again soon"),
    Topic.TROUBLE: _("%(account)s: new mail cannot be fetched"),
    Topic.FILLING: _("Your storage is filling up"),
    Topic.TIGHT: _("Your storage is nearly full"),
    Topic.FULL: _("Your storage is full"),
    Topic.ROOM: _("There is room in your storage again"),
}
GRAVE = {Topic.SIGN_IN, Topic.STOPPED, Topic.FULL, Topic.TIGHT}
STOPS = {Topic.SIGN_IN, Topic.STOPPED}
# Of what is said about a storage only the first that holds is shown.
ABOUT_STORAGE = (Topic.FULL, *SHARES)


@dataclass(frozen=True, slots=True)
class Telling:
    """What is said of one notice; the button of its next step leads to ``place``, a path."""

    headline: str
    reason: Explanation
    place: str
    tone: str


def tell_all(user: User, accounts: Iterable[ExternalAccount], usage: Usage) -> tuple[Telling, ...]:
    """Put what a person should know now into words, as their accounts and storage stand now."""
    standing = {topic for topic, percent in SHARES.items() if usage.percent >= percent}
    standing |= {Topic.FULL for account in accounts if account.last_code == FULL}
    hidden = [topic for topic in ABOUT_STORAGE if topic not in standing]
    hidden += [topic for topic in ABOUT_STORAGE if topic in standing][1:]
    notices = list(
        Notice.objects.open_for(user).exclude(topic__in=hidden).select_related("account")
    )
    for notice in notices:
        if notice.topic in ABOUT_STORAGE:
            notice.facts |= {"used": usage.used, "allowed": usage.allowed}
    return tuple(map(tell, notices))


def tell(notice: Notice) -> Telling:
    """Put a notice into words; its account, if any, should have been selected with it."""
    is_stop = notice.topic in STOPS
    reason = (explain_stopped if is_stop else explain)(notice.code, notice.facts)
    if notice.account is None:
        # The headline has said the rest of it.
        reason = replace(reason, title=_used(notice))
    return Telling(
        headline=str(HEADLINES[notice.topic]) % {"account": _name(notice.account)},
        reason=reason,
        place=place_of(reason.step, notice.account),
        tone="danger" if notice.topic in GRAVE else "warn",
    )


def _name(account: ExternalAccount | None) -> str:
    return account.name if account else ""


def _used(notice: Notice) -> str:
    sizes = {name: filesizeformat(notice.facts.get(name, 0)) for name in ("used", "allowed")}
    return _now("%(used)s of %(allowed)s are used.") % sizes
