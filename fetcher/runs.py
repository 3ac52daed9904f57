"""One visit to one server, from opening the run to closing it: the story of fetching."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import chain

import structlog
from django.db import transaction
from django.utils import timezone

from accounts import quotas
from accounts.models import ExternalAccount, Plan
from accounts.pace import pace_of
from accounts.policy import DELETE, policy_of
from accounts.vault import SealBroken
from fetcher import deletion, progress, setaside
from fetcher.daily_limits import fits_again_at, limit_of, room_for, spent_by
from fetcher.desks import desk
from fetcher.identity import Found, Named
from fetcher.keeping import Haul, RunLost, download, fence
from fetcher.leases import LEASES
from fetcher.listed import Listed
from fetcher.lots import lots
from fetcher.memory import DISTRUST, Memory, changes, recall
from fetcher.models import FetchRun, RemoteFolder
from fetcher.opening import inbox_of, open_runs, patiently
from fetcher.outcomes import LOST, Outcome, close, outcome_of
from fetcher.planning import (
    FetchPlan,
    Listing,
    Options,
    Past,
    plan_fetch,
)
from fetcher.recognition import Recognised, note, recognise
from fetcher.schedule import LONGEST_WAIT
from fetcher.sessions import Headings, find_messages, open_session
from fetcher.sittings import in_sittings
from fetcher.stopping import VISIT_SECONDS, Allowance, Stopping, Unwanted, either
from wire.errors import MailError, MessageTooLarge, Retry
from wire.session import MailSession

log = structlog.get_logger()
# What may be so for good, and needs no look at the whole list at the next visit.
SETTLED = {"recognised", "too_large", "set_aside", "unkept"}
# What a visit that looks only at what is new knows from the one before.
STAYING = ("too_large", "set_aside")


def run_fetch(account_id: int, *, stopping: Stopping = lambda: False) -> FetchRun | None:
    """Visit one account's server and store what is new there.

    Return the closed run, or None when another run is open or the account is not active. Expected
    failures end up in the run's code; anything else is logged and told as our own fault.
    """
    runs = patiently(partial(open_runs, [account_id], now=timezone.now()))
    if not runs:
        return None
    outcome = visit(runs[0], stopping)
    if outcome is None:
        return patiently(partial(_lost, runs[0]))
    return patiently(lambda: close(runs[0], outcome, now=timezone.now()))


def _lost(run: FetchRun) -> FetchRun:
    """Return a run as whoever closed it has left it; nothing is left of a removed account's."""
    with suppress(FetchRun.DoesNotExist):
        run.refresh_from_db()
    run.code = LOST
    return run


def visit(run: FetchRun, stopping: Stopping) -> Outcome | None:
    """Visit the server of an open run's account; return what to close it with, None if it is lost.

    Where nothing is new the database is not needed.
    """
    try:
        with LEASES.held(run):
            unwanted = either(stopping, Unwanted(run.account_id))
            return in_sittings(run, partial(_visit, run, unwanted), unwanted)
    except RunLost:
        log.warning("run lost", account=run.account_id, run=run.pk)
        return None
    except MailError as error:
        return replace(outcome_of(error), memory=DISTRUST)
    except SealBroken:
        return Outcome("auth.sealed", retry=Retry.NEVER, refused=True)
    except Exception:
        log.exception("run failed", account=run.account_id, run=run.pk)
        return Outcome("server.ours", retry=Retry.LATER, memory=DISTRUST)


