"""What a person types, read: operators in two languages, quotes, contraries, dates, sizes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailstore.searchquery import (
    Field,
    Mark,
    Marked,
    Place,
    Placed,
    Query,
    Sent,
    Sized,
    Wish,
    Words,
    parse,
)

ZONE = ZoneInfo("Asia/Jakarta")
NOW = datetime(2026, 11, 23, 20, tzinfo=UTC)
MAY = datetime(2024, 5, 1, tzinfo=ZONE)
DAYS = timedelta(days=1)


def read(text: str) -> Query:
    return parse(text, now=NOW, zone=ZONE)


@pytest.mark.parametrize(
    ("english", "indonesian", "wish"),
    [
        ("from:budi ", "dari:budi ", Words(Field.FROM, "budi")),
        ("to:budi ", "kepada:budi ", Words(Field.TO, "budi")),
        ("cc:budi ", "tembusan:budi ", Words(Field.CC, "budi")),
        ("bcc:budi ", "tembusan_buta:budi ", Words(Field.BCC, "budi")),
        ("subject:rapat ", "subjek:rapat ", Words(Field.SUBJECT, "rapat")),
        ("filename:pdf ", "berkas:pdf ", Words(Field.FILENAME, "pdf")),
        ("has:attachment", "ada:lampiran", Marked(Mark.ATTACHMENT)),
        ("is:unread", "status:belum_dibaca", Marked(Mark.UNREAD)),
        ("is:read", "status:sudah-dibaca", Marked(Mark.READ)),
        ("is:starred", "status:berbintang", Marked(Mark.STARRED)),
        ("in:trash", "di:trash", Placed(Place.IN, "trash")),
        ("account:Work", "akun:Work", Placed(Place.ACCOUNT, "Work")),
        ('label:"to do"', 'LABEL:"to do', Placed(Place.LABEL, "to do")),
        ("before:2024-05-01", "sebelum:1/5/2024", Sent(until=MAY)),
        ("after:2024/05", "sesudah:2024.5", Sent(since=MAY)),
        ("on:2024-5-1", "pada:01.05.2024", Sent(MAY, MAY + DAYS)),
        ("older_than:2w", "lebih_lama:2minggu", Sent(until=NOW - 14 * DAYS)),
        ("newer_than:1y", "lebih_baru:1tahun", Sent(since=NOW - 365 * DAYS)),
        ("larger:5M", "lebih_besar:5mb", Sized(least=5 * 1024**2)),
        ("smaller:1.5k", "lebih_kecil:1,5K", Sized(most=1536)),
    ],
)
def test_operators_mean_the_same_in_both_languages(
    english: str, indonesian: str, wish: Wish
) -> None:
    for text in (english, indonesian):
        ((term,),) = read(text).groups
        assert (term.wish, term.is_not) == (wish, False)


def test_days_begin_at_midnight_where_the_reader_is() -> None:
    # 20:00 UTC is the morning of the next day in Jakarta.
    ((term,),) = read("on:today").groups
    today = datetime(2026, 11, 24, tzinfo=ZONE)
    assert term.wish == Sent(today, today + DAYS)


@pytest.mark.parametrize(
    "text",
    ["colour:red", "before:soon", "before:2024-13", "is:nice", "has:wings", "on:31.2.2024"],
)  # fmt: skip
def test_what_means_nothing_is_told_and_not_searched(text: str) -> None:
    assert read(f"{text} rapat") == Query(read("rapat").groups, (text,))


@pytest.mark.parametrize(
    "text", ["http://contoh.example/a", "12:30", "from:", '"from:budi"', "a-b"]
)
def test_what_only_looks_like_an_operator_is_a_word(text: str) -> None:
    ((term,),) = read(text).groups
    assert isinstance(term.wish, Words)
    assert term.wish.field == Field.ANY


def test_or_joins_neighbours_and_a_minus_turns_over() -> None:
    query = read('a OR -from:b ATAU "c d" e')
    shape = [[(term.source, term.is_not) for term in group] for group in query.groups]
    assert shape == [[("a", False), ("-from:b", True), ('"c d"', False)], [("e", False)]]


@pytest.mark.parametrize(
    ("text", "open_ends"),
    [("rapat bes", [False, True]), ("rapat besar ", [False, False]), ('"rapat bes"', [False]),
     ("rap* besar ", [True, False]), ("r", [False]), ("-rap", [False]), ("from:bu", [True])],
)  # fmt: skip
def test_the_last_word_may_go_on(text: str, open_ends: list[bool]) -> None:
    wishes = [term.wish for (term,) in read(text).groups]
    assert [isinstance(wish, Words) and wish.is_prefix for wish in wishes] == open_ends


PIECES = st.one_of(
    st.sampled_from(["from:", "-", '"', "OR", ":", "*", "before:", "is:unread", "larger:9", " "]),
    st.text(max_size=6),
)


@given(st.lists(PIECES).map("".join))
def test_any_text_is_read_and_says_the_same_when_it_is_written_again(text: str) -> None:
    query = read(text)
    again = read(query.without(-1) + " ")
    sources = [[term.source for term in group] for group in query.groups]
    assert [[term.source for term in group] for group in again.groups] == sources
    assert not again.unknown


@given(
    st.lists(st.sampled_from(["rapat", "from:budi", '"a b"', "-x", "has:attachment"]), min_size=1)
)
def test_a_query_without_one_wish_has_all_the_others(words: list[str]) -> None:
    query = read(" ".join(words))
    for number in range(len(query.groups)):
        left = read(query.without(number) + " ")
        assert len(left.groups) == len(query.groups) - 1
