"""Recomputes what the message store says of itself, and names every difference."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from mailstore import searchrows
from mailstore.checks.counters import wrong_counters, wrong_labels, wrong_quotas
from mailstore.checks.faults import Fault
from mailstore.checks.files import wrong_files, wrong_packs
from mailstore.checks.rows import dangling_rows, wrong_relations

__all__ = ["ADVICE", "Fault", "check_store"]

ADVICE = {
    "blob.damaged": "The bytes differ from what was written. Try --refetch, or restore the pack.",
    "blob.other_owner": "A pack belongs to one owner. Look at how these rows were written.",
    "blob.outside": "The row names a place beyond its pack. Try --refetch, or restore the pack.",
    "blob.overlap": "Two messages claim the same bytes. Look at how these rows were written.",
    "blob.unused": "Whole bytes without a message. message.lost tells where it can be made again.",
    "file.stray": "No row names this file. --repair sets it aside; nothing is thrown away.",
    "file.unfinished": "A write that never ended. --repair removes it.",
    "file.unknown": "Not a file of Muara. Move it elsewhere.",
    "folder.counters": "--repair counts again.",
    "folder.depth": "Folders stand in a circle or too deep. Give this one another place.",
    "folder.other_owner": "--repair gives the folder to the owner of its account.",
    "folder.parent": "The folder above is of another account. Move this one.",
    "label.counters": "--repair counts again.",
    "link.other_owner": "--repair removes the link.",
    "message.columns": "--repair reads the message again.",
    "message.discarded": "--repair lets the time in Trash or Spam begin now, or ends it.",
    "message.folder": "The folder is another account's. --repair moves the message to the inbox.",
    "message.label": "The label is another person's. --repair takes it off.",
    "message.links": "--repair finds the conversation again.",
    "message.other_blob": "The bytes are another person's. Restore this row from a backup.",
    "message.other_owner": "The account is another person's. Restore this row from a backup.",
    "message.parts": "--repair reads the message again.",
    "message.size": "--repair takes the size of the bytes.",
    "message.snooze": "Nothing says when it comes back. --repair moves it to the inbox.",
    "message.thread": "The conversation is another person's. --repair finds the right one.",
    "pack.empty": "No message lies in this pack.",
    "pack.half_dead": "Less than half of this pack is needed.",
    "pack.missing": "The file of this mail is gone. Restore it from a backup, or try --refetch.",
    "pack.size": "File and row differ in size. --repair corrects the row if all mail is whole.",
    "quota.used": "--repair adds up again.",
    "row.dangling": "The row refers to one that is gone. --repair drops what is nothing without.",
    "search.dead": "Words of messages that are gone. reindex drops them.",
    "search.missing": "--repair adds the words.",
    "search.unreadable": "The search index is broken. Run reindex.",
    "search.wrong": "The message is found by other words than its own. Run reindex.",
    "thread.empty": "--repair removes the conversation.",
}


def check_store(owner_id: int | None, *, now: datetime) -> Iterator[Fault]:
    """Yield every fault of one owner's mail, or of the whole store, while the program runs.

    Relations come first and sums last, so that each mend builds on those before it. Memory is
    bounded by one pack. Files and tables that belong to nobody are looked at with the whole store.
    """
    if owner_id is None:
        yield from dangling_rows()
        yield from wrong_files(now)
    yield from wrong_relations(owner_id)
    words_readable = searchrows.is_readable()
    if not words_readable:
        yield Fault("search.unreadable", {})
    yield from wrong_packs(owner_id, with_words=words_readable)
    if owner_id is None and words_readable:
        yield from _dead_words()
    yield from wrong_counters(owner_id)
    yield from wrong_labels(owner_id)
    yield from wrong_quotas(owner_id)


def _dead_words() -> Iterator[Fault]:
    # SQLite's table cannot forget one message, so that its dead words are no fault.
    if dead := searchrows.count_dead():
        drop = searchrows.drop_dead if searchrows.can_drop() else None
        yield Fault("search.dead", {"messages": dead}, drop, is_note=drop is None)
