"""What the fetcher remembers against the message store: remote ids and open runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet

from fetcher.models import FetchRun, RemoteUid
from fetcher.outcomes import close_stale_runs
from fetcher.remaking import VANISHED, lost_messages
from mailstore import packs
from mailstore.checks.faults import Fault, by_key, wrong_rows
from mailstore.models import Blob
from mailstore.parsing import fingerprint

LONG_AGO = timedelta(hours=1)
READ_AT_ONCE = 100
ADVICE = {
    "blob.digest": "The bytes are what was fetched, the row is wrong. --repair sets it right.",
    "message.lost": "The blob is here, its message is gone. --repair makes it again, as new.",
    "remote.account": "--repair takes the account of the remote folder if the message agrees.",
    "remote.digest": "The bytes are whole, the note of them is wrong. --repair sets it right.",
    "remote.fingerprint": "--repair makes it again from the message.",
    "remote.other_bytes": "Other bytes are stored than were fetched. The server keeps its copy.",
    "remote.vanished": "The message and its bytes are gone. --repair lets the next visit fetch it.",
    "run.lapsed": "No worker has closed this run. --repair closes it.",
}


def check_remote(owner_id: int | None, *, now: datetime) -> Iterator[Fault]:
    """Yield what is wrong with the fetcher's own rows, of one owner's accounts or of all."""
    uids = RemoteUid.objects.all() if owner_id is None else _of(owner_id, RemoteUid.objects.all())
    yield from lost_messages(owner_id, uids)
    uids = uids.exclude(VANISHED)
    foreign = uids.filter(_foreign())
    names = ["account_id", "remote_folder_id", "message_id"]
    yield from wrong_rows("remote.account", foreign, names, _take_folders_account)
    yield from _wrong_digests(uids)
    yield from _wrong_fingerprints(uids)
    runs = FetchRun.objects.filter(closed_at=None, lease_until__lt=now - LONG_AGO)
    runs = runs if owner_id is None else runs.filter(account__owner=owner_id)
    yield from wrong_rows("run.lapsed", runs, ["account_id"], partial(_close, now))


def _of(owner_id: int, rows: QuerySet[RemoteUid]) -> QuerySet[RemoteUid]:
    return rows.filter(account__owner=owner_id)


def _foreign() -> Q:
    other_message = Q(message__isnull=False) & ~Q(message__account=F("account"))
    return ~Q(account=F("remote_folder__account")) | other_message


def _take_folders_account(uids: QuerySet[RemoteUid]) -> None:
    agreeing = Q(message=None) | Q(message__account=F("remote_folder__account"))
    for uid in uids.filter(agreeing).select_related("remote_folder"):
        RemoteUid.objects.filter(pk=uid.pk).update(account=uid.remote_folder.account_id)


def _wrong_digests(uids: QuerySet[RemoteUid]) -> Iterator[Fault]:
    """Yield ids of other bytes than their message's; the bytes tell which of two rows is wrong."""
    stored = uids.filter(message__isnull=False).exclude(sha256=F("message__blob__sha256"))
    for chunk in by_key(stored.select_related("message__blob__pack"), READ_AT_ONCE):
        for uid in chunk:
            if uid.message and stored.filter(pk=uid.pk).exists():
                yield _wrong_digest(uid, uid.message.blob)


def _wrong_digest(uid: RemoteUid, blob: Blob) -> Fault:
    facts = {"remoteuid": uid.pk, "blob": blob.pk, "message_id": uid.message_id or 0}
    found, of_owner = packs.digest_of(blob), Blob.objects.filter(owner=blob.owner_id)
    if found == uid.sha256:
        return Fault("blob.digest", facts, partial(_correct, Blob, blob.pk, found))
    # What else was fetched under that digest may be what this message should be.
    if found == blob.sha256 and not of_owner.filter(sha256=uid.sha256).exists():
        return Fault("remote.digest", facts, partial(_correct, RemoteUid, uid.pk, found))
    return Fault("remote.other_bytes", facts)


def _correct(rows: type[Blob | RemoteUid], pk: int, digest: str) -> bool:
    try:
        with transaction.atomic():
            return bool(rows._default_manager.filter(pk=pk).update(sha256=digest))  # noqa: SLF001 - Django's documented way
    except IntegrityError:
        return False


def _wrong_fingerprints(uids: QuerySet[RemoteUid]) -> Iterator[Fault]:
    """Yield ids whose message would not be known again by its headers."""
    whole = uids.filter(sha256=F("message__blob__sha256")).select_related("message__blob__pack")
    for chunk in by_key(whole, READ_AT_ONCE):
        for uid in chunk:
            right = _fingerprint_of(uid)
            if right not in {None, uid.fingerprint}:
                mend = partial(_set_fingerprint, uid.pk, str(right))
                yield Fault("remote.fingerprint", {"remoteuid": uid.pk}, mend)


def _fingerprint_of(uid: RemoteUid) -> str | None:
    try:
        return fingerprint(packs.read_raw(uid.message.blob)) if uid.message else None
    except packs.BlobDamaged:
        return None


def _set_fingerprint(pk: int, right: str) -> bool:
    RemoteUid.objects.filter(pk=pk).update(fingerprint=right)
    return True


def _close(now: datetime, _runs: QuerySet[FetchRun]) -> None:
    close_stale_runs(now=now)
