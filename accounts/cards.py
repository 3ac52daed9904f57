"""What an account card says: tone, sentence and times, from the outcome that the last run left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from accounts.explain import Explanation, explain, explain_once, explain_stopped
from accounts.lifecycle import MOVES, Event
from accounts.models import ExternalAccount, Plan, State
from accounts.pace import Pace, pace_of
from accounts.progress import Progress, progress_of
from accounts.quotas import FULL
from accounts.remarks import remarks
from accounts.steps import place_of
from accounts.troubles import MENDING, STEPS, Step, Words


@dataclass(frozen=True, slots=True)
class Card:
    """An account with its state in words; ``tone`` is "ok", "busy", "warn" or "danger".

    The pace is known where the card was made for a plan.
    """

    account: ExternalAccount
    tone: str
    word: Words
    reason: Explanation | None
    progress: Progress | None = None
    pace: Pace | None = None

    @property
    def is_busy(self) -> bool:
        """Tell whether the page should look again soon."""
        return self.tone == "busy"

    @property
    def sign(self) -> str:
        """Return the name of the icon that stands beside the word."""
        return SIGNS.get(self.account.state) or SIGNS[self.tone]

    @property
    def can_pause(self) -> bool:
        """Tell whether its owner may stop fetching."""
        return (State(self.account.state), Event.PAUSED) in MOVES

    @property
    def can_resume(self) -> bool:
        """Tell whether its owner may let it be fetched again."""
        return (State(self.account.state), Event.RESUMED) in MOVES

    @property
    def mend(self) -> Words:
        """Name the button that mends the account, where one does."""
        return STEPS[self.mending] if self.mending else ""

    @property
    def mending(self) -> Step | None:
        """Return what its owner does to let the account go on, if that helps."""
        if self.account.state == State.PREPARED:
            return Step.FINISH
        if self.reason is None:
            return self.sign_in if self.account.state in NEED_PROOF else None
        step = self.reason.step
        if step is Step.SIGN_IN:
            return self.sign_in
        return step if step in MENDING else None

    @property
    def mend_place(self) -> str:
        """Return where the button leads."""
        return place_of(self.mending, self.account) if self.mending else ""

    @property
    def sign_in(self) -> Step:
        """Return how its owner signs in again."""
        grants = (one.app_id for one in self.account.credentials.all())
        return Step.AUTHENTICATE if any(grants) else Step.SIGN_IN

    @property
    def sign_in_words(self) -> Words:
        """Name the button for signing in again while nothing is wrong."""
        return STEPS[self.sign_in]

    @property
    def sign_in_place(self) -> str:
        """Return where that leads."""
        return place_of(self.sign_in, self.account)

    @property
    def remarks(self) -> list[str]:
        """Say what the last visit left at the provider, and what it knew already."""
        return remarks(self.account.last_facts)

    @property
    def leaves_mail(self) -> bool:
        """Tell whether messages that could not be had are left at the provider."""
        return not LEFT.isdisjoint(self.account.last_facts)

    @property
    def sending(self) -> Explanation | None:
        """Say what the outgoing server refused when it was tried last."""
        return sending_trouble(self.account)

    @property
    def encryption(self) -> Words:
        """Say how the connection is protected."""
        return LOCKS[self.account.incoming.security]

    @property
    def sending_encryption(self) -> Words:
        """Say how the connection to the outgoing server is protected."""
        return LOCKS[self.account.outgoing.security]


LEFT = {"too_large", "set_aside", "skipped"}
NEED_PROOF = (State.NEEDS_SIGN_IN, State.DISABLED)
LOCKS: dict[str, Words] = {
    "tls": _("encrypted (SSL/TLS)"),
    "starttls": _("encrypted (STARTTLS)"),
    "plain": _("not encrypted"),
}
SIGNS: dict[str, str] = {
    "ok": "circle-check",
    "busy": "refresh-cw",
    "warn": "clock",
    "danger": "circle-alert",
    State.PREPARED: "key-round",
    State.PAUSED: "circle-pause",
    State.ARCHIVED: "archive",
}
STATE_WORDS: dict[str, tuple[str, Words]] = {
    State.PREPARED: ("warn", _("Not finished")),
    State.NEEDS_SIGN_IN: ("danger", _("Needs sign-in")),
    State.PAUSED: ("warn", _("Paused")),
    State.DISABLED: ("danger", _("Stopped")),
    State.ARCHIVED: ("ok", _("Archived")),
}


def card_for(account: ExternalAccount, *, now: datetime, plan: Plan | None = None) -> Card:
    """Put the outcome of the last run into a tone, a word and, where there is one, a reason."""
    progress = progress_of(account, now=now)
    tone, word = STATE_WORDS.get(account.state) or _active(account, progress, now)
    pace = pace_of(account, plan) if plan else None
    return Card(account, tone, word, _reason(account), progress, pace)


def sending_trouble(account: ExternalAccount) -> Explanation | None:
    """Say what the outgoing server of an account refused when it was tried last."""
    server = getattr(account, "outgoing", None)
    if server is None or not server.last_code:
        return None
    return explain_once(server.last_code, server.last_facts)


def _reason(account: ExternalAccount) -> Explanation | None:
    is_stopped = account.state in {State.NEEDS_SIGN_IN, State.DISABLED}
    words = explain_stopped if is_stopped else explain
    return words(account.last_code, account.last_facts) if account.last_code else None


def _active(
    account: ExternalAccount, progress: Progress | None, now: datetime
) -> tuple[str, Words]:
    fetching = account.dispatched_until is not None and account.dispatched_until > now
    if fetching and progress:
        return "busy", _("Syncing %(share)s %%") % {"share": progress.share}
    if fetching or account.next_fetch_at is None or account.next_fetch_at <= now:
        return "busy", _("Checking")
    if account.last_code.startswith("policy."):
        return "danger", _("Blocked")
    if account.last_code == FULL:
        return "warn", _("Waiting for room")
    if account.last_code.startswith("limit."):
        return "warn", _("Waiting")
    return ("warn", _("Trying again")) if account.last_code else ("ok", _("OK"))
