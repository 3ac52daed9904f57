"""One page of a list by key, with or without conversations, as fast on the last as on the first."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db.models import Count, Exists, Max, OuterRef, Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from accounts.models import ExternalAccount, User
from mailstore import copies
from mailstore.models import Message, MessageQuerySet, Role
from mailstore.scopes import Scope, visible

PAGE = 50
# What lies there is no part of a conversation elsewhere.
APART = (Role.TRASH, Role.JUNK, Role.DRAFTS)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ROW = (
    "public_id", "subject", "sender_name", "sender_address", "preview", "sent_at", "thread_id",
    "has_attachments", "seen", "flagged", "answered", "same_as", "account__public_id",
    "account__name", "account__badge", "account__color",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """A message as a list shows it, for itself or as the newest of its conversation there.

    ``count`` is how many messages the conversation has in this list, and elsewhere but apart.
    ``is_back`` tells that it was snoozed and stands on top now; ``also`` are the other accounts
    whose copies the row stands for.
    """

    message: Message
    count: int
    is_unread: bool
    is_starred: bool
    is_back: bool = False
    also: tuple[ExternalAccount, ...] = ()

    @classmethod
    def of(cls, message: Message) -> Row:
        """Return the row of a message for itself."""
        return cls(message, 1, not message.seen, message.flagged)

    def with_copies(self, others: Sequence[Message]) -> Row:
        """Return the row of a message for its copies too."""
        return replace(
            self,
            is_unread=self.is_unread or any(not one.seen for one in others),
            is_starred=self.is_starred or any(one.flagged for one in others),
            also=tuple(one.account for one in others),
        )


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, newest first; a key is "" where nothing follows on that side.

    ``is_cut`` tells that a search was ended before it was through.
    """

    rows: list[Row]
    older_key: str = ""
    newer_key: str = ""
    is_cut: bool = False

    @property
    def messages(self) -> list[Message]:
        """Return the messages that stand in the rows."""
        return [row.message for row in self.rows]

    @property
    def next_key(self) -> str:
        """Return the key of what is older."""
        return self.older_key


class Key(NamedTuple):
    """The place of a message in every list: when it was sent, and its id."""

    sent_at: datetime
    pk: int

    @classmethod
    def of(cls, message: Message) -> Key:
        """Return the place of a message."""
        return cls(message.sent_at, message.pk)

    @classmethod
    def read(cls, text: str) -> Key | None:
        """Read a key; None where it cannot be read."""
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
            micros, pk = (int(number) for number in raw.split("."))
            return cls(EPOCH + timedelta(microseconds=micros), pk)
        except (ValueError, OverflowError, binascii.Error):
            return None

    def __str__(self) -> str:
        micros = (self.sent_at - EPOCH) // timedelta(microseconds=1)
        return base64.urlsafe_b64encode(f"{micros}.{self.pk}".encode()).decode().rstrip("=")


# Before every message there is.
ORIGIN = str(Key(EPOCH, 0))


def read_page(
    user: User,
    scope: Scope,
    *,
    before: str = "",
    after: str = "",
    grouped: bool = False,
    limit: int = PAGE,
) -> Page:
    """Return the page that ends at a key, or begins there with ``after``, or the newest one.

    A key that cannot be read is none. ``grouped`` shows of each conversation only its newest
    message in the list. Copies of one letter are one row, or each account has its own.
    """
    newer, older = Key.read(after), Key.read(before)
    walks = [_bounded(walk, older, newer) for walk in scope.walks(user)]
    if grouped:
        apart = not copies.are_one(user)
        walks = [_newest_of_conversations(walk, scope, apart=apart) for walk in walks]
    elif scope.merges and copies.are_one(user):
        walks = [copies.once(walk, scope.others()) for walk in walks]
    order = ("sent_at", "pk") if newer else ("-sent_at", "-pk")
    found = _together(walks, order, limit + 1)
    messages = found[:limit][:: -1 if newer else 1]
    has_more = len(found) > limit
    return Page(
        _rows(user, scope, messages, grouped=grouped),
        older_key=_key(messages, -1, has_more if not newer else after != ORIGIN),
        newer_key=_key(messages, 0, has_more if newer else bool(older)),
    )


def put_on_top(user: User, scope: Scope, page: Page, condition: Q) -> Page:
    """Let messages of whole folders that fulfil a condition stand above all others of a page."""
    if not scope.folders or scope.only:
        return page
    above = scope.messages(user).filter(condition)
    if copies.are_one(user):
        above = copies.once(above, scope.others().filter(condition))
    above = above.select_related("account").prefetch_related("labels").only(*ROW)
    found = [Row.of(one) for one in above.order_by("-snooze__until", "-pk")]
    rows = [replace(row, is_back=True) for row in for_copies(user, found, scope.others())]
    letters = {_letter(row) for row in rows} if copies.are_one(user) else set()
    ids = {row.message.pk for row in rows}
    others = [row for row in page.rows if row.message.pk not in ids and _letter(row) not in letters]
    return replace(page, rows=[*rows, *others])


