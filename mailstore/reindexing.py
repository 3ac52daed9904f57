"""Makes every index again from the packs: columns, parts, conversations, words and counters.

What only rows know stays as it is: marks, folders, labels, times of arrival and public ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from django.db import transaction

from accounts import quotas
from accounts.models import User
from mailstore import copies, counting, ingest, packs, search, searchrows
from mailstore.inserting import insert
from mailstore.models import Folder, Message, Part, ThreadLink
from mailstore.parsing import ParsedMessage, parse
from mailstore.threads import find_threads

BATCH = 200
LINKS_AT_ONCE = 5000
PART_COLUMNS = ("number", "content_type", "filename", "content_id", "is_attachment", "size")
Pair = tuple[Message, ParsedMessage]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: every message up to this id is done; ``damaged`` counts unreadable ones."""

    after: int
    messages: int
    damaged: int


def reindex(owner_id: int | None, *, after: int = 0) -> Iterator[Progress]:
    """Make the index of one owner or of everybody again, in short transactions, while mail comes.

    Safe to stop anywhere; ``after`` takes up again behind the last progress that was told. Until
    it has ended, new replies may miss their conversation, and copies of a letter stand apart. On
    SQLite the words of everybody go into a second table that takes the place of the first at the
    end; for one owner only words that are missing are added. A message whose bytes are damaged
    keeps what its row knows.
    """
    messages = Message.objects.select_related("blob__pack").prefetch_related("parts")
    messages = messages if owner_id is None else messages.filter(owner=owner_id)
    words = searchrows.begin_beside(afresh=not after) if owner_id is None else searchrows.TABLE
    if not after:
        _unlink(owner_id)
        _part(owner_id)
    done = damaged = 0
    while True:
        batch = list(messages.filter(pk__gt=after).order_by("pk")[:BATCH])
        if not batch:
            missed = _put_in_place(words)
            if missed is None:
                break
            after = missed - 1
            continue
        for _, group in groupby(sorted(batch, key=attrgetter("owner_id")), attrgetter("owner_id")):
            damaged += _reindex_batch(list(group), words)
        after, done = batch[-1].pk, done + len(batch)
        yield Progress(after, done, damaged)
    _finish(owner_id)


def _unlink(owner_id: int | None) -> None:
    links = (
        ThreadLink.objects.all() if owner_id is None else ThreadLink.objects.filter(owner=owner_id)
    )
    while ids := list(links.order_by("pk").values_list("pk", flat=True)[:LINKS_AT_ONCE]):
        links.filter(pk__in=ids).delete()


def _part(owner_id: int | None) -> None:
    """Forget which messages are copies of others; batch by batch they find each other again."""
    joined = Message.objects.filter(same_as__isnull=False)
    joined = joined if owner_id is None else joined.filter(owner=owner_id)
    while ids := list(joined.values_list("pk", flat=True)[:LINKS_AT_ONCE]):
        Message.objects.filter(pk__in=ids).update(same_as=None)


def _put_in_place(words: str) -> int | None:
    """Put new words in the place of the old, or return the first message that has none yet."""
    if words == searchrows.TABLE:
        return None
    with transaction.atomic():
        missed = searchrows.first_missing(words)
        if missed is None:
            searchrows.take_place()
        return missed


def _finish(owner_id: int | None) -> None:
    owners = User.objects.filter(pk=owner_id) if owner_id else User.objects.all()
    for pk in owners.values_list("pk", flat=True).order_by("pk").iterator():
        counting.drop_empty_threads(pk)
        for folder_id in Folder.objects.filter(owner=pk).values_list("pk", flat=True):
            counting.recount(folder_id)
        counting.add_up(pk)


def _reindex_batch(messages: Sequence[Message], words: str) -> int:
    """Index a batch of one owner again. Return how many of it could not be read."""
    pairs, unreadable = [], []
    for message in messages:
        try:
            pairs.append((message, parse(packs.read_raw(message.blob))))
        except packs.BlobDamaged:
            unreadable.append(message)
    write_index(messages[0].owner_id, pairs, words)
    if words != searchrows.TABLE:
        searchrows.put([_known_words(message) for message in unreadable], words)
    return len(unreadable)


def _known_words(message: Message) -> search.Entry:
    """Return what a row still knows of a message whose bytes are gone."""
    return search.Entry(
        message.pk,
        message.owner_id,
        message.account_id,
        message.sent_at,
        subject=message.subject,
        sender=f"{message.sender_name} {message.sender_address}",
        to=search.people(message.to),
        cc=search.people(message.cc),
        text=message.preview,
        has_attachments=message.has_attachments,
    )


def write_index(owner_id: int, pairs: Sequence[Pair], words: str = searchrows.TABLE) -> None:
    """Bring the index over messages of one owner in line with their bytes, in one transaction."""
    with transaction.atomic():
        quotas.touch(owner_id)  # One writer of an owner's mail at a time.
        ids = [message.pk for message, _ in pairs]
        there = dict(Message.objects.filter(pk__in=ids).values_list("pk", "thread_id"))
        pairs = [pair for pair in pairs if pair[0].pk in there]
        homes = [there[message.pk] for message, _ in pairs]
        threads = find_threads(owner_id, [parsed for _, parsed in pairs], homes)
        for (message, parsed), thread_id, home in zip(pairs, threads, homes, strict=True):
            changed = wrong_columns(message, parsed)
            if changed or thread_id != home:
                Message.objects.filter(pk=message.pk).update(**changed, thread=thread_id)
            if has_wrong_parts(message, parsed):
                _replace_parts(message, parsed)
        copies.join([*_letters(pairs, threads)])
        entries = [ingest.entry_of(message, parsed) for message, parsed in pairs]
        searchrows.put(entries, words)


def _letters(pairs: Sequence[Pair], threads: Sequence[int]) -> Iterator[copies.Letter]:
    now = dict(
        Message.objects.filter(pk__in=[one.pk for one, _ in pairs]).values_list("pk", "same_as")
    )
    for (message, parsed), thread_id in zip(pairs, threads, strict=True):
        if sent_at := ingest.own_date(parsed, message.received_at):
            yield copies.Letter(
                message.pk, message.account_id, thread_id, message.blob_id, parsed.message_id,
                sent_at, now[message.pk],
            )  # fmt: skip


def wrong_columns(message: Message, parsed: ParsedMessage) -> dict[str, object]:
    """Return the columns that differ from what the bytes say, with what they should hold."""
    right = ingest.columns(parsed, message.received_at)
    return {name: value for name, value in right.items() if getattr(message, name) != value}


def has_wrong_parts(message: Message, parsed: ParsedMessage) -> bool:
    """Tell whether the listed parts differ from those that the bytes hold."""
    return sorted(map(_described, message.parts.all())) != sorted(parsed.parts)


def _described(part: Part) -> tuple[object, ...]:
    return tuple(getattr(part, name) for name in PART_COLUMNS)


def _replace_parts(message: Message, parsed: ParsedMessage) -> None:
    Part.objects.filter(message=message).delete()
    insert(Part, ingest.part_rows(message.pk, parsed))
