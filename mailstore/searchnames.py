"""What a query means for one person: its names become rows, its wishes what those are asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from django.db import connection
from django.db.models import Q
from django.db.models.expressions import RawSQL

from accounts.models import ExternalAccount, State, User
from mailstore.models import Folder, Label, Message, Role
from mailstore.searchquery import (
    Mark,
    Marked,
    Place,
    Placed,
    Query,
    Sent,
    Sized,
    Term,
    Wish,
    Words,
    plain,
)
from mailstore.searchterms import Clause, HasFile, Leaf, OfAccounts, expression, phrase

EVERYWHERE = {"anywhere", "all", "semua", "manasaja"}
ROLES: dict[str, tuple[str, ...]] = {
    Role.INBOX: ("inbox", "kotakmasuk", "masuk"),
    Role.SENT: ("sent", "terkirim"),
    Role.DRAFTS: ("drafts", "draft", "draf"),
    Role.JUNK: ("junk", "spam"),
    Role.TRASH: ("trash", "bin", "sampah", "tempatsampah"),
    Role.ARCHIVE: ("archive", "arsip"),
    Role.SNOOZED: ("snoozed", "ditunda"),
}
_ROLE_OF = {name: role for role, names in ROLES.items() for name in names}
_MATCHING = {
    "sqlite": "SELECT message_id FROM mailstore_search JOIN mailstore_search_place "
    "ON place = mailstore_search.rowid WHERE mailstore_search MATCH %s",
    "postgresql": "SELECT message_id FROM mailstore_search "
    "WHERE owner_id = %s AND words @@ %s::tsquery",
}


@dataclass(frozen=True, slots=True)
class Resolved:
    """A query made ready: ``query`` without what has no meaning, which stands in its ``unknown``.

    ``clauses`` are for the index, ``rows`` is for the rows, ``sent`` bounds the time.
    """

    query: Query
    clauses: tuple[Clause, ...] = ()
    rows: Q = field(default_factory=Q)
    sent: tuple[Sent, ...] = ()


_Meaning = Leaf | Q


def resolve(user: User, query: Query) -> Resolved:
    """Look up the names of a query among a person's own."""
    groups: list[tuple[Term, ...]] = []
    unknown = list(query.unknown)
    clauses: list[Clause] = []
    rows, sent = Q(), []
    for group in query.groups:
        meant = [(term, _meaning(user, term.wish)) for term in group]
        unknown += [term.source for term, meaning in meant if meaning is None]
        known = [(term, meaning) for term, meaning in meant if meaning is not None]
        if not known:
            continue
        groups.append(tuple(term for term, _ in known))
        leaves = [(one, term.is_not) for term, one in known if not isinstance(one, Q)]
        if len(leaves) == len(known):
            clauses.append(leaves)
        else:
            rows &= _any(user, known)
        if len(known) == 1 and isinstance(known[0][0].wish, Sent) and not known[0][0].is_not:
            sent.append(known[0][0].wish)
    kept = replace(query, groups=tuple(groups), unknown=tuple(unknown))
    return Resolved(kept, tuple(clauses), rows, tuple(sent))


def _any(user: User, known: Iterable[tuple[Term, _Meaning]]) -> Q:
    """Return the condition that a row meets any of the terms of a group."""
    met = Q()
    for term, meaning in known:
        one = meaning if isinstance(meaning, Q) else _matching(user, [[(meaning, False)]])
        met |= ~one if term.is_not else one
    return met


def condition(user: User, wanted: Resolved) -> Q:
    """Return the condition that a person's row is one of those that a query finds."""
    if not wanted.query.groups:
        return Q(pk__in=[])
    return wanted.rows & _matching(user, wanted.clauses) if wanted.clauses else wanted.rows


def names_accounts(wanted: Resolved) -> bool:
    """Tell whether a query asks in which account a message is."""
    wishes = [term.wish for group in wanted.query.groups for term in group]
    return any(isinstance(wish, Placed) and wish.place is Place.ACCOUNT for wish in wishes)


def _matching(user: User, clauses: Sequence[Clause]) -> Q:
    asked = expression(user.pk, clauses)
    given: list[int | str] = [asked] if connection.vendor == "sqlite" else [user.pk, asked]
    # The statement is a constant, and what it is given is built of letters and digits.
    return Q(pk__in=RawSQL(_MATCHING[connection.vendor], given))  # noqa: S611


def _meaning(user: User, wish: Wish) -> _Meaning | None:
    match wish:
        case Words():
            return phrase(wish.field, wish.text, is_prefix=wish.is_prefix)
        case Marked(Mark.ATTACHMENT):
            return HasFile()
        case Marked(mark):
            return {
                Mark.UNREAD: Q(seen=False), Mark.READ: Q(seen=True), Mark.STARRED: Q(flagged=True),
            }[mark]  # fmt: skip
        case Sent(since, until):
            bounds = {"sent_at__gte": since, "sent_at__lt": until}
            return Q(**{name: value for name, value in bounds.items() if value})
        case Sized(least, most):
            sizes = {"size__gte": least, "size__lte": most}
            return Q(**{name: value for name, value in sizes.items() if value is not None})
        case Placed(place, name):
            return _NAMED[place](user, name)


def _account(user: User, name: str) -> _Meaning | None:
    """Find accounts by name, address or letters, by the whole of it before a part."""
    wanted = name.casefold()
    names = [
        (pk, [text.casefold() for text in texts])
        for pk, *texts in ExternalAccount.objects.for_user(user)
        .exclude(state=State.REMOVED)
        .values_list("pk", "name", "address", "badge")
    ]
    whole = [pk for pk, texts in names if wanted in texts or plain(name) in map(plain, texts)]
    found = whole or [pk for pk, texts in names if any(wanted in text for text in texts)]
    return OfAccounts(tuple(found)) if found and wanted else None


def _label(user: User, name: str) -> _Meaning | None:
    labels = Label.objects.filter(owner=user).values_list("pk", "name")
    found = [pk for pk, known in labels if plain(known) == plain(name)]
    through = Message.labels.through.objects.filter(label__in=found)
    return Q(pk__in=through.values("message_id")) if found else None


def _folder(user: User, name: str) -> _Meaning | None:
    wanted = plain(name)
    if wanted in EVERYWHERE:
        return Q(pk__isnull=False)
    folders = Folder.objects.for_user(user).values_list("pk", "role", "name")
    called = (role for role in Role if plain(str(role.label)) == wanted)
    role = _ROLE_OF.get(wanted) or next(called, None)
    found = [
        pk for pk, its_role, its_name in folders
        if (its_role == role if role else not its_role and plain(its_name) == wanted)
    ]  # fmt: skip
    return Q(folder__in=found) if found or role else None


_NAMED = {Place.ACCOUNT: _account, Place.LABEL: _label, Place.IN: _folder}
