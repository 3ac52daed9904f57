"""The one table of keys: what each does, in words, and where it works.

The sheet of keys, the palette, the hints on buttons and the handler (static/js/keys.js) all come
from here. A key presses the button or link that is marked with its name: ``data-key="archive"``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

Words = str | Promise
LIST, MESSAGES, GO, EVERYWHERE = (
    _("In a list"),
    _("With the open message or the selected ones"),
    _("Go to"),
    _("Everywhere"),
)


@dataclass(frozen=True, slots=True)
class Key:
    """What a key does.

    Each of ``combos`` does it: keys as browsers name them, one after another where a space parts
    them; ``Mod`` is Ctrl or, on a Mac, Command. The two of a range stand for all digits between
    them, and each presses what is marked with the name and its digit.
    """

    name: str
    combos: tuple[str, ...]
    words: Words
    where: Words
    is_range: bool = False

    @property
    def caps(self) -> list[list[str]]:
        """Return what is printed on the keys, for each combination."""
        return [caps_of(combo) for combo in self.combos]


KEYS: Final = (
    Key("next", ("j",), _("Next message"), LIST),
    Key("previous", ("k",), _("Previous message"), LIST),
    Key("open", ("o", "Enter"), _("Open"), LIST),
    Key("select", ("x",), _("Select or deselect"), LIST),
    Key("select-next", ("J",), _("Select down to the next"), LIST),
    Key("select-previous", ("K",), _("Select up to the previous"), LIST),
    Key("select-all", ("* a",), _("Select all"), LIST),
    Key("select-none", ("* n",), _("Select none"), LIST),
    Key("select-unread", ("* u",), _("Select the unread"), LIST),
    Key("back", ("u", "Escape"), _("Back to the list"), MESSAGES),
    Key("archive", ("e",), pgettext_lazy("action", "Archive"), MESSAGES),
    Key("delete", ("#", "Delete"), _("Delete"), MESSAGES),
    Key("spam", ("!",), _("Report spam"), MESSAGES),
    Key("star", ("s",), _("Star"), MESSAGES),
    Key("read", ("I",), _("Mark read"), MESSAGES),
    Key("unread", ("U",), _("Mark unread"), MESSAGES),
    Key("move", ("v",), _("Move"), MESSAGES),
    Key("label", ("l",), _("Label"), MESSAGES),
    Key("snooze", ("b",), _("Snooze"), MESSAGES),
    Key("undo", ("z",), _("Undo"), MESSAGES),
    Key("archive-previous", ("[",), _("Archive and open the previous"), MESSAGES),
    Key("archive-next", ("]",), _("Archive and open the next"), MESSAGES),
    Key("part-next", ("n",), _("Next message of the conversation"), MESSAGES),
    Key("part-previous", ("p",), _("Previous message of the conversation"), MESSAGES),
    Key("more", (".",), _("More"), MESSAGES),
    Key("go-inbox", ("g i",), _("Inbox"), GO),
    Key("go-unread", ("g u",), _("Unread"), GO),
    Key("go-starred", ("g s",), _("Starred"), GO),
    Key("go-drafts", ("g d",), _("Drafts"), GO),
    Key("go-sent", ("g t",), _("Sent"), GO),
    Key("go-all", ("g a", "g 0"), _("All inboxes"), GO),
    Key("go-account", ("g 1", "g 9"), _("An account, by its place in the list"), GO, is_range=True),
    Key("settings", (",",), _("Settings, of the open account if there is one"), EVERYWHERE),
    Key("search", ("/",), _("Search"), EVERYWHERE),
    Key("sheet", ("?",), _("Show all keys"), EVERYWHERE),
    Key("palette", ("Mod+k",), _("Find a command, a folder or an account"), EVERYWHERE),
)
PRINTED: Final = {"Escape": "Esc", "Delete": "Del", "Mod+k": "Ctrl K"}


def caps_of(combo: str) -> list[str]:
    """Return what is printed on the keys of a combination, one after another."""
    return [_cap(key) for key in combo.split(" ")]


def _cap(key: str) -> str:
    if len(key) == 1 and key.isupper():
        return f"Shift {key}"
    return PRINTED.get(key, key)


def combos_by_name() -> dict[str, tuple[str, ...]]:
    """Return the table as the handler reads it."""
    return dict(pair for key in KEYS for pair in _named(key))


def _named(key: Key) -> Iterator[tuple[str, tuple[str, ...]]]:
    if not key.is_range:
        yield key.name, key.combos
        return
    first, last = (int(combo[-1]) for combo in key.combos)
    for digit in range(first, last + 1):
        yield f"{key.name}-{digit}", (f"{key.combos[0][:-1]}{digit}",)


def sheet() -> list[tuple[Words, list[Key]]]:
    """Return the places and what keys do there."""
    return [
        (where, [key for key in KEYS if key.where is where])
        for where in (LIST, MESSAGES, GO, EVERYWHERE)
    ]
