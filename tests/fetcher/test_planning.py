"""The choices of a visit: what is downloaded, left and deleted."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from fetcher.identity import Found, Named, number_repeats
from fetcher.planning import (
    Failure,
    Fate,
    Listing,
    Options,
    Past,
    choose_deletions,
    is_deletion_due,
    is_listing_due,
    next_position,
    plan_fetch,
)
from wire.pop3 import Position, RemoteItem

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
WIDE = Options(room=10**9, max_message_bytes=10**6)


def listed(*sizes: int) -> list[Found]:
    items = [RemoteItem(number, f"u{number}", size) for number, size in enumerate(sizes, start=1)]
    return number_repeats([Named(item, item.uid) for item in items], {}, ())


def numbers(entries: object) -> list[int]:
    return [entry.item.number for entry in entries]  # type: ignore[attr-defined]


def test_the_newest_message_comes_first() -> None:
    assert numbers(plan_fetch(listed(10, 10, 10), set(), WIDE).download) == [3, 2, 1]


def test_a_known_uid_is_not_fetched_again() -> None:
    assert numbers(plan_fetch(listed(10, 10, 10), {("u2", 0)}, WIDE).download) == [3, 1]


def test_repeats_of_a_uid_are_told_apart() -> None:
    items = [RemoteItem(number, "same", 10) for number in (1, 2, 3)]
    found = number_repeats([Named(item, item.uid) for item in items], {}, ())
    assert [entry.key for entry in found] == [("same", 0), ("same", 1), ("same", 2)]
    assert numbers(plan_fetch(found, {("same", 0)}, WIDE).download) == [3, 2]


def test_what_only_seems_too_large_is_tried_and_what_was_is_left_until_more_is_allowed() -> None:
    huge = Failure(is_too_large=True, size=2_000_000, tries=1, last_at=NOW)
    assert numbers(plan_fetch(listed(10, 2_000_000), set(), WIDE).download) == [2, 1]
    fate = huge.fate(max_message_bytes=WIDE.max_message_bytes, now=NOW)
    plan = plan_fetch(listed(10, 2_000_000), set(), WIDE, {("u2", 0): Past(fate)})
    assert (numbers(plan.download), plan.too_large) == ([1], 1)
    assert huge.fate(max_message_bytes=2_000_000, now=NOW) is Fate.TRIED


def test_what_failed_comes_last_and_after_five_times_once_a_day() -> None:
    def fate(tries: int, ago: timedelta) -> Fate:
        failure = Failure(is_too_large=False, size=10, tries=tries, last_at=NOW - ago)
        return failure.fate(max_message_bytes=1, now=NOW)

    assert fate(4, timedelta(0)) is Fate.TRIED
    assert fate(5, timedelta(hours=23)) is Fate.ASIDE
    assert fate(50, timedelta(hours=24)) is Fate.TRIED
    pasts = {("u3", 0): Past(Fate.TRIED), ("u2", 0): Past(Fate.ASIDE)}
    plan = plan_fetch(listed(1, 1, 1), set(), WIDE, pasts)
    assert numbers(plan.download) == [1, 3]
    assert plan.set_aside == 1


def test_what_does_not_fit_waits_and_a_smaller_one_behind_it_still_comes() -> None:
    plan = plan_fetch(listed(30, 90, 60), set(), Options(room=100, max_message_bytes=1000))
    assert numbers(plan.download) == [3, 1]
    assert (plan.waiting, plan.needs) == (1, 90)


def test_a_size_that_was_seen_counts_more_than_what_the_server_says() -> None:
    narrow = Options(room=100, max_message_bytes=1000)
    for fate in (Fate.WAITED, Fate.TRIED):
        plan = plan_fetch(listed(60, 1, 30), set(), narrow, {("u2", 0): Past(fate, 500)})
        assert numbers(plan.download) == [3, 1]
        assert (plan.waiting, plan.needs) == (1, 500)
    plan = plan_fetch(listed(60, 1, 30), set(), WIDE, {("u2", 0): Past(Fate.WAITED, 500)})
    assert numbers(plan.download) == [3, 2, 1], "what found no room comes in its turn"
    assert plan.octets == 590


def test_a_limit_per_visit_leaves_the_rest_for_later() -> None:
    plan = plan_fetch(listed(1, 1, 1), set(), Options(10, 10, max_messages=2))
    assert numbers(plan.download) == [3, 2]
    assert plan.later == 1


def test_nothing_is_deleted_unless_its_owner_asked() -> None:
    stored = {("u1", 0): NOW - timedelta(days=900)}
    assert choose_deletions(listed(1), stored, delete_after_days=None, now=NOW) == []


def test_only_what_is_stored_and_old_enough_is_deleted() -> None:
    stored = {("u1", 0): NOW - timedelta(days=8), ("u2", 0): NOW - timedelta(days=6)}
    chosen = choose_deletions(listed(1, 1, 1), stored, delete_after_days=7, now=NOW)
    assert numbers(chosen) == [1]


@given(
    sizes=st.lists(st.integers(0, 200), max_size=40),
    known=st.sets(st.integers(1, 40)),
    room=st.integers(0, 2000),
    limit=st.none() | st.integers(0, 20),
)
def test_the_plan_never_exceeds_the_room_nor_fetches_what_is_known(
    sizes: list[int], known: set[int], room: int, limit: int | None
) -> None:
    keys = {(f"u{number}", 0) for number in known}
    plan = plan_fetch(listed(*sizes), keys, Options(room, 150, limit))
    assert plan.octets == sum(min(entry.item.size, 150) for entry in plan.download) <= room
    assert not {entry.key for entry in plan.download} & keys
    fresh = sum(1 for entry in listed(*sizes) if entry.key not in keys)
    assert len(plan.download) + plan.waiting + plan.later == fresh


def test_a_deletion_is_due_when_the_oldest_there_has_been_here_long_enough() -> None:
    stored = NOW - timedelta(days=3)
    assert is_deletion_due(stored, delete_after_days=3, now=NOW)
    assert not is_deletion_due(stored, delete_after_days=4, now=NOW)
    assert not is_deletion_due(stored, delete_after_days=None, now=NOW)
    assert not is_deletion_due(None, delete_after_days=0, now=NOW)


def test_the_whole_list_is_due_at_first_and_then_after_a_day_or_fifty_visits() -> None:
    def is_due(after: timedelta, minutes: int, account_id: int = 0) -> bool:
        interval = timedelta(minutes=minutes)
        return is_listing_due(NOW - after, interval=interval, account_id=account_id, now=NOW)

    assert is_listing_due(None, interval=timedelta(minutes=5), account_id=0, now=NOW)
    assert is_due(timedelta(hours=24), 60)
    assert not is_due(timedelta(hours=23), 60)
    assert is_due(timedelta(minutes=50), 1)
    assert not is_due(timedelta(minutes=49), 1)
    early = sum(is_due(timedelta(hours=20), 60, n) for n in range(64))
    assert 0 < early < 64, "some accounts are earlier than others"
    assert not any(is_due(timedelta(hours=17), 60, n) for n in range(64))


def test_a_position_follows_from_a_whole_listing_or_from_a_tail() -> None:
    nowhere, known = Position(0, ""), Position(2, "u2", 20)
    tail = [Found(RemoteItem(3, "u3", 10), "u3")]
    assert next_position(nowhere, Listing(listed(10, 10), is_whole=True), None) == Position(2, "u2")
    assert next_position(nowhere, Listing([], is_whole=True), 0) == Position(0, "", 0)
    assert next_position(known, Listing([], is_whole=False), 20) == known
    assert next_position(known, Listing(tail, is_whole=False), 30) == Position(3, "u3", 30)


def test_no_position_is_kept_where_names_are_made_or_numbers_have_gaps() -> None:
    nowhere = Position(0, "")
    made = [Found(RemoteItem(1, "", 10), "f" * 64, uid_is_made=True)]
    gap = [Found(RemoteItem(2, "u2", 10), "u2")]
    assert next_position(nowhere, Listing(made, is_whole=True), None) is None
    assert next_position(nowhere, Listing(gap, is_whole=True), None) is None
