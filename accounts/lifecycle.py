"""The life of one account: which event leads from which state to which, and nothing else does."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.db.models import F

from accounts import quotas
from accounts.models import ExternalAccount, State
from accounts.models.account import GONE
from wire.errors import MailError

SIGN_IN_GRACE = timedelta(days=7)
# After so many in a row only a person tries again, lest the provider lock the mailbox.
REFUSALS_ALLOWED = 2
# A grant that is gone has been tried twice already.
FINAL = {"auth.grant"}


class Event(StrEnum):
    """What can happen to an account."""

    INCOMING_PASSED = "incoming_passed"
    SIGN_IN_REFUSED = "sign_in_refused"
    PAUSED = "paused"
    RESUMED = "resumed"
    GRACE_ENDED = "grace_ended"
    STOPPED = "stopped"
    ARCHIVED = "archived"
    REMOVED = "removed"


class AccountMoved(Exception):
    """Somebody else moved the account meanwhile: read it again, then decide again."""


class IllegalTransition(Exception):
    """The event has no meaning in this state: a bug of the caller."""


MOVES: dict[tuple[State, Event], State] = {
    (State.PREPARED, Event.INCOMING_PASSED): State.ACTIVE,
    (State.ACTIVE, Event.INCOMING_PASSED): State.ACTIVE,
    (State.ACTIVE, Event.SIGN_IN_REFUSED): State.NEEDS_SIGN_IN,
    (State.ACTIVE, Event.PAUSED): State.PAUSED,
    (State.ACTIVE, Event.GRACE_ENDED): State.DISABLED,
    (State.ACTIVE, Event.STOPPED): State.DISABLED,
    (State.NEEDS_SIGN_IN, Event.INCOMING_PASSED): State.ACTIVE,
    (State.NEEDS_SIGN_IN, Event.GRACE_ENDED): State.DISABLED,
    (State.PAUSED, Event.RESUMED): State.ACTIVE,
    (State.PAUSED, Event.INCOMING_PASSED): State.ACTIVE,
    (State.DISABLED, Event.INCOMING_PASSED): State.ACTIVE,
} | {
    (state, event): gone
    for state in State
    if state not in GONE
    for event, gone in ((Event.ARCHIVED, State.ARCHIVED), (Event.REMOVED, State.REMOVED))
}
MOVES[State.ARCHIVED, Event.REMOVED] = State.REMOVED


def advance(account: ExternalAccount, event: Event, *, now: datetime, **columns: Any) -> State:
    """Move the account where its state is still the one that was read, and set ``columns`` too.

    The owner's open pages are told.

    Raise IllegalTransition where there is no such move, AccountMoved where the row has changed.
    """
    old = State(account.state)
    new = MOVES.get((old, event))
    if new is None:
        raise IllegalTransition(f"{event} in state {old}")
    moved = {} if new is old else {"state_since": now}
    values = {"state": new, **moved, **_settled(new, event, now), **columns}
    with transaction.atomic():
        if not ExternalAccount.objects.filter(pk=account.pk, state=old).update(**values):
            raise AccountMoved(f"no longer {old}")
        quotas.touch(account.owner_id)
    for name, value in values.items():
        setattr(account, name, value)
    return new


def count_refusal(account: ExternalAccount, error: MailError, *, now: datetime) -> None:
    """Count a sign-in that was refused outside a visit; the last one allowed stops the account."""
    row = ExternalAccount.objects.filter(pk=account.pk)
    row.update(refusals=F("refusals") + 1)
    account.refresh_from_db()
    if is_last_refusal(account, error.code):
        told = {"last_code": error.code, "last_facts": dict(error.facts)}
        with suppress(AccountMoved, IllegalTransition):
            advance(account, Event.SIGN_IN_REFUSED, now=now, **told)


def is_last_refusal(account: ExternalAccount, code: str) -> bool:
    """Tell whether only a person may try again, after a refusal that was counted."""
    return account.refusals >= REFUSALS_ALLOWED or code in FINAL


def stop_forsaken(now: datetime) -> int:
    """Stop the accounts whose owners did not sign in again for a week. Count them."""
    waiting = ExternalAccount.objects.filter(state=State.NEEDS_SIGN_IN)
    forsaken = waiting.filter(state_since__lte=now - SIGN_IN_GRACE)
    for account in forsaken:
        # Whoever has just signed in again is faster, and wins.
        with suppress(AccountMoved):
            advance(account, Event.GRACE_ENDED, now=now)
    return len(forsaken)


def _settled(state: State, event: Event, now: datetime) -> dict[str, Any]:
    """Return the columns that a state carries with it.

    Only a passed test forgets refusals: a pause in between must not allow two more.
    """
    if state is State.ACTIVE:
        proven = {"refusals": 0} if event is Event.INCOMING_PASSED else {}
        return {"next_fetch_at": now, "failing_since": None, "last_code": "", **proven}
    columns: dict[str, Any] = {"next_fetch_at": None, "dispatched_until": None}
    return columns | ({"is_default": False} if state in GONE else {})
