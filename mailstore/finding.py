"""What a search finds: the newest first, a page at a time, with bounded work.

Words are looked up in the index, which gives messages in the order in which they were sent. What
only rows know (folder, marks, labels, size) is asked of the rows of those, some at a time.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic

from django.db import OperationalError, connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import State, User
from mailstore import copies
from mailstore.candidates import LATEST, Hit, candidates
from mailstore.models import Message, MessageQuerySet
from mailstore.searchnames import Resolved, condition, names_accounts, resolve
from mailstore.searchquery import parse

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# So many more candidates are asked of the rows each time, and at most so many at once.
MORE, MOST = 4, 4000
# A search may take so long, in seconds; then it ends with what it has.
PATIENCE = 3.0
# How many steps SQLite takes before it looks at the clock.
STEPS = 50_000
# The latest microsecond that a date can name.
_END = (datetime.max.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Found:
    """The ids of one page, newest first; ``next_key`` is "" on the last.

    ``is_cut`` tells that the search took too long and there may be more.
    """

    ids: list[int] = field(default_factory=list)
    next_key: str = ""
    is_cut: bool = False


def read(user: User, text: str) -> Resolved:
    """Read what somebody typed; days begin at midnight in their own time zone."""
    now = timezone.localtime()
    return resolve(user, parse(text, now=now, zone=now.tzinfo or UTC))


def matching(user: User, text: str) -> Q:
    """Return the condition that a person's row is one of those that a text finds."""
    return condition(user, read(user, text))


def find(
    user: User, wanted: Resolved, *, among: Q | None = None, before: str = "", limit: int
) -> Found:
    """Return which of a person's messages a query finds, a page of them, newest first."""
    if not wanted.query.groups:
        return Found()
    start = _read_key(before) or Hit(LATEST, LATEST)
    hits: list[Hit] = []
    try:
        with _patience():
            for hit in _hits(user, wanted, among or Q(), start, limit + 1):
                hits.append(hit)
                if len(hits) > limit:
                    break
    except OperationalError as error:
        if not _is_impatience(error):
            raise
        return Found([hit.message_id for hit in hits[:limit]], is_cut=True)
    key = _key(hits[limit - 1]) if len(hits) > limit else ""
    return Found([hit.message_id for hit in hits[:limit]], key)


def repeats(user: User, wanted: Resolved, among: Q) -> MessageQuerySet | None:
    """Return where copies of what is found are to be looked for; None where each stands for itself.

    The words of copies are the same, so that only rows tell which of them are found. Who asks for
    the mail of an account wants that of no other to stand for it.
    """
    if not copies.are_one(user) or names_accounts(wanted):
        return None
    others = Message.objects.exclude(account__state=State.REMOVED)
    return others.filter(among & wanted.rows)


def named(user: User, ids: Collection[int]) -> MessageQuerySet:
    """Return those of a person's visible messages that are named.

    The owner is compared in a way no index serves: SQLite would rather go through all mail of the
    owner than look up fifty ids.
    """
    whose = Message.objects.alias(whose=F("owner_id") + 0).filter(whose=user.pk, pk__in=ids)
    return whose.exclude(account__state=State.REMOVED)


def _hits(user: User, wanted: Resolved, among: Q, start: Hit, count: int) -> Iterator[Hit]:
    met, others = among & wanted.rows, repeats(user, wanted, among)
    if not wanted.clauses:
        visible = Message.objects.for_user(user).exclude(account__state=State.REMOVED)
        rows = visible.filter(met)
        yield from _by_rows(rows if others is None else copies.once(rows, others), start, count)
        return
    step = count * MORE if met else count
    while True:
        found = candidates(user.pk, wanted.clauses, wanted.sent, start, step)
        ids = [hit.message_id for hit in found]
        rows = named(user, ids).filter(met)
        rows = rows if others is None else copies.once(rows, others)
        good = set(rows.values_list("pk", flat=True)) if ids else set()
        yield from (hit for hit in found if hit.message_id in good)
        if len(found) < step:
            return
        start, step = found[-1], min(step * MORE, MOST)


def _by_rows(rows: MessageQuerySet, start: Hit, count: int) -> Iterator[Hit]:
    """Yield messages that no word was asked of; their place is the microsecond."""
    found = rows.order_by("-sent_at", "-pk")
    if start.place < _END:
        moment = EPOCH + timedelta(microseconds=start.place)
        earlier = Q(sent_at=moment, pk__lt=start.message_id) | Q(sent_at__lt=moment)
        found = found.filter(earlier, sent_at__lte=moment)
    for pk, sent_at in found.values_list("pk", "sent_at")[:count]:
        yield Hit((sent_at - EPOCH) // timedelta(microseconds=1), pk)


@contextmanager
def _patience() -> Iterator[None]:
    """Let the database give up after a while; then it raises OperationalError."""
    if connection.vendor != "sqlite":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %s", [int(PATIENCE * 1000)])
            yield
            return
    connection.ensure_connection()
    end = monotonic() + PATIENCE
    connection.connection.set_progress_handler(lambda: monotonic() > end, STEPS)
    try:
        yield
    finally:
        connection.connection.set_progress_handler(None, 0)


def _is_impatience(error: OperationalError) -> bool:
    words = str(error)
    return "interrupted" in words or "statement timeout" in words


def _key(hit: Hit) -> str:
    """Make the opaque key that continues after a hit."""
    return base64.urlsafe_b64encode(f"{hit.place}.{hit.message_id}".encode()).decode().rstrip("=")


def _read_key(key: str) -> Hit | None:
    try:
        raw = base64.urlsafe_b64decode(key + "=" * (-len(key) % 4)).decode("ascii")
        place, message_id = (int(number) for number in raw.split("."))
    except (ValueError, binascii.Error):
        return None
    fits = 0 < place < LATEST and 0 < message_id < LATEST
    return Hit(place, message_id) if fits else None
