"""One visit to one server, from opening the run to closing it: the story of fetching."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from time import monotonic, sleep
from typing import TypeVar

import structlog
from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from accounts import quotas
from accounts.models import ExternalAccount, Plan, State
from accounts.vault import SealBroken
from fetcher.memory import DISTRUST, changes, recall
from fetcher.models import FetchRun, RemoteFolder, RemoteUid
from fetcher.outcomes import Outcome, close, outcome_of
from fetcher.planning import (
    BATCH_BYTES,
    BATCH_MESSAGES,
    FetchPlan,
    Found,
    Listing,
    Options,
    choose_deletions,
    plan_fetch,
)
from fetcher.sessions import find_messages, open_session
from mailstore import ingest, packs
from mailstore.folders import role_folder
from mailstore.models import Role
from mailstore.parsing import fingerprint, parse
from wire.errors import MailError, Retry
from wire.pop3 import Pop3Session

log = structlog.get_logger()
LEASE = timedelta(minutes=15)
PAUSE_SECONDS = 1
Stopping = Callable[[], bool]
Step = TypeVar("Step")


class RunLost(Exception):
    """The run was closed by somebody else; whatever is under way must not be stored."""


@dataclass(frozen=True, slots=True)
class Received:
    """One message as it came from the wire."""

    found: Found
    raw: bytes


def run_fetch(account_id: int, *, stopping: Stopping = lambda: False) -> FetchRun | None:
    """Visit one account's server and store what is new there.

    Return the closed run, or None when another run is open or the account is not active. Expected
    failures end up in the run's code; anything else is logged and told as our own fault.
    """
    run = _patiently(partial(_open_run, account_id, now=timezone.now()))
    if run is None:
        return None
    try:
        outcome = _visit(run, stopping)
    except RunLost:
        log.warning("run lost", account=account_id, run=run.pk)
        return None
    except MailError as error:
        outcome = replace(outcome_of(error), memory=DISTRUST)
    except SealBroken:
        outcome = Outcome("auth.sealed", retry=Retry.NEVER, refused=True)
    except Exception:
        log.exception("run failed", account=account_id, run=run.pk)
        outcome = Outcome("server.ours", retry=Retry.LATER, memory=DISTRUST)
    return _patiently(lambda: close(run, outcome, now=timezone.now()))


def _patiently(step: Callable[[], Step]) -> Step:
    """Take a step at the database, and again while that is away: the step must bear repeating.

    Nobody else may visit the account before the lease has lapsed, so that long it is worth it.
    """
    give_up = monotonic() + LEASE.total_seconds()
    while True:
        try:
            return step()
        except (OperationalError, InterfaceError):
            # A connection that broke outside a transaction stays broken until it is dropped.
            connection.close()
            if monotonic() > give_up:
                raise
            log.warning("database away")
            sleep(PAUSE_SECONDS)


def _open_run(account_id: int, *, now: datetime) -> FetchRun | None:
    accounts = ExternalAccount.objects.select_related("owner", "incoming")
    account = accounts.filter(pk=account_id, state=State.ACTIVE).first()
    if account is None:
        return None
    try:
        with transaction.atomic():
            return FetchRun.objects.create(account=account, opened_at=now, lease_until=now + LEASE)
    except IntegrityError:
        # The open run of another worker is the lock; our own is here if its commit went unanswered.
        return FetchRun.objects.filter(account=account, opened_at=now, closed_at=None).first()


def _visit(run: FetchRun, stopping: Stopping) -> Outcome:
    account = run.account
    limits = quotas.plan_of(account.owner)
    folder, _ = RemoteFolder.objects.get_or_create(account=account, name="INBOX")
    memory = recall(folder, account, now=timezone.now())
    with open_session(account, memory, max_message_bytes=limits.max_message_bytes) as session:
        listing = find_messages(session, folder, memory.position)
        stored_at = _stored_at(folder, listing)
        plan = _plan(account, limits, listing.found, stored_at)
        if plan.download:
            _announce(run, listed=len(listing.found), total=len(plan.download))
        skipped = _download(run, folder, session, plan, stopping)
        marked = [] if stopping() else _mark_deleted(session, folder, account, listing)
        # POP3 deletes at QUIT (RFC 1939 §6): a session that drops before it has deleted nothing.
        session.finish()
    if marked:
        _note_deleted(run, folder, marked)
    outcome = _told(plan, skipped, stopped=stopping())
    is_settled = not (outcome.facts or outcome.stopped or marked)
    now = timezone.now()
    there = [*stored_at.values(), *([now] if plan.download else [])]
    learnt = changes(folder, session, listing, there, is_settled=is_settled, now=now)
    return replace(outcome, memory=learnt)


def _plan(
    account: ExternalAccount,
    limits: Plan,
    found: Sequence[Found],
    known: Container[tuple[str, int]],
) -> FetchPlan:
    if not found:
        return FetchPlan()
    options = Options(
        room=quotas.room_left(account.owner_id),
        max_message_bytes=limits.max_message_bytes,
        max_messages=account.max_per_cycle or limits.max_per_cycle,
    )
    return plan_fetch(found, known, options)


def _stored_at(folder: RemoteFolder, listing: Listing) -> dict[tuple[str, int], datetime]:
    """Return which of the listed messages are stored here, and since when."""
    keys = {entry.key for entry in listing.found}
    if listing.is_whole:
        rows = RemoteUid.objects.filter(remote_folder=folder)
    else:
        rows = folder.stored({uid for uid, _ in keys})
    return {
        (uid, occurrence): stored_at
        for uid, occurrence, stored_at in rows.values_list("uid", "occurrence", "stored_at")
        if (uid, occurrence) in keys
    }


def _announce(run: FetchRun, *, listed: int, total: int) -> None:
    FetchRun.objects.filter(pk=run.pk).update(listed=listed)
    ExternalAccount.objects.filter(pk=run.account_id).update(progress_done=0, progress_total=total)


def _download(
    run: FetchRun,
    folder: RemoteFolder,
    session: Pop3Session,
    plan: FetchPlan,
    stopping: Stopping,
) -> int:
    """Fetch and keep, batch by batch. Return how many messages could not be had."""
    skipped = 0
    by_number = {found.item.number: found for found in plan.download}
    batch: list[Received] = []
    for item, raw in session.retrieve([found.item for found in plan.download]):
        if isinstance(raw, MailError):
            skipped += 1
        else:
            batch.append(Received(by_number[item.number], raw))
        if _is_full(batch):
            keep(run, folder, batch, now=timezone.now())
            batch = []
        if stopping():
            break
    if batch:
        keep(run, folder, batch, now=timezone.now())
    return skipped


def _is_full(batch: Sequence[Received]) -> bool:
    return len(batch) >= BATCH_MESSAGES or _octets(batch) >= BATCH_BYTES


def _octets(batch: Sequence[Received]) -> int:
    return sum(len(one.raw) for one in batch)


def keep(run: FetchRun, folder: RemoteFolder, batch: Sequence[Received], *, now: datetime) -> None:
    """Store a batch: one pack written and synced, then everything else in one transaction.

    Raise QuotaExceeded when the batch does not fit, RunLost when the run is no longer ours; then
    nothing of the batch is stored, and the pack is litter that is removed at once.
    """
    arrivals = [_arrival(one.raw, now) for one in batch]
    pack = packs.write_pack([one.raw for one in batch])
    # Within the transaction: a commit that fails may have come about, and its rows name the pack.
    with transaction.atomic(), packs.discarded_on_failure(pack):
        _renew(run, now)
        quotas.take(run.account.owner_id, _octets(batch))
        inbox = role_folder(run.account, Role.INBOX)
        messages = ingest.store_messages(run.account, inbox, pack, arrivals)
        RemoteUid.objects.bulk_create(
            _remote_uid(folder, one, message.pk, arrival, now)
            for one, arrival, message in zip(batch, arrivals, messages, strict=True)
        )
        _count(run, batch)


def _arrival(raw: bytes, now: datetime) -> ingest.Arrival:
    digest = hashlib.sha256(raw).hexdigest()
    return ingest.Arrival(raw=raw, sha256=digest, parsed=parse(raw), received_at=now)


def _remote_uid(
    folder: RemoteFolder, one: Received, message_id: int, arrival: ingest.Arrival, now: datetime
) -> RemoteUid:
    return RemoteUid(
        account_id=folder.account_id,
        remote_folder=folder,
        uid=one.found.uid,
        uid_is_made=one.found.uid_is_made,
        occurrence=one.found.occurrence,
        sha256=arrival.sha256,
        fingerprint=fingerprint(one.raw),
        message_id=message_id,
        stored_at=now,
    )


def _renew(run: FetchRun, now: datetime) -> None:
    """Prolong the lease in the transaction that stores, so that a lost run stores nothing."""
    ours = FetchRun.objects.filter(pk=run.pk, closed_at=None)
    if not ours.update(lease_until=now + LEASE):
        raise RunLost


def _count(run: FetchRun, batch: Sequence[Received]) -> None:
    FetchRun.objects.filter(pk=run.pk).update(
        messages=F("messages") + len(batch), octets=F("octets") + _octets(batch)
    )
    ExternalAccount.objects.filter(pk=run.account_id).update(
        progress_done=F("progress_done") + len(batch)
    )


def _mark_deleted(
    session: Pop3Session, folder: RemoteFolder, account: ExternalAccount, listing: Listing
) -> list[Found]:
    """Ask the server to delete what its owner wants gone, once stored and its hash checked.

    What may go is read from our own table after the commit, never taken from the server alone.
    """
    days = account.incoming.delete_after_days
    if days is None or not listing.found:
        return []
    due = choose_deletions(
        listing.found, _stored_at(folder, listing), delete_after_days=days, now=timezone.now()
    )
    proven = {entry.item.number: entry for entry in _proven(folder, due)}
    marked = session.delete([entry.item for entry in proven.values()])
    return [proven[item.number] for item in marked]


def _proven(folder: RemoteFolder, due: Sequence[Found]) -> Iterator[Found]:
    for entry in due:
        places = _rows(folder, entry).select_related("message__blob__pack")
        if any(uid.message and packs.is_intact(uid.message.blob, uid.sha256) for uid in places):
            yield entry


def _note_deleted(run: FetchRun, folder: RemoteFolder, marked: Sequence[Found]) -> None:
    for entry in marked:
        _rows(folder, entry).update(deleted_at=timezone.now())
    FetchRun.objects.filter(pk=run.pk).update(deleted=len(marked))


def _rows(folder: RemoteFolder, entry: Found) -> QuerySet[RemoteUid]:
    return folder.stored([entry.uid]).filter(occurrence=entry.occurrence)


def _told(plan: FetchPlan, skipped: int, *, stopped: bool) -> Outcome:
    """Turn what was left behind into facts; a full store is the only thing worth a code."""
    counts: dict[str, str | int] = {
        "waiting": plan.waiting,
        "too_large": len(plan.too_large),
        "skipped": skipped,
        "later": plan.later,
    }
    facts = {name: count for name, count in counts.items() if count}
    if plan.waiting and not stopped:
        return Outcome("quota.full", facts, Retry.LATER)
    return Outcome(facts=facts, stopped=stopped)
