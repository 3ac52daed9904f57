"""What a visit leaves behind: on its run, on the account's card, and in the next visit's time."""

from __future__ import annotations

import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import QuerySet

from accounts import lifecycle, quotas
from accounts.models import ExternalAccount, State
from fetcher import progress, service, tally
from fetcher.memory import FORGOTTEN
from fetcher.models import FetchRun, RemoteFolder
from fetcher.schedule import LONGEST_WAIT, next_fetch_time
from wire.errors import AccessDisabled, AuthenticationFailed, MailError, Retry

log = structlog.get_logger()
GRACE = timedelta(days=14)
FULL, LOST = "quota.full", "run.lost"
# A visit that moved messages is told of, though it stored and deleted none.
WORTH_A_RUN = {"recognised", "unkept"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a visit ended: code and facts for the card, and whether trying again can help.

    ``retry`` is None when all went well; ``stopped`` means that the worker is ending, the owner has
    paused the account or asked for another visit, or this one's time was up: what is left goes on
    at once, if at all.
    ``wait`` is how long the provider wants to be left alone. ``memory`` holds the columns of the
    remote folder that the next visit shall find changed.
    """

    code: str = ""
    facts: dict[str, str | int] = field(default_factory=dict)
    retry: Retry | None = None
    refused: bool = False
    stopped: bool = False
    wait: timedelta = timedelta(0)
    memory: Mapping[str, Any] = field(default_factory=dict)

    @property
    def was_cut(self) -> bool:
        """Tell whether messages that could have come are left to the next visit."""
        failed = self.code not in {"", FULL}
        return failed or self.stopped or "later" in self.facts


def outcome_of(error: MailError) -> Outcome:
    """Turn an expected failure into what the card will show."""
    facts = dict(error.facts)
    wait = min(timedelta(seconds=int(facts.pop("wait", 0))), LONGEST_WAIT)
    if error.detail:
        facts["detail"] = error.detail
    refused = isinstance(error, AuthenticationFailed | AccessDisabled)
    return Outcome(error.code, facts, error.retry, refused=refused, wait=wait)


def close(run: FetchRun, outcome: Outcome, *, now: datetime) -> FetchRun:
    """Record how the run ended on the run and on the account, and choose the next visit.

    A visit that found nothing and failed at nothing leaves no run behind.
    """
    with transaction.atomic():
        account = ExternalAccount.objects.select_for_update().get(pk=run.account_id)
        punctuality = service.punctuality_of(run, account)
        if is_asked_for_again(run, account, now=now):
            outcome = replace(outcome, stopped=True, memory={**outcome.memory, **FORGOTTEN})
        if is_ours := _end(run, outcome, now):
            _leave_outcome(account, outcome, now)
            _leave_memory(account, outcome)
            quotas.touch(account.owner_id)
    if is_ours:
        tally.count(run, outcome.code, now=now)
        service.count(run, punctuality, went_well=not outcome.code, now=now)
    _follow_up(account, outcome, now)
    log.info(
        "run closed",
        account=account.pk,
        run=run.pk,
        code=run.code,
        messages=run.messages,
        octets=run.octets,
        deleted=run.deleted,
        seconds=round((now - run.opened_at).total_seconds(), 3),
    )
    return run


def is_asked_for_again(run: FetchRun, account: ExternalAccount, *, now: datetime) -> bool:
    """Tell whether another visit was asked for while this one was under way.

    ``account`` is as it is now. What was asked for may be more than this visit could see.
    """
    due_at = account.next_fetch_at
    return due_at is not None and due_at <= now and due_at != run.account.next_fetch_at


def _end(run: FetchRun, outcome: Outcome, now: datetime) -> bool:
    """Close the run, or take it away where nothing came of it. Return False if it was not ours."""
    open_run = FetchRun.objects.filter(pk=run.pk, closed_at=None)
    is_idle = not (outcome.code or outcome.facts.keys() & WORTH_A_RUN)
    if is_idle and open_run.filter(messages=0, deleted=0).delete()[0]:
        run.closed_at, run.facts = now, outcome.facts
        return True
    is_ours = open_run.update(
        closed_at=now, code=outcome.code, facts=outcome.facts, received=run.received
    )
    # It is gone if this was tried before and had come about although nobody heard so.
    with suppress(FetchRun.DoesNotExist):
        run.refresh_from_db()
    return bool(is_ours)


def _leave_memory(account: ExternalAccount, outcome: Outcome) -> None:
    if outcome.memory:
        inbox = RemoteFolder.objects.filter(account=account, name="INBOX")
        inbox.exclude(**outcome.memory).update(**outcome.memory)


def _leave_outcome(account: ExternalAccount, outcome: Outcome, now: datetime) -> None:
    account.last_checked_at, account.last_code = now, outcome.code
    account.last_facts = outcome.facts | _storage(account, outcome)
    fails = outcome.retry is not None and outcome.code != FULL
    account.failing_since = (account.failing_since or now) if fails else None
    account.refusals = _refusals(account.refusals, outcome, fails=fails)
    account.dispatched_until = None
    for name, value in progress.end(account, was_cut=outcome.was_cut).items():
        setattr(account, name, value)
    account.next_fetch_at = _next_visit(account, outcome, now)
    account.save(
        update_fields=[
            *("last_checked_at", "last_code", "last_facts", "failing_since", "refusals"),
            *("dispatched_until", "next_fetch_at", *progress.NOTHING),
        ]
    )


def _storage(account: ExternalAccount, outcome: Outcome) -> dict[str, int]:
    """Return how full a full storage is."""
    if outcome.code != FULL:
        return {}
    usage = quotas.usage(account.owner_id)
    return {"used": usage.used, "allowed": usage.allowed}


def _refusals(before: int, outcome: Outcome, *, fails: bool) -> int:
    """Count refusals in a row; a visit that failed before it could sign in ends no such row."""
    return before + 1 if outcome.refused else before if fails else 0


def _next_visit(account: ExternalAccount, outcome: Outcome, now: datetime) -> datetime | None:
    """Choose the next visit: none for an account that its owner paused meanwhile.

    After a first refusal it is soon, so that the owner is told soon.
    """
    if account.state != State.ACTIVE:
        return None
    earliest = now + outcome.wait
    if outcome.stopped:
        return earliest
    failing_since = now if outcome.refused else account.failing_since or now
    chosen = next_fetch_time(
        now,
        timedelta(minutes=account.interval_minutes),
        retry=Retry.SOON if outcome.refused else outcome.retry,
        failing_for=now - failing_since,
        jitter=random.random(),  # noqa: S311 - spreads load, guards nothing
    )
    return max(chosen, earliest)


def _follow_up(account: ExternalAccount, outcome: Outcome, now: datetime) -> None:
    """Move the account's state where its owner must act."""
    if outcome.refused and lifecycle.is_last_refusal(account, outcome.code):
        _advance(account, lifecycle.Event.SIGN_IN_REFUSED, now)
    elif account.failing_since and now - account.failing_since > GRACE:
        _advance(account, lifecycle.Event.GRACE_ENDED, now)


def _advance(account: ExternalAccount, event: lifecycle.Event, now: datetime) -> None:
    try:
        lifecycle.advance(account, event, now=now)
    except (lifecycle.AccountMoved, lifecycle.IllegalTransition):
        log.info("state moved meanwhile", account=account.pk, wanted=event)


def close_stale_runs(*, now: datetime) -> int:
    """Close runs whose lease has lapsed, so that their accounts are visited again. Count them."""
    return _close_all(FetchRun.objects.filter(closed_at=None, lease_until__lt=now), now)


def close_left_open(*, now: datetime) -> int:
    """Close what workers have left open, at a start when none can be alive. Count the runs.

    A command may be visiting at the same time; a run of its own lapses if that was killed.
    """
    ExternalAccount.objects.exclude(dispatched_until=None).update(dispatched_until=None)
    return _close_all(FetchRun.objects.filter(closed_at=None, by_worker=True), now)


def _close_all(runs: QuerySet[FetchRun], now: datetime) -> int:
    with transaction.atomic():
        # Accounts first, as whoever stores mail locks them: else two could wait for each other.
        theirs = ExternalAccount.objects.filter(pk__in=runs.values_list("account_id"))
        list(theirs.select_for_update(no_key=True).order_by("pk").values_list("pk"))
        lost = list(runs.select_for_update().values_list("pk", "account_id"))
        FetchRun.objects.filter(pk__in=[pk for pk, _ in lost]).update(closed_at=now, code=LOST)
        accounts = ExternalAccount.objects.filter(pk__in=[account for _, account in lost])
        accounts.update(dispatched_until=None, **progress.AT_REST)
        accounts.filter(state=State.ACTIVE).update(next_fetch_at=now)
        quotas.touch_all(set(accounts.values_list("owner_id", flat=True)))
    return len(lost)
