"""Makes messages again whose rows were lost while their bytes are whole, as new and unread."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts import quotas
from accounts.models import ExternalAccount
from accounts.models.account import GONE
from fetcher.models import RemoteFolder, RemoteUid
from mailstore import ingest, packs
from mailstore.checks.faults import Fault, by_key, wrong_rows
from mailstore.folders import role_folder
from mailstore.models import Blob, Message, Role
from mailstore.parsing import fingerprint, parse

NO_MESSAGE = ~Exists(Message.objects.filter(pk=OuterRef("message_id")))
VANISHED = Q(NO_MESSAGE, message__isnull=False)
UNUSED = ~Exists(Message.objects.filter(blob=OuterRef("pk")))


def lost_messages(owner_id: int | None, uids: QuerySet[RemoteUid]) -> Iterator[Fault]:
    """Yield messages that are gone in no way that was meant.

    Whoever deletes a message empties its remote id and drops its blob in the same transaction. A
    remote id that names a message which is not there, and a blob that nobody uses, tell of a loss.
    """
    blobs = Blob.objects.filter(UNUSED, owner=OuterRef("account__owner"), sha256=OuterRef("sha256"))
    lost = uids.filter(NO_MESSAGE, Exists(blobs)).exclude(account__state__in=GONE)
    yield from wrong_rows("message.lost", lost, ["account_id"], _make_again)
    yield from wrong_rows("remote.vanished", uids.filter(VANISHED), ["account_id"], _want_again)
    yield from _unnamed(owner_id)


def _make_again(uids: QuerySet[RemoteUid]) -> None:
    for uid in uids.select_related("account"):
        blob = Blob.objects.select_related("pack").get(
            owner=uid.account.owner_id, sha256=uid.sha256
        )
        try:
            _remake(uid, blob, packs.read_raw(blob))
        except packs.BlobDamaged:
            _drop(uid, blob)
        except quotas.QuotaExceeded:
            continue


@transaction.atomic
def _drop(uid: RemoteUid, blob: Blob) -> None:
    """Let the next visit fetch it as new; of a lost message with damaged bytes nothing is left."""
    if uid.deleted_at is None:
        uid.delete()
        blob.delete()


def _want_again(uids: QuerySet[RemoteUid]) -> None:
    """Forget ids whose message and bytes are gone, so that the next visit fetches them as new."""
    uids.filter(deleted_at=None).delete()
    uids.update(message=None)


@transaction.atomic
def _remake(uid: RemoteUid, blob: Blob, raw: bytes) -> None:
    quotas.take(uid.account.owner_id, len(raw))
    arrival = ingest.Arrival(raw, blob.sha256, parse(raw), received_at=uid.stored_at)
    inbox = role_folder(uid.account, Role.INBOX)
    blobs = {blob.sha256: blob.pk}
    (uid.message_id,) = ingest.add_messages(uid.account, inbox, blobs, [arrival])
    uid.save()


def _unnamed(owner_id: int | None) -> Iterator[Fault]:
    """Yield blobs that neither a message nor a remote id names, where their account is proven."""
    same = RemoteUid.objects.filter(account__owner=OuterRef("owner"), sha256=OuterRef("sha256"))
    blobs = Blob.objects.filter(UNUSED, ~Exists(same)).select_related("pack")
    for chunk in by_key(blobs if owner_id is None else blobs.filter(owner=owner_id)):
        for blob in chunk:
            if account := _account_of(blob):
                facts = {"blob": blob.pk, "account_id": account.pk}
                mend = partial(_make_unnamed, blobs.filter(pk=blob.pk), account)
                yield Fault("message.lost", facts, mend)


def _account_of(blob: Blob) -> ExternalAccount | None:
    """Return whose mail it is: a pack holds what one visit fetched. Else the owner's only one."""
    own = ExternalAccount.objects.filter(owner=blob.owner_id)
    beside = Message.objects.filter(blob__pack=blob.pack_id).values("account")
    found = list(own.filter(pk__in=beside)[:2]) or list(own[:2])
    return found[0] if len(found) == 1 and found[0].state not in GONE else None


def _make_unnamed(blobs: QuerySet[Blob], account: ExternalAccount) -> bool:
    for blob in blobs:
        try:
            raw = packs.read_raw(blob)
            _remake(_made_note(account, blob, raw), blob, raw)
        except (packs.BlobDamaged, quotas.QuotaExceeded):
            return False
    return True


def _made_note(account: ExternalAccount, blob: Blob, raw: bytes) -> RemoteUid:
    """Make a note under a name of our own, as of a message that is listed no more.

    Should the server list it still, the next visit knows it again by its headers.
    """
    folder, _ = RemoteFolder.objects.get_or_create(account=account, name="INBOX")
    name, now = fingerprint(raw), timezone.now()
    same = RemoteUid.objects.filter(account=account, remote_folder=folder, uid=name)
    return RemoteUid(
        account=account,
        remote_folder=folder,
        uid=name,
        uid_is_made=True,
        occurrence=same.count(),
        sha256=blob.sha256,
        fingerprint=name,
        stored_at=blob.pack.created_at,
        gone_at=now,
    )
