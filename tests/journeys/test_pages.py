"""Every page, in both languages and themes and on three screens: readable, narrow enough, quiet.

``make test`` shows each page in each language and theme, on a wide screen and on a phone, and one
page of four between them; with ``MUARA_SWEEP=whole`` every page in every combination.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import allauth
import django
import pytest
from playwright.sync_api import Browser

from aggregator.translations import PLACEHOLDER, load_compiled, po_path
from tests.journeys.people import become
from tests.journeys.shown import EVERY_PAGE
from tests.journeys.visits import Visit, visit
from tests.journeys.world import World, make_world

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
IS_WHOLE = os.environ.get("MUARA_SWEEP") == "whole"
LANGUAGES, THEMES = {"en": "en-US", "id": "id-ID"}, ("light", "dark")
WIDE, BETWEEN, PHONE = 1280, 900, 390
WIDTHS = {WIDE: 800, BETWEEN: 800, PHONE: 844}
# Shorter ones may be names, or words that both languages share.
LONG = 12
SEEN = """() => [document.title, document.body.innerText,
  ...[...document.querySelectorAll('body [aria-label], body [title], body [placeholder]')]
    .filter(it => it.checkVisibility())
    .flatMap(it => [it.ariaLabel ?? '', it.title, it.placeholder ?? ''])].join('\\n')"""
COMBINATIONS = list(product(LANGUAGES, THEMES, WIDTHS))


def is_shown(number: int, language: str, theme: str, width: int) -> bool:
    """Tell whether a page's turn falls on a combination of those that pages in a row share."""
    place = 2 * [*LANGUAGES].index(language) + THEMES.index(theme)
    if IS_WHOLE or width == BETWEEN:
        return IS_WHOLE or (number % 4, number // 4 % 4) == (0, place)
    # The phone takes the opposite language and theme, so each page meets both.
    return place == number % 4 ^ (0 if width == WIDE else 3)


def english() -> set[str]:
    """Collect sentences, or pieces between what is filled in, that Indonesian says otherwise."""
    theirs = (Path(str(module.__file__)).parent for module in (allauth, django))
    inside = Path("id/LC_MESSAGES/django.mo")
    files = [po_path("id").with_suffix(".mo")]
    files += [next(folder.glob(f"**/locale/{inside}")) for folder in theirs]
    return {piece for file in files for piece in _pieces(file)}


def _pieces(file: Path) -> Iterator[str]:
    for message in load_compiled(file):
        said = str(message.string)
        for words in [message.id] if isinstance(message.id, str) else message.id:
            for piece in PLACEHOLDER.split(words):
                if len(piece.strip()) >= LONG and piece.strip() not in said:
                    yield piece.strip()


@pytest.fixture(scope="module")
def sentences() -> set[str]:
    found = english()
    assert len(found) > 300
    return found


@pytest.fixture
def world(site: str) -> World:
    return make_world()


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("language", "theme", "width"), COMBINATIONS)
def test_every_page_is_readable_narrow_enough_and_quiet(
    chromium: Browser,
    site: str,
    world: World,
    sentences: set[str],
    language: str,
    theme: str,
    width: int,
) -> None:
    options = {"locale": LANGUAGES[language], "color_scheme": theme}
    name = f"{language}-{theme}-{width}"
    with visit(chromium, site, name, width=width, height=WIDTHS[width], **options) as person:
        for number, shown in enumerate(EVERY_PAGE):
            if is_shown(number, language, theme, width):
                before = len(person.troubles)
                become(person, world.sessions.get(shown.who, ""))
                shown.reach(person, world)
                judge(person, language, sentences)
                person.troubles[before:] = [
                    f"{shown.name}: {trouble}" for trouble in person.troubles[before:]
                ]
    if person.troubles:
        pytest.fail("\n".join(person.troubles), pytrace=False)


def judge(person: Visit, language: str, sentences: set[str]) -> None:
    """Hold one page to all rules, its language among them."""
    page = person.page
    if page.locator("html").get_attribute("lang") != language:
        person.troubles.append("is in another language")
    person.judge("")
    seen = page.evaluate(SEEN) if language == "id" else ""
    person.troubles += [f"English: {words!r}" for words in sentences if words in seen]


def test_each_page_is_sampled_in_each_language_and_theme_wide_and_on_a_phone() -> None:
    for number in range(len(EVERY_PAGE)):
        met = [one for one in COMBINATIONS if is_shown(number, *one)]
        assert {*LANGUAGES, *THEMES, WIDE, PHONE} <= {word for one in met for word in one}
    between = [one for one in COMBINATIONS if one[2] == BETWEEN]
    assert all(any(is_shown(number, *one) for number in range(16)) for one in between)
