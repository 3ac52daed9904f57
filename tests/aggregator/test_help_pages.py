"""Every trouble has a help page in both languages, for strangers too, and no link leads nowhere."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from accounts.explain import explain
from accounts.meanings import MEANINGS
from accounts.troubles import TROUBLES
from aggregator.help_pages import TOPICS

LANGUAGES = ("en", "id")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_a_page_with_its_side_its_meaning_and_the_next_step(
    client: Client, language: str
) -> None:
    for code in TROUBLES:
        answer = client.get(f"/help/errors/{code}/", headers={"Accept-Language": language})
        page = answer.content.decode()
        assert answer.status_code == 200
        with override(language):
            words = explain(code, {})
            said = (words.side_words, words.step_words, MEANINGS[code.split(".")[0]])
            escaped = [_escaped(str(one)) for one in said]
        assert all(one in page for one in escaped), code
        assert not re.search(r"[{}]", page), code


def _escaped(words: str) -> str:
    return words.replace("'", "&#x27;")


def test_the_checklist_stands_where_a_server_is_concerned(client: Client) -> None:
    question = "Is the server name the one that your provider gives?"
    assert question in client.get("/help/errors/conn.dns/").content.decode()
    assert question not in client.get("/help/errors/quota.full/").content.decode()


def test_links_of_the_help_lead_to_pages(client: Client) -> None:
    page = client.get(reverse("help")).content.decode()
    links = set(re.findall(r'href="(/help/[^"]*)"', page))
    assert len(links) >= len(TOPICS) + len(TROUBLES)
    for link in links:
        assert client.get(link).status_code == 200, link


@pytest.mark.parametrize("path", ["/help/errors/nothing.known/", "/help/nothing/"])
def test_what_has_no_words_has_no_page(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404
