"""Whatever a server calls its messages, each stored one is matched at most once, and rightly."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from fetcher.identity import (
    Named,
    Note,
    choose_to_ask,
    is_renumbered,
    match_headers,
    match_names,
    number_repeats,
)
from wire.pop3 import RemoteItem

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
uids = st.sampled_from(["a", "b", "c", "d"])
sizes = st.integers(1, 4)
listings = st.lists(st.tuples(uids, sizes, st.booleans()), max_size=12)
stored = st.lists(st.tuples(uids, st.none() | sizes, st.booleans()), max_size=12)
prints = st.lists(st.sampled_from(["x", "y", "z"]), min_size=12, max_size=12)


def named(listing: list[tuple[str, int, bool]]) -> list[Named]:
    return [
        Named(RemoteItem(number, uid, size), uid, is_made)
        for number, (uid, size, is_made) in enumerate(listing, 1)
    ]


def notes(rows: list[tuple[str, int | None, bool]]) -> list[Note]:
    seen: Counter[str] = Counter()
    made = []
    for pk, (uid, size, is_gone) in enumerate(rows):
        made.append(Note(pk, uid, seen[uid], size, NOW, is_gone))
        seen[uid] += 1
    return made


@given(listings, stored)
def test_no_stored_message_is_taken_for_two_and_no_other_name_for_one(
    listing: list[tuple[str, int, bool]], rows: list[tuple[str, int | None, bool]]
) -> None:
    listed = {one.item.number: one for one in named(listing)}
    sure, doubtful = match_names(listed.values(), notes(rows))
    assert not sure.keys() & doubtful.keys()
    matched = [*sure.values(), *doubtful.values()]
    assert len({note.pk for note in matched}) == len(matched)
    for number, note in (sure | doubtful).items():
        assert listed[number].uid == note.uid
    assert all(note.size in {None, listed[number].item.size} for number, note in sure.items())
    assert not any(listed[number].uid_is_made for number in doubtful)


@given(listings, stored)
def test_what_is_listed_as_it_was_is_matched_as_it_was(
    listing: list[tuple[str, int, bool]], rows: list[tuple[str, int | None, bool]]
) -> None:
    listed = named(listing)
    same = notes([(one.uid, one.item.size, False) for one in listed])
    sure, doubtful = match_names(listed, same)
    assert len(sure) == len(listed)
    assert not doubtful
    found = number_repeats(listed, sure, ())
    assert {one.key for one in found} == {(note.uid, note.occurrence) for note in same}


@given(listings, stored)
def test_every_listed_message_has_a_key_of_its_own(
    listing: list[tuple[str, int, bool]], rows: list[tuple[str, int | None, bool]]
) -> None:
    listed, known = named(listing), notes(rows)
    sure, doubtful = match_names(listed, known)
    keys = {(note.uid, note.occurrence) for note in known}
    found = number_repeats(listed, sure | doubtful, keys)
    assert len({one.key for one in found}) == len(listed)
    new = {one.key for one in found if one.item.number not in sure | doubtful}
    assert not new & keys


@given(listings, stored, prints, prints, st.booleans())
def test_headers_match_each_message_at_most_once_and_only_with_the_same_headers(
    listing: list[tuple[str, int, bool]],
    rows: list[tuple[str, int | None, bool]],
    told: list[str],
    kept: list[str],
    is_new: bool,
) -> None:
    listed = {one.item.number: one for one in named(listing)}
    by_print = defaultdict(list)
    for note in notes(rows):
        by_print[kept[note.pk]].append(note)
    asked = dict(zip(listed, told, strict=False))
    found = match_headers(listed.values(), asked, by_print, is_renumbered=is_new)
    assert len({note.pk for note in found.values()}) == len(found)
    for number, note in found.items():
        assert kept[note.pk] == asked[number]
        assert is_new or note.size in {None, listed[number].item.size}
    if is_new:
        most = Counter(asked.values()) & Counter({key: len(row) for key, row in by_print.items()})
        assert len(found) == most.total(), "nothing known is left to be downloaded again"


@given(listings, stored, st.booleans())
def test_headers_are_asked_for_only_where_they_can_tell(
    listing: list[tuple[str, int, bool]], rows: list[tuple[str, int | None, bool]], is_new: bool
) -> None:
    fresh, lost = named(listing), notes(rows)
    asked = choose_to_ask(fresh, lost, is_renumbered=is_new)
    fitting = {note.size for note in lost}
    for one in fresh:
        can_tell = bool(lost) and (is_new or None in fitting or one.item.size in fitting)
        assert (one in asked) == can_tell


def test_a_server_has_given_new_names_when_many_and_half_are_lost_at_once() -> None:
    assert is_renumbered(there=10_000, lost=10_000)
    assert is_renumbered(there=20, lost=10)
    assert not is_renumbered(there=10_000, lost=4_000)
    assert not is_renumbered(there=9, lost=9)
