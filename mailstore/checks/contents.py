"""The index over messages against a fresh reading of their bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from mailstore import ingest, mending, searchrows
from mailstore.checks.faults import Fault, by_key
from mailstore.models import Message, Pack, ThreadLink
from mailstore.parsing import ParsedMessage
from mailstore.reindexing import has_wrong_parts, wrong_columns
from mailstore.threads import digests


def wrong_contents(
    pack: Pack, parsed: Mapping[int, ParsedMessage], *, with_words: bool
) -> Iterator[Fault]:
    """Yield differences of columns, parts, conversations and words; ``parsed`` is by blob."""
    # Whose bytes are another person's is told already, and nothing is built on it.
    messages = Message.objects.filter(owner=pack.owner_id, blob__pack=pack, blob__in=parsed)
    messages = messages.prefetch_related("parts")
    for chunk in by_key(messages):
        pairs = [(message, parsed[message.blob_id]) for message in chunk]
        yield from _still_there(_wrong_index(pairs))
        if with_words:
            yield from _still_there(_wrong_words(pairs))


def _still_there(faults: Iterator[Fault]) -> Iterator[Fault]:
    """Pass over messages that were erased between two statements."""
    return (one for one in faults if Message.objects.filter(pk=one.facts["message"]).exists())


def _wrong_index(pairs: Sequence[tuple[Message, ParsedMessage]]) -> Iterator[Fault]:
    linked = _links(pairs)
    for message, parsed in pairs:
        mend = partial(mending.read_message_again, message.pk)
        if names := wrong_columns(message, parsed):
            yield Fault("message.columns", {"message": message.pk, "names": " ".join(names)}, mend)
        if has_wrong_parts(message, parsed):
            yield Fault("message.parts", {"message": message.pk}, mend)
        places = {linked.get((message.owner_id, digest)) for digest in digests(parsed)}
        if places - {message.thread_id}:
            yield Fault("message.links", {"message": message.pk, "thread": message.thread_id}, mend)


def _links(pairs: Sequence[tuple[Message, ParsedMessage]]) -> dict[tuple[int, str], int]:
    wanted = {digest for _, parsed in pairs for digest in digests(parsed)}
    owners = {message.owner_id for message, _ in pairs}
    rows = ThreadLink.objects.filter(owner__in=owners, digest__in=wanted)
    return {
        (owner, digest): thread
        for owner, digest, thread in rows.values_list("owner_id", "digest", "thread_id")
    }


def _wrong_words(pairs: Sequence[tuple[Message, ParsedMessage]]) -> Iterator[Fault]:
    missing = searchrows.missing([message.pk for message, _ in pairs])
    for pk in sorted(missing):
        yield Fault("search.missing", {"message": pk}, partial(mending.read_message_again, pk))
    there = [
        ingest.entry_of(message, parsed) for message, parsed in pairs if message.pk not in missing
    ]
    for pk in sorted(searchrows.wrong(there)):
        mend = partial(mending.read_message_again, pk) if searchrows.can_drop() else None
        yield Fault("search.wrong", {"message": pk}, mend)
