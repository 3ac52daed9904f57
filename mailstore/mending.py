"""Mends what packs and rows prove, each fault in a short transaction; no raw bytes are deleted.

Every verb proves the fault again first, and tells whether it is gone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts import quotas
from mailstore import counting, packs
from mailstore.folders import role_folder
from mailstore.models import DISCARDED, Blob, Folder, Message, Pack, Role, Thread
from mailstore.parsing import parse
from mailstore.reindexing import write_index


def recount(folder_id: int) -> bool:
    """Count a folder again."""
    counting.recount(folder_id)
    return True


def recount_label(label_id: int) -> bool:
    """Count a label again."""
    counting.recount_label(label_id)
    return True


def add_up(owner_id: int) -> bool:
    """Add up an owner's used bytes again."""
    counting.add_up(owner_id)
    return True


def read_message_again(message_id: int) -> bool:
    """Bring columns, parts, conversation and words of one message in line with its bytes."""
    read_again(Message.objects.filter(pk=message_id))
    return True


def read_again(messages: QuerySet[Message]) -> None:
    """Do the same for each message found, as far as its bytes are whole and its owner's own."""
    own = messages.filter(account__owner=F("owner"), blob__owner=F("owner"))
    for message in own.select_related("blob__pack").prefetch_related("parts"):
        if (raw := _whole(message.blob)) is not None:
            write_index(message.owner_id, [(message, parse(raw))])


def _whole(blob: Blob) -> bytes | None:
    try:
        return packs.read_raw(blob)
    except packs.BlobDamaged:
        return None


def take_size(messages: QuerySet[Message]) -> None:
    """Give messages the size of their bytes where these are whole."""
    for message in messages.select_related("blob__pack"):
        if _whole(message.blob) is not None:
            Message.objects.filter(pk=message.pk).update(size=message.blob.size)


def move_to_inbox(messages: QuerySet[Message]) -> None:
    """Move messages to the inbox of their own account, where that is their owner's."""
    for message in messages.filter(account__owner=F("owner")).select_related("account"):
        Message.objects.filter(pk=message.pk).update(
            folder=role_folder(message.account, Role.INBOX)
        )


def give_to_account_owner(folders: QuerySet[Folder]) -> None:
    """Give folders to the owner of their account."""
    for folder in folders.select_related("account"):
        Folder.objects.filter(pk=folder.pk).update(owner=folder.account.owner_id)


def stamp_discarded(messages: QuerySet[Message]) -> None:
    """Let the time in Trash and Spam begin now where it did not, and end elsewhere."""
    is_discarded = Q(folder__role__in=DISCARDED)
    messages.filter(is_discarded).update(discarded_at=timezone.now())
    messages.exclude(is_discarded).update(discarded_at=None)


def drop_threads(threads: QuerySet[Thread]) -> None:
    """Remove conversations without messages."""
    for owner_id in set(threads.values_list("owner_id", flat=True)):
        with transaction.atomic():
            quotas.touch(owner_id)
            counting.without_messages(threads.filter(owner=owner_id)).delete()


def drop_if_damaged(blobs: QuerySet[Blob]) -> None:
    """Remove the rows of blobs that no message uses and no whole bytes prove."""
    for blob in blobs.select_related("pack"):
        if _whole(blob) is None:
            blobs.filter(pk=blob.pk).delete()


def drop_rows(model: type[Model], pk: int) -> bool:
    """Remove a row that is nothing without another, which is gone."""
    # Twice named by what is gone, it may have been removed already.
    model._default_manager.filter(pk=pk).delete()  # noqa: SLF001 - Django's documented way
    return True


def drop_pack(pack_id: int) -> bool:
    """Remove the row of a pack that has neither file nor blobs."""
    empty = ~Exists(Blob.objects.filter(pack=OuterRef("pk")))
    for pack in Pack.objects.filter(empty, pk=pack_id):
        if packs.size_on_disk(pack.name) is None:
            pack.delete()
            return True
    return False


def correct_pack_size(pack_id: int, on_disk: int) -> bool:
    """Give a pack, whose messages were all found whole, the size of its file."""
    return bool(Pack.objects.filter(pk=pack_id).update(size=on_disk))


def remove_file(path: Path) -> bool:
    """Remove a file that was never finished."""
    path.unlink(missing_ok=True)
    return True


def set_file_aside(path: Path) -> bool:
    """Move a pack without a row away, if it still has none; it may hold the only copy of mail."""
    name = packs.name_of(path)
    if name and Pack.objects.filter(name=name).exists():
        return False
    packs.set_aside(path)
    return True


def find_in_pack(blob: Blob, whole: Sequence[Blob]) -> bool:
    """Give a blob its place again, where its digest proves a gap between whole ones to be it."""
    for offset, size in _candidates(blob, whole):
        if _digest(blob, offset, size) == blob.sha256:
            try:
                with transaction.atomic():
                    mine = Blob.objects.filter(pk=blob.pk, pack=blob.pack_id)
                    return bool(mine.update(offset=offset, size=size))
            except IntegrityError:
                return False
    return False


def _candidates(blob: Blob, whole: Sequence[Blob]) -> Iterator[tuple[int, int]]:
    at = 0
    places = [(one.offset, one.size) for one in whole]
    for offset, size in [*places, (packs.size_on_disk(blob.pack.name) or 0, 0)]:
        for length in {blob.size, offset - at}:
            if 0 <= length <= offset - at:
                yield at, length
        at = max(at, offset + size)


def _digest(blob: Blob, offset: int, size: int) -> str:
    try:
        return hashlib.sha256(packs.read_stretch(blob.pack.name, offset, size)).hexdigest()
    except OSError:
        return ""


def put_back(owner_id: int, raws: Mapping[str, bytes]) -> int:
    """Give blobs their bytes again, from a new pack; ``raws`` by digest. Return how many.

    The digest is the proof: messages, marks and ids stay, only the place of the bytes moves.
    """
    whole = {key: raw for key, raw in raws.items() if hashlib.sha256(raw).hexdigest() == key}
    if not whole:
        return 0
    written = packs.write_pack(list(whole.values()))
    try:
        with transaction.atomic():
            pack = Pack.objects.create(owner_id=owner_id, name=written.name, size=written.size)
            for sha256, (offset, size) in zip(whole, written.places, strict=True):
                blob = Blob.objects.filter(owner=owner_id, sha256=sha256)
                blob.update(pack=pack, offset=offset, size=size)
    except BaseException:
        packs.discard(written.name)
        raise
    return len(whole)
