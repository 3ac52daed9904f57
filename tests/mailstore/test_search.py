"""Finding words, in every script, and only one's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import ExternalAccount, User
from mailstore import finding, search, searchplaces
from mailstore.models import Label, Message, Role
from mailstore.queries import list_messages
from tests.builders import make_account, make_user
from tests.mailstore.rows import make_message


def put(account: ExternalAccount, subject: str = "", sender: str = "", text: str = "") -> Message:
    message = make_message(account)
    whose = message.pk, account.owner_id, account.pk, message.sent_at
    search.index([search.Entry(*whose, subject=subject, sender=sender, text=text)])
    return message


def finds(owner: User, text: str) -> int:
    return Message.objects.filter(finding.matching(owner, text)).count()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "query", "found"),
    [
        ("Jörg Müller", "jorg muller", True),
        ("Straße", "STRASSE", True),
        ("invoice attached", "attached invoice", True),
        ("invoice attached", "inv", True),
        ("invoice attached", "inv attached", False),
        ("invoice attached", "invoice missing", False),
        ("会議のお知らせ", "会議", True),
        ("会議のお知らせ", "議", True),
        ("会議のお知らせ", "議会", False),
        ("안녕하세요 여러분", "하세요", True),
        ("ประชุมพรุ่งนี้", "พรุ่งนี้", True),
        ("ｆｕｌｌ ｗｉｄｔｈ", "full width", True),
        ("write to alice@example.org now", "alice@example.org", True),
        ("write to alice@other.org, example", "alice@example.org", False),
        ("the well-known name", "well-known", True),
        ("C'est l'été", "l’été", True),
        ("say NOT this OR that", "not or", True),
        ("plain", '"plain"', True),
        ("plain", "* OR owner:o1", False),
        ("plain", "'; DROP TABLE mailstore_search; --", False),
        ("plain", "x) OR (y", False),
        ("plain", "!!! ???", False),
        ("plain", "", False),
        ("plain", "o1", False),
        ("x" * 300, "x" * 300, True),
    ],
)
def test_words_are_found(text: str, query: str, found: bool) -> None:
    account = make_account(make_user())
    put(account, text=text)
    assert finds(account.owner, query) == found


@pytest.mark.django_db
def test_words_may_lie_in_subject_people_and_text_but_a_phrase_in_one_of_them() -> None:
    account = make_account(make_user())
    put(account, "Monthly report", "Budi Santoso budi@example.org", "See the figures")
    assert finds(account.owner, "report budi fig") == 1
    assert finds(account.owner, "report-budi") == 0


@pytest.mark.django_db
def test_nobody_finds_the_mail_of_another() -> None:
    alice, bob = make_user(), make_user("bob@example.org")
    put(make_account(alice), "secret plan")
    assert (finds(alice, "secret"), finds(bob, "secret")) == (1, 0)


@pytest.mark.django_db
def test_an_empty_batch_is_indexed_without_complaint() -> None:
    search.index([])


def test_folding_leaves_terms_apart() -> None:
    assert search.fold("Café—BAR_baz  会議!") == "cafe bar baz 会 議"


@given(st.text())
def test_folding_twice_equals_once(text: str) -> None:
    assert search.fold(search.fold(text)) == search.fold(text)


@pytest.mark.django_db
@given(query=st.text())
def test_any_query_is_answered(query: str) -> None:
    assert finds(User(pk=1), query) == 0


@given(st.text(st.characters(max_codepoint=127), max_size=200))
def test_plain_letters_are_folded_as_all_others_are(text: str) -> None:
    assert search.fold(text) == search.fold(f"{text} é").removesuffix("e").rstrip()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("from:budi", "1"),
        ("from:bu", "1"),
        ("from:laporan", ""),
        ("dari:rumah.example", "1"),
        ("to:siti", "1"),
        ("cc:ayu", "2"),
        ("bcc:joko", "2"),
        ("subject:laporan", "12"),
        ("subject:figures", ""),
        ("filename:peta", "2"),
        ("peta", "2"),
        ("has:attachment", "2"),
        ("-has:attachment laporan", "1"),
        ("laporan -budi", "2"),
        ("budi OR ayu", "12"),
        ("la", "12"),
        ("lapo", "12"),
        ("-laporan", "3"),
        ("is:starred", "3"),
        ("is:starred OR from:budi", "13"),
        ("is:unread laporan", "2"),
        ("in:trash", "3"),
        ("in:nowhere", ""),
        ("in:kotak_masuk", "12"),
        ("account:kantor", "123"),
        ("account:kan", "123"),
        ("account:elsewhere", ""),
        ("label:sungai", "1"),
        ("before:2024-02 laporan", "1"),
        ("after:2024-02 laporan", "2"),
        ("larger:1m", ""),
        ("smaller:1m", "123"),
        ('"laporan sungai"', "1"),
        ('"sungai laporan"', ""),
        ("colour:red", ""),
        ("colour:red budi", "1"),
    ],
)
def test_operators_find_what_they_name(query: str, found: str) -> None:
    account = make_account(make_user(), name="Kantor")
    fields = {"sender": "Budi budi@rumah.example", "to": "Siti siti@rumah.example"}
    one = make_message(account, seen=True, sent_at=datetime(2024, 1, 5, tzinfo=UTC))
    two = make_message(account, sent_at=datetime(2024, 3, 5, tzinfo=UTC))
    three = make_message(account, role=Role.TRASH, flagged=True, seen=True)
    label = Label.objects.create(owner=account.owner, name="Sungai")
    one.labels.add(label)
    index(one, subject="Laporan sungai", text="the figures", **fields)
    more = {"files": "peta.pdf", "cc": "Ayu", "bcc": "Joko", "has_attachments": True}
    index(two, subject="Laporan", **more)
    index(three, subject="Undangan")
    ids = {one.pk: "1", two.pk: "2", three.pk: "3"}
    rows = finding.find(account.owner, finding.read(account.owner, query), limit=9)
    assert "".join(sorted(ids[pk] for pk in rows.ids)) == found


def index(message: Message, **fields: Any) -> None:
    whose = message.pk, message.owner_id, message.account_id, message.sent_at
    search.index([search.Entry(*whose, **fields)])


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["laporan", "is:unread", "laporan is:unread", "la"])
def test_what_is_found_comes_newest_first_in_pages_without_gap_or_repeat(query: str) -> None:
    account = make_account(make_user())
    moment = datetime(2024, 1, 5, tzinfo=UTC)
    # Sent in one second, and stored in an order of their own.
    for minutes in (3, 0, 9, 0, 0, 0, 0, 0, 1, 7):
        message = make_message(account, sent_at=moment + timedelta(minutes=minutes))
        index(message, subject="Laporan")
    seen: list[Message] = []
    before, pages = "", 0
    while not pages or before:
        page = list_messages(account.owner, text=query, before=before, limit=3)
        seen, before, pages = seen + page.messages, page.next_key, pages + 1
    assert len(seen) == len({message.pk for message in seen}) == 10
    assert [one.sent_at for one in seen] == sorted((one.sent_at for one in seen), reverse=True)
    assert pages == 4


@pytest.mark.django_db
def test_any_number_of_messages_of_one_second_is_indexed() -> None:
    account = make_account(make_user())
    moment = datetime(2024, 1, 5, tzinfo=UTC)
    for batch in range(5):
        whose = [(batch * 100 + number, account.owner_id, account.pk) for number in range(1, 100)]
        search.index([search.Entry(*who, moment, text="serentak") for who in whose])
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM mailstore_search")
        assert cursor.fetchone()[0] == 5 * 99


@pytest.mark.django_db
def test_mail_of_one_second_that_comes_one_by_one_takes_places_in_a_row() -> None:
    account, moment = make_account(make_user()), datetime(2026, 3, 1, 12, tzinfo=UTC)
    messages = [make_message(account, sent_at=moment) for _ in range(100)]
    for one in messages:
        search.index([search.Entry(one.pk, account.owner_id, account.pk, moment, text="rapat")])
    assert finds(account.owner, "rapat") == len(messages)
    if connection.vendor == "sqlite":
        places = searchplaces.held([one.pk for one in messages]).values()
        assert max(places) - min(places) == len(messages) - 1
