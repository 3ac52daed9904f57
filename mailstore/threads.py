"""Which messages are one conversation: by Message-ID and what answers it, never by subject."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from operator import itemgetter

from django.db.models import Count, Exists, OuterRef

from mailstore.inserting import insert, reserve_ids
from mailstore.models import Message, Thread, ThreadLink
from mailstore.parsing import ParsedMessage


def find_threads(
    owner_id: int, arrivals: Sequence[ParsedMessage], homes: Sequence[int] = ()
) -> list[int]:
    """Return the id of each message's conversation, made or merged where needed.

    ``homes[i]`` is the conversation that message ``i`` lies in already; rather than a new one it
    is taken again, with its address, unless other messages have a claim to it.
    Runs inside the caller's transaction, which has locked the owner's quota row: two batches of
    one owner must not do this at once. Conversations never join owners (RFC 8621 §3).
    """
    ids = [digests(parsed) for parsed in arrivals]
    found = ThreadLink.objects.filter(owner_id=owner_id, digest__in=set().union(*ids))
    known = dict(found.values_list("digest", "thread_id"))
    groups = _Groups()
    for index, mentioned in enumerate(ids):
        for digest in mentioned:
            groups.join(index, digest)
    for digest, thread_id in known.items():
        groups.join(digest, (thread_id,))
    kept = _merge(groups, set(known.values()))
    roots = [groups.root(index) for index in range(len(ids))]
    threads = _threads(owner_id, roots, _homes(owner_id, roots, ids, homes) | kept)
    homes_of_new = {
        digest: thread_id
        for mentioned, thread_id in zip(ids, threads, strict=True)
        for digest in mentioned
        if digest not in known
    }
    insert(
        ThreadLink,
        [
            {"owner_id": owner_id, "digest": digest, "thread_id": thread_id}
            for digest, thread_id in homes_of_new.items()
        ],
    )
    return threads


def digests(parsed: ParsedMessage) -> list[str]:
    """Return the digests of a message's own id and of all that it refers to."""
    ids = [parsed.message_id, *parsed.references]
    return [hashlib.sha256(one.encode()).hexdigest() for one in ids if one]


# A message by its place in the batch, a Message-ID by its digest, a known conversation by (id,).
_Node = int | str | tuple[int]


class _Groups:
    """What belongs together: a forest in which each tree is one conversation."""

    def __init__(self) -> None:
        self._above: dict[_Node, _Node] = {}

    def root(self, node: _Node) -> _Node:
        while (above := self._above.get(node, node)) != node:
            self._above[node] = self._above.get(above, above)
            node = above
        return node

    def join(self, one: _Node, other: _Node) -> None:
        self._above[self.root(one)] = self.root(other)


def _homes(
    owner_id: int, roots: Sequence[_Node], ids: Sequence[list[str]], homes: Sequence[int]
) -> dict[_Node, int]:
    """Choose for each group the oldest conversation it lies in that nobody else has a claim to.

    A link is a claim. A message without any id has none: it keeps a conversation of its own only.
    """
    if not homes:
        return {}
    unclaimed = ~Exists(ThreadLink.objects.filter(thread=OuterRef("pk")))
    free = Thread.objects.filter(unclaimed, owner=owner_id, pk__in=homes)
    members = dict(free.annotate(Count("messages")).values_list("pk", "messages__count"))
    chosen: dict[_Node, int] = {}
    for home, root, mentioned in sorted(zip(homes, roots, ids, strict=True), key=itemgetter(0)):
        if root not in chosen and home in members and (mentioned or members[home] == 1):
            chosen[root] = home
            del members[home]
    return chosen


def _merge(groups: _Groups, thread_ids: set[int]) -> dict[_Node, int]:
    """Make the oldest conversation of each group take over the others; return it by group."""
    together: dict[_Node, list[int]] = defaultdict(list)
    for thread_id in sorted(thread_ids):
        together[groups.root((thread_id,))].append(thread_id)
    for kept, *others in together.values():
        if others:
            Message.objects.filter(thread__in=others).update(thread=kept)
            ThreadLink.objects.filter(thread__in=others).update(thread=kept)
            Thread.objects.filter(pk__in=others).delete()
    return {group: ids[0] for group, ids in together.items()}


def _threads(owner_id: int, roots: list[_Node], kept: dict[_Node, int]) -> list[int]:
    new = [group for group in dict.fromkeys(roots) if group not in kept]
    ids = reserve_ids(Thread, len(new))
    insert(Thread, [{"id": pk, "owner_id": owner_id} for pk in ids])
    threads = kept | dict(zip(new, ids, strict=True))
    return [threads[group] for group in roots]