def _visit(run: FetchRun, stopping: Stopping) -> Outcome:
    account, allowance = run.account, Allowance(VISIT_SECONDS)
    limits = quotas.plan_of(account.owner)
    folder = inbox_of(account)
    memory = recall(folder, account, now=timezone.now())
    with (
        open_session(account, memory, max_message_bytes=limits.max_message_bytes) as session,
        _counted(run, session),
    ):
        looked = _look_and_plan(run, session, folder, memory, limits)
        if looked is None:
            session.finish()
            return _nothing_new(account, folder, session)
        seen, plan = looked
        haul = _download(run, folder, session, seen.wanted, stopping, allowance)
        with desk():
            setaside.forget(folder, seen.listing, seen.failed)
            is_over = stopping() or haul.is_full
            marked = [] if is_over else _mark_deleted(session, folder, account, seen.listing)
        # POP3 deletes at QUIT (RFC 1939 §6): a session that drops before it has deleted nothing.
        session.finish()
    is_stopped = stopping() or allowance.is_up
    with desk():
        if marked:
            deletion.note(run, folder, marked, now=timezone.now())
        outcome = _told(account, plan, haul, seen, stopped=is_stopped)
        is_settled = not (outcome.facts.keys() - SETTLED or outcome.stopped or marked)
        is_settled = is_settled and not (seen.failed and setaside.are_wanted(folder))
        if plan.held and not (outcome.code or outcome.stopped):
            outcome, is_settled = _paused(account, plan.held, now=timezone.now()), False
    wait = max(outcome.wait, _wait_for(session))
    now = timezone.now()
    there = [seen.oldest_stored_at, *([now] if plan.download else [])]
    learnt = changes(folder, session, seen.listing, there, is_settled=is_settled, now=now)
    return replace(outcome, memory=learnt, wait=wait)


def _nothing_new(account: ExternalAccount, folder: RemoteFolder, session: MailSession) -> Outcome:
    """Tell that nothing has changed, without the database: what was left behind still is."""
    listing, now = Listing((), is_whole=False), timezone.now()
    learnt = changes(folder, session, listing, (), is_settled=True, now=now)
    still = {name: _still(account, listing, name) for name in STAYING}
    facts: dict[str, str | int] = {name: count for name, count in still.items() if count}
    return Outcome(facts=facts, wait=_wait_for(session), memory=learnt)


def _wait_for(session: MailSession) -> timedelta:
    return min(timedelta(seconds=session.login_delay), LONGEST_WAIT)


@contextmanager
def _counted(run: FetchRun, session: MailSession) -> Iterator[None]:
    """Note how much the server sent, however the visit ends."""
    try:
        yield
    finally:
        run.received += session.octets_in


@dataclass(frozen=True, slots=True)
class Seen:
    """What a visit goes on knowing of what was listed, in little room."""

    listing: Listing
    failed: Mapping[tuple[str, int], Past]
    oldest_stored_at: datetime | None
    moved: int
    wanted: Sequence[Listed]


def _look_and_plan(
    run: FetchRun, session: MailSession, folder: RemoteFolder, memory: Memory, limits: Plan
) -> tuple[Seen, FetchPlan] | None:
    """List, recognise what is stored, and write that and the plan down before anything comes.

    None where the server confirms that nothing has changed, as it mostly does.
    """
    headings = Headings(session)
    named, is_whole = find_messages(session, headings, folder, memory.position)
    if not (named or is_whole):
        return None
    with desk():
        known = _look(run, headings, folder, named, is_whole=is_whole)
        now, most = timezone.now(), limits.max_message_bytes
        failed = setaside.pasts(folder, max_message_bytes=most, visited_at=run.opened_at, now=now)
        plan = _plan(run.account, limits, known, failed)
        if plan.download:
            listed = len(known.listing.found)
            progress.begin(run, plan, listed=listed, now=now)
    found = Listed(known.listing.found)
    oldest = min(known.stored_at.values(), default=None)
    wanted, listing = found.only(plan.download), replace(known.listing, found=found)
    fresh = len(wanted) - plan.again
    # What could not be had before may hang again, and waits until all else is stored.
    seen = Seen(listing, failed, oldest, len(known.moved), [wanted[:fresh], wanted[fresh:]])
    return seen, replace(plan, download=wanted, held=found.only(plan.held))


def _look(
    run: FetchRun,
    headings: Headings,
    folder: RemoteFolder,
    named: Sequence[Named],
    *,
    is_whole: bool,
) -> Recognised:
    seen = recognise(headings, folder, named, is_whole=is_whole)
    if seen.has_news:
        with transaction.atomic():
            fence(run, timezone.now())
            note(seen, now=timezone.now())
    if seen.moved:
        log.info("recognised", account=run.account_id, run=run.pk, messages=len(seen.moved))
    return seen