def for_copies(user: User, rows: list[Row], among: MessageQuerySet) -> list[Row]:
    """Let rows stand for the copies that lie among others, where their reader wants that."""
    if not copies.are_one(user):
        return rows
    known = copies.beside([row.message for row in rows], among)
    return [
        row.with_copies(known[row.message.pk]) if row.message.pk in known else row for row in rows
    ]


def _letter(row: Row) -> int:
    return row.message.same_as or -row.message.pk


def conversations_of(user: User, scope: Scope, messages: MessageQuerySet) -> MessageQuerySet:
    """Return messages and what else of their conversations lies in the folders of their list.

    Where each account has rows of its own, a conversation is of one account.
    """
    names = conversation_names(user)
    chosen = {pk: tuple(rest) for pk, *rest in messages.for_user(user).values_list("pk", *names)}
    folders = scope if scope.is_rare else replace(scope, only=Q())
    others = folders.messages(user).filter(thread__in={name[0] for name in chosen.values()})
    wanted = set(chosen.values())
    found = [pk for pk, *rest in others.values_list("pk", *names) if tuple(rest) in wanted]
    return Message.objects.filter(pk__in={*chosen, *found})


def conversation_names(user: User) -> tuple[str, ...]:
    """Return the columns that messages of one conversation have in common."""
    return ("thread_id",) if copies.are_one(user) else ("thread_id", "account_id")


def newest_id() -> int:
    """Return a number that every message stored until now has at most, and no later one."""
    return Message.objects.aggregate(last=Max("pk"))["last"] or 0


def _key(messages: Sequence[Message], place: int, is_wanted: bool) -> str:  # noqa: FBT001 - private
    return str(Key.of(messages[place])) if messages and is_wanted else ""


def _bounded(walk: MessageQuerySet, older: Key | None, newer: Key | None) -> MessageQuerySet:
    # The bound without the id is for the index.
    if newer:
        sent_at, pk = newer
        ahead = Q(sent_at=sent_at, pk__gt=pk) | Q(sent_at__gt=sent_at)
        return walk.filter(ahead, sent_at__gte=sent_at)
    if older:
        sent_at, pk = older
        behind = Q(sent_at=sent_at, pk__lt=pk) | Q(sent_at__lt=sent_at)
        return walk.filter(behind, sent_at__lte=sent_at)
    return walk


def _newest_of_conversations(
    walk: MessageQuerySet, scope: Scope, *, apart: bool
) -> MessageQuerySet:
    """Leave out what has a newer message of its conversation in the same list."""
    sent_at = OuterRef("sent_at")
    later = Q(sent_at__gt=sent_at) | Q(pk__gt=OuterRef("pk"))
    others = scope.others().filter(thread=OuterRef("thread"))
    if apart:
        others = others.filter(account=OuterRef("account"))
    return walk.filter(~Exists(others.filter(later, sent_at__gte=sent_at)))


def _together(walks: list[MessageQuerySet], order: tuple[str, str], limit: int) -> list[Message]:
    """Return the first messages of all walks in order."""
    if not walks:
        return []
    found = walks[0] if len(walks) == 1 else _united(walks, order, limit)
    rows = found.select_related("account").prefetch_related("labels").only(*ROW)
    return list(rows.order_by(*order)[:limit])


def _united(walks: list[MessageQuerySet], order: tuple[str, str], limit: int) -> MessageQuerySet:
    parts = [walk.order_by(*order).values("pk")[:limit].query.sql_with_params() for walk in walks]
    # Only Django's own words: what came from outside is among the values.
    union = " UNION ALL ".join(f"SELECT * FROM ({sql}) AS walk" for sql, _ in parts)  # noqa: S608
    values = [value for _, params in parts for value in params]
    return Message.objects.filter(pk__in=RawSQL(union, values))  # noqa: S611


def _rows(user: User, scope: Scope, messages: list[Message], *, grouped: bool) -> list[Row]:
    if not grouped:
        return for_copies(user, [Row.of(one) for one in messages], scope.others())
    is_here = scope.only if scope.folders is None else Q(folder__in=scope.folders)
    members = visible(user).filter(thread__in={one.thread_id for one in messages})
    members = members.filter(is_here | ~Q(folder__role__in=APART))
    names = conversation_names(user)
    groups = members.values_list(*names).annotate(
        number=Count(Coalesce("same_as", "pk"), distinct=True),
        unread=Count("pk", filter=is_here & Q(seen=False)),
        starred=Count("pk", filter=is_here & Q(flagged=True)),
    )
    known = {
        tuple(name): (number, unread > 0, starred > 0) for *name, number, unread, starred in groups
    }
    rows = []
    for one in messages:
        name = tuple(getattr(one, column) for column in names)
        rows.append(Row(one, *known.get(name, (1, not one.seen, one.flagged))))
    return for_copies(user, rows, scope.others())
