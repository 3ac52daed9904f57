"""What the search box offers while somebody types: whole searches that go on from what is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from django.utils.translation import gettext as _

from accounts.models import ExternalAccount, State, User
from mailstore import finding
from mailstore.models import Folder, Label, Role, SavedSearch
from mailstore.searchquery import plain

MOST, PEOPLE_READ = 8, 40


class Suggestion(NamedTuple):
    """A whole search, and what it is, in words."""

    text: str
    words: str


def suggest(user: User, text: str, recent: Sequence[str]) -> list[Suggestion]:
    """Return the few best ways to go on, none of them what is there already."""
    found: dict[str, Suggestion] = {}
    for one in _all(user, text, recent):
        if one.text != text.strip():
            found.setdefault(one.text, one)
        if len(found) >= MOST:
            break
    return list(found.values())


def _all(user: User, text: str, recent: Sequence[str]) -> Iterator[Suggestion]:
    for one in recent:
        if one.casefold().startswith(text.strip().casefold()):
            yield Suggestion(one, _("Searched before"))
    for saved in SavedSearch.objects.for_user(user):
        if plain(saved.name).startswith(plain(text.strip())):
            yield Suggestion(saved.text, saved.name)
    head, last = _parted(text)
    if not last:
        return
    for value, words in _of_last(user, last):
        yield Suggestion(f"{head}{value}", words)


def _parted(text: str) -> tuple[str, str]:
    """Return what stays and the word that is being typed."""
    head, blank, last = text.rpartition(" ")
    return head + blank, last


def _of_last(user: User, last: str) -> Iterator[tuple[str, str]]:
    name, colon, value = last.partition(":")
    if not colon:
        yield from _operators(last)
        yield from _people(user, _("from"), last)
        yield from _places(user, "", last)
        return
    if plain(name) in {"from", "dari", "to", "kepada", "ke", "cc", "tembusan"}:
        yield from _people(user, name, value)
    else:
        yield from _operators(last)
        yield from _places(user, name, value)


def operators() -> list[tuple[str, str]]:
    """Return the operators in the reader's language, and what each is for."""
    return [
        (_("from:"), _("who wrote it")),
        (_("to:"), _("who it went to")),
        (_("subject:"), _("words of the subject")),
        (_("has:attachment"), _("with attachments")),
        (_("filename:"), _("name of an attachment")),
        (_("is:unread"), _("not read yet")),
        (_("is:starred"), _("starred")),
        (_("in:"), _("a folder")),
        (_("account:"), _("one of your accounts")),
        (_("label:"), _("a label")),
        (_("before:2026-01-31"), _("sent before a day")),
        (_("after:2026-01-31"), _("sent on a day or later")),
        (_("older_than:1y"), _("older than days (d), weeks (w), months (m), years (y)")),
        (_("newer_than:7d"), _("sent in the last days")),
        (_("larger:5M"), _("of some size")),
        (_("smaller:100K"), _("no larger than this")),
        (_('"exact words"'), _("words side by side")),
        (_("-word"), _("without a word")),
        (_("one OR other"), _("either of two")),
    ]


def _operators(beginning: str) -> Iterator[tuple[str, str]]:
    for operator, words in operators():
        if operator[0].isalpha() and operator.startswith(beginning.casefold()):
            yield operator, words


def _people(user: User, operator: str, beginning: str) -> Iterator[tuple[str, str]]:
    """Offer who wrote lately and is called so."""
    if len(beginning) < 2:
        return
    wanted = finding.read(user, f"from:{beginning}")
    found = finding.find(user, wanted, limit=PEOPLE_READ)
    newest = finding.named(user, found.ids).order_by("-sent_at")
    people = dict.fromkeys(newest.values_list("sender_address", "sender_name"))
    addresses = {address: name for address, name in reversed(people) if " " not in address}
    for address in list(reversed(addresses))[:4]:
        if address:
            yield f"{operator}:{address}", addresses[address] or address


def _places(user: User, operator: str, beginning: str) -> Iterator[tuple[str, str]]:
    for operators_of_kind, names, words in _kinds(user):
        if operator and plain(operator) not in operators_of_kind:
            continue
        starting = (name for name in names if plain(name).startswith(plain(beginning)))
        for name in islice(starting, 3):
            value = f'"{name}"' if " " in name else name
            yield f"{operator or operators_of_kind[0]}:{value}", words


def _kinds(user: User) -> Iterator[tuple[Sequence[str], Iterable[str], str]]:
    """Yield each kind of place: its operators, its names, and what it is."""
    accounts = ExternalAccount.objects.for_user(user).exclude(state=State.REMOVED)
    own = Folder.objects.for_user(user).filter(role="").order_by("name")
    folders = [str(role.label) for role in Role] + list(own.values_list("name", flat=True))
    labels = Label.objects.filter(owner=user).values_list("name", flat=True)
    yield (_("in"), "in", "di", "dalam"), folders, _("Folder")
    yield (_("account"), "account", "akun"), accounts.values_list("name", flat=True), _("Account")
    yield ("label",), labels, _("Label")
