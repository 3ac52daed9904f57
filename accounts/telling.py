"""A notice in words of the reader's language, for banners and mails alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext_lazy as _

from accounts.explain import Explanation, explain, explain_stopped
from accounts.models import ExternalAccount, Notice, Topic
from accounts.steps import place_of
from accounts.troubles import Words

HEADLINES: Final[dict[str, Words]] = {
    Topic.SIGN_IN: _("%(account)s: sign-in needed"),
    Topic.STOPPED: _("%(account)s: fetching has stopped"),
    Topic.TROUBLE: _("%(account)s: new mail cannot be fetched"),
    Topic.FULL: _("Your storage is full"),
    Topic.ROOM: _("There is room in your storage again"),
}
STOPS = {Topic.SIGN_IN, Topic.STOPPED}


@dataclass(frozen=True, slots=True)
class Telling:
    """What is said of one notice; the button of its next step leads to ``place``, a path."""

    headline: str
    reason: Explanation
    place: str
    tone: str


def tell(notice: Notice) -> Telling:
    """Put a notice into words; its account, if any, should have been selected with it."""
    is_stop = notice.topic in STOPS
    reason = (explain_stopped if is_stop else explain)(notice.code, notice.facts)
    return Telling(
        headline=str(HEADLINES[notice.topic]) % {"account": _name(notice.account)},
        reason=reason,
        place=place_of(reason.step, notice.account),
        tone="danger" if is_stop else "warn",
    )


def _name(account: ExternalAccount | None) -> str:
    return account.name if account else ""
