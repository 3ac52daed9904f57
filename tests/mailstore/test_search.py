"""Finding words, in every script, and only one's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import ExternalAccount, User
from mailstore import search
from mailstore.models import Message
from tests.builders import make_account, make_user
from tests.mailstore.rows import make_message


def put(account: ExternalAccount, subject: str = "", people: str = "", text: str = "") -> Message:
    message = make_message(account)
    search.index([search.Entry(message.pk, account.owner_id, subject, people, text)])
    return message


def finds(owner: User, text: str) -> int:
    return Message.objects.filter(search.matching(owner, text)).count()


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
        ("plain", "plain) OR (x", False),
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