def _download(
    run: FetchRun,
    folder: RemoteFolder,
    session: MailSession,
    wanted: Sequence[Listed],
    stopping: Stopping,
    allowance: Allowance,
) -> Haul:
    """Fetch lot by lot, as much at a time as there is room for in this process."""
    whole = Haul()
    # What the list took is free again, and others may read theirs.
    session.release()
    for lot in chain.from_iterable(map(lots, wanted)):
        whole.add(download(run, folder, session, lot, stopping, allowance))
        session.release()
        if whole.is_full or allowance.is_up or stopping():
            break
    return whole


def _mark_deleted(
    session: MailSession, folder: RemoteFolder, account: ExternalAccount, listing: Listing
) -> list[deletion.Key]:
    days = account.incoming.delete_after_days
    if days is None or not policy_of(account.owner).allows(DELETE):
        return []
    return deletion.mark(session, folder, listing, delete_after_days=days, now=timezone.now())


def _plan(
    account: ExternalAccount,
    limits: Plan,
    seen: Recognised,
    failed: Mapping[tuple[str, int], Past],
) -> FetchPlan:
    if not seen.listing.found:
        return FetchPlan()
    options = Options(
        room=quotas.room_left(account.owner_id),
        max_message_bytes=limits.max_message_bytes,
        max_messages=pace_of(account, limits).at_most,
        daily_room=room_for(account, now=timezone.now()),
    )
    return plan_fetch(seen.listing.found, seen.stored_at, options, failed)


def _told(
    account: ExternalAccount, plan: FetchPlan, haul: Haul, seen: Seen, *, stopped: bool
) -> Outcome:
    """Turn what was left behind into facts; a full store is the only thing worth a code."""
    too_large = sum(isinstance(error, MessageTooLarge) for _, error in haul.failures)
    unkept = len(plan.download) - haul.kept - len(haul.failures) if haul.is_full else 0
    cut_off = 0 if haul.is_full else haul.asked - haul.kept - len(haul.failures)
    counts: dict[str, int] = {
        "waiting": plan.waiting + unkept,
        "too_large": plan.too_large + too_large + _still(account, seen.listing, "too_large"),
        "set_aside": plan.set_aside + _still(account, seen.listing, "set_aside"),
        "skipped": plan.skipped + len(haul.failures) - too_large,
        "later": plan.later,
        "recognised": seen.moved + haul.again,
        "unkept": plan.skipped + haul.asked - haul.kept,
        "cut_off": cut_off,
    }
    facts: dict[str, str | int] = {name: count for name, count in counts.items() if count}
    if counts["waiting"] and not stopped:
        room = quotas.usage(account.owner_id)
        facts |= {"used": room.used, "allowed": room.allowed, "needs": _needs(plan, haul)}
        return Outcome("quota.full", facts, Retry.LATER)
    return Outcome(facts=facts, stopped=stopped)


def _needs(plan: FetchPlan, haul: Haul) -> int:
    """Return how much room lets anything of what waits come; hints count for what was not seen."""
    unseen = [found.item.size for found in plan.download[haul.answered :]] if haul.is_full else []
    sizes = [octets for _, octets in haul.unfit] + unseen + ([plan.needs] if plan.waiting else [])
    return max(1, min(sizes, default=1))


def _still(account: ExternalAccount, listing: Listing, name: str) -> int:
    """Return what the visit before counted, where this one looked at what came after it only."""
    return 0 if listing.is_whole else int(account.last_facts.get(name, 0))


def _paused(account: ExternalAccount, held: Sequence[Found], *, now: datetime) -> Outcome:
    """Wait until the provider gives as much again as the smallest message that it holds."""
    limit = limit_of(account.incoming.host)
    if limit is None:
        return Outcome()
    smallest = min(entry.item.size for entry in held)
    until = fits_again_at(limit, spent_by(account, now=now), smallest, now=now)
    facts: dict[str, str | int] = {
        "held": len(held),
        "provider": limit.provider,
        "until": until.isoformat(timespec="seconds"),
    }
    return Outcome("limit.daily", facts, wait=until - now)
