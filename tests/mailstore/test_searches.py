"""The search page: what was understood, where the words stand, what is offered and kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import ExternalAccount
from mailstore import ingest, parsing, search, suggestions
from mailstore.marking import marked
from mailstore.models import Label, Message, SavedSearch
from mailstore.searchquery import Field, parse
from mailstore.searchterms import phrase
from tests.builders import make_account, make_user
from tests.mailstore.rows import letter, make_message

pytestmark = pytest.mark.django_db
PAGE = "/mail/search/"
TYPED = {"HX-Request": "true", "HX-Trigger": "q"}
LONG = "Pembuka surat ini panjang sekali. " * 12


@pytest.fixture
def account() -> ExternalAccount:
    return make_account(make_user(), name="Kantor")


@pytest.fixture
def reader(client: Client, account: ExternalAccount) -> Client:
    client.force_login(account.owner)
    return client


def store(account: ExternalAccount, subject: str, text: str = "", **headers: str) -> Message:
    raw = letter(subject, text or "Isi surat.", **headers).as_bytes()
    message = make_message(account, raw)
    search.index([ingest.entry_of(message, parsing.parse(raw))])
    return message


def page(reader: Client, text: str, **headers: str) -> str:
    answer = reader.get(PAGE, {"q": text}, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def test_each_wish_is_a_chip_that_leads_to_the_search_without_it(reader: Client) -> None:
    shown = page(reader, "from:budi -has:attachment before:2024-05-01 a OR b")
    for words in ("From: budi", "not Has attachments", "Before 1 May 2024", "a or b"):
        assert f"Search without: {words}" in shown
    assert 'href="/mail/search/?q=-has%3Aattachment%20before%3A2024-05-01%20a%20OR%20b"' in shown


def test_what_means_nothing_is_said(reader: Client, account: ExternalAccount) -> None:
    store(account, "Laporan")
    shown = page(reader, "laporan colour:red label:nowhere")
    assert "“colour:red” means nothing here" in shown
    assert "“label:nowhere” means nothing here" in shown
    assert shown.count('<li class="mail') == 1


def test_the_words_are_marked_where_they_stand(reader: Client, account: ExternalAccount) -> None:
    store(account, "Kabar dari hulu", f"{LONG} Lalu jembatan Ciliwung selesai <b>hari</b> ini.")
    shown = page(reader, "jemba")
    assert "<mark>jembatan</mark> Ciliwung selesai &lt;b&gt;hari" in shown
    assert "<mark>Kabar</mark> dari hulu" in page(reader, "kabar")
    assert "<mark>Bob</mark>" in page(reader, "from:bob")
    assert "<mark>" not in page(reader, "is:unread -kabar")


@pytest.mark.parametrize(
    ("text", "words", "shown"),
    [
        ("Café & Bar", "cafe", "<mark>Café</mark> &amp; Bar"),
        ("Cafe\u0301 tutup", "café", "<mark>Cafe\u0301</mark> tutup"),
        ("会議のお知らせ", "お知らせ", "会議の<mark>お知らせ</mark>"),
        ("budi@rumah.example", "rumah.exa", "budi@<mark>rumah.example</mark>"),
        ("rumah, contoh example", "rumah.example", "rumah, contoh example"),
    ],
)
def test_marks_know_accents_and_scripts(text: str, words: str, shown: str) -> None:
    wanted = phrase(Field.ANY, words, is_prefix=True)
    assert wanted
    assert marked(text, [wanted]) == shown


def test_while_typing_the_list_follows_and_the_address_too(
    reader: Client, account: ExternalAccount
) -> None:
    store(account, "Laporan")
    first = reader.get(
        PAGE, {"q": "lap"}, headers=TYPED | {"HX-Current-URL": "http://testserver/mail/all/inbox/"}
    )
    assert first["HX-Push-Url"] == "/mail/search/?q=lap"
    assert b"<html" not in first.content
    assert b'id="list-head"' in first.content
    next_one = reader.get(
        PAGE, {"q": "lapo"}, headers=TYPED | {"HX-Current-URL": f"http://testserver{PAGE}?q=lap"}
    )
    assert next_one["HX-Replace-Url"] == "/mail/search/?q=lapo"
    assert reader.get(PAGE, {"q": "l"}, headers=TYPED).status_code == 204
    assert reader.get(PAGE, {"q": "会"}, headers=TYPED).status_code == 200
    # What was only typed on the way is not remembered.
    assert "Searched lately" not in page(reader, "")


def test_searches_are_remembered_for_the_session(reader: Client) -> None:
    for text in ("laporan", "surat", "laporan"):
        page(reader, text)
    assert reader.session["searches"] == ["laporan", "surat"]
    assert "Searched lately" in page(reader, "")
    assert "surat" in page(reader, "su", **TYPED)


def test_a_search_is_saved_under_a_name_and_forgotten(reader: Client) -> None:
    for name, text in (("Dari Budi", "from:budi"), ("dari budi", "from:budi is:unread")):
        answer = reader.post(reverse("mail_search_save"), {"name": name, "text": text})
        assert answer["Location"].startswith(PAGE)
    saved = SavedSearch.objects.get()
    assert (saved.name, saved.text) == ("dari budi", "from:budi is:unread")
    assert "dari budi" in page(reader, "")
    stranger = Client()
    stranger.force_login(make_user("bob@example.org"))
    for visitor, left in ((stranger, 1), (reader, 0)):
        visitor.post(reverse("mail_search_forget"), {"search": str(saved.public_id)})
        assert SavedSearch.objects.count() == left


@pytest.mark.parametrize("fields", [{"name": ""}, {"text": ""}, {"name": "x" * 81}])
def test_a_search_without_name_or_words_is_not_saved(
    reader: Client, fields: dict[str, str]
) -> None:
    given = {"name": "Budi", "text": "from:budi"} | fields
    reader.post(reverse("mail_search_save"), given)
    assert not SavedSearch.objects.exists()


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("sub", "subject:"),
        ("rapat has", "rapat has:attachment"),
        ("bo", "from:bob@example.org"),
        ("rapat from:bo", "rapat from:bob@example.org"),
        ("in:ink", ""),
        ("in:in", "in:Inbox"),
        ("ka", "account:Kantor"),
        ("label:to", 'label:"To do"'),
        ("to q", ""),
        ("mingg", "from:budi newer_than:7d"),
    ],
)
def test_the_box_offers_ways_to_go_on(account: ExternalAccount, typed: str, offered: str) -> None:
    store(account, "Rapat")
    Label.objects.create(owner=account.owner, name="To do")
    SavedSearch.objects.create(
        owner=account.owner, name="Minggu ini", text="from:budi newer_than:7d"
    )
    texts = [one.text for one in suggestions.suggest(account.owner, typed, [])]
    assert offered in texts if offered else not texts


@pytest.mark.parametrize("language", ["en", "id"])
def test_every_operator_that_is_shown_is_understood(language: str) -> None:
    with translation.override(language):
        for operator, words in suggestions.operators():
            text = operator if operator[-1] != ":" else f"{operator}x"
            query = parse(text, now=timezone.now(), zone=UTC)
            assert words
            assert not query.unknown, operator
            assert query.groups[0][0].source != text or ":" in text or text.startswith(("-", '"'))


def test_a_page_of_results_takes_few_questions(
    reader: Client, account: ExternalAccount, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        store(account, f"Surat {number}", LONG + f" jembatan {number}")
    page(reader, "lain")  # The first page of a session also writes down the session.
    with django_assert_max_num_queries(26):
        assert page(reader, "jembatan").count('<li class="mail') == 12


@pytest.mark.skipif(connection.vendor != "sqlite", reason="nothing here takes PostgreSQL long")
def test_a_search_that_takes_too_long_ends_and_says_so(
    reader: Client, account: ExternalAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(60):
        make_message(account, sent_at=datetime(2024, 1, 1, 0, number, tzinfo=UTC))
    monkeypatch.setattr("mailstore.finding.PATIENCE", 0.0)
    monkeypatch.setattr("mailstore.finding.STEPS", 1)
    assert "took too long" in page(reader, "is:unread larger:1")
