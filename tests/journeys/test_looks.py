"""Things that fit only by a hair, where the longer language is the test of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Locator

from accounts.models import ExternalAccount
from mailstore.scopes import VIEWS
from tests.journeys.people import become
from tests.journeys.visits import Visit, until, visit
from tests.journeys.world import READER, World, make_world
from tests.mailstore.rows import letter, make_message

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WIDE, BETWEEN, PHONE = (1280, 800), (900, 800), (390, 844)
BACKGROUND = "it => getComputedStyle(it).backgroundColor"
FIRST_WORD = """it => {
  const words = [...it.childNodes].find(node => node.nodeType === 3 && node.data.trim());
  const range = document.createRange(), start = words.data.search(/\\S/);
  range.setStart(words, start); range.setEnd(words, start + 1);
  return range.getBoundingClientRect().toJSON();
}"""
LONG = " ".join(["panjang"] * 240)
WHITE, NIGHT, GREEN = "rgb(255, 255, 255)", "rgb(20, 23, 28)", "rgb(43, 107, 31)"


@pytest.fixture
def world(site: str) -> World:
    return make_world()


@pytest.fixture
def visitor(
    chromium: Browser, site: str, world: World, request: pytest.FixtureRequest
) -> Iterator[Visit]:
    """Lend a browser of somebody who reads Indonesian; ``request.param`` is its screen and more."""
    (width, height), *more = request.param
    options = {"locale": "id-ID"} | dict(*more)
    with visit(chromium, site, "looks", width=width, height=height, **options) as visitor:
        become(visitor, world.sessions[READER])
        yield visitor
    assert not visitor.troubles, "\n".join(visitor.troubles)


def tops(things: Locator) -> set[float]:
    places = (thing.bounding_box() for thing in things.all())
    return {round(place["y"] + place["height"] / 2) for place in places if place}


def sizes(things: Locator) -> list[tuple[float, float]]:
    places = (thing.bounding_box() for thing in things.all())
    return [(place["width"], place["height"]) for place in places if place]


def is_cut(thing: Locator) -> bool:
    return bool(thing.evaluate("it => it.scrollWidth > it.clientWidth"))


@pytest.mark.parametrize(
    ("visitor", "rows", "least"), [([WIDE], 1, 36), ([PHONE], 2, 44)], indirect=["visitor"]
)
def test_what_is_done_to_many_can_be_pressed_with_a_thumb(
    visitor: Visit, rows: int, least: int
) -> None:
    visitor.go("/mail/all/inbox/")
    visitor.page.locator(".rows .pick input").first.check()
    buttons = visitor.page.locator(".list-actions .icon-button")
    assert buttons.count() == 9
    assert len(tops(buttons)) == rows
    assert all(min(width, height) >= least for width, height in sizes(buttons))
    visitor.judge("one picked")


@pytest.mark.parametrize("visitor", [[WIDE]], indirect=True)
def test_the_names_of_the_views_are_never_cut(visitor: Visit) -> None:
    visitor.go("/mail/all/inbox/")
    words = visitor.page.locator(".rail-nav > ul:first-of-type .word").all()
    assert len(words) == len(VIEWS)
    assert not any(is_cut(word) for word in words)
    assert {word.bounding_box()["height"] < 30 for word in words} == {True}  # type: ignore[index]


@pytest.mark.parametrize("visitor", [[WIDE, {"locale": "en-US"}], [WIDE]], indirect=True)
def test_the_name_of_the_open_section_of_the_settings_is_not_cut(visitor: Visit) -> None:
    visitor.go("/auth/2fa/")
    assert not is_cut(visitor.page.locator(".sections [aria-current]"))


@pytest.mark.parametrize("visitor", [[PHONE]], indirect=True)
def test_the_tools_of_a_message_stand_in_one_row_on_a_phone(visitor: Visit, world: World) -> None:
    visitor.go(world.paths["text"])
    tools = visitor.page.locator(".tools button:visible")
    assert tools.count() == 7
    assert len(tops(tools)) == 1
    assert len(tops(visitor.page.locator(".message-tools :is(.back, .star)"))) == 1


@pytest.mark.parametrize("visitor", [[PHONE]], indirect=True)
def test_the_clock_of_an_account_stands_in_the_first_line_of_its_words(visitor: Visit) -> None:
    visitor.go("/settings/mail-accounts/")
    clocks = visitor.page.locator(".clock")
    heights = []
    for clock in clocks.all():
        icon, first_word = clock.locator("svg").bounding_box(), clock.evaluate(FIRST_WORD)
        assert icon
        middle = first_word["y"] + first_word["height"] / 2
        assert icon["y"] < middle < icon["y"] + icon["height"]
        heights.append(clock.evaluate("it => it.offsetHeight"))
    assert max(heights) > 30, "none needs a second line"


@pytest.mark.parametrize("visitor", [[PHONE], [WIDE]], indirect=True)
def test_a_long_subject_leaves_room_for_its_message(visitor: Visit) -> None:
    account = ExternalAccount.objects.get(name="Rumah", owner__email="pembaca@contoh.example")
    message = make_message(account, letter(LONG))
    visitor.go(reverse("mail_message", args=[account.public_id, message.public_id]))
    heading = visitor.page.locator("#subject").bounding_box()
    assert heading
    assert 0 < heading["height"] <= 4 * 27
    visitor.page.locator(".people summary").click()
    whole = visitor.page.locator(".people dd").nth(1)
    assert whole.inner_text() == LONG
    visitor.judge("a long subject")


@pytest.mark.parametrize("visitor", [[BETWEEN]], indirect=True)
def test_only_the_parts_of_the_page_scroll(visitor: Visit, world: World) -> None:
    for path in (world.paths["conversation"], "/settings/folders/"):
        visitor.go(path)
        assert visitor.page.evaluate("document.documentElement.scrollHeight") == BETWEEN[1], path


@pytest.mark.parametrize("visitor", [[WIDE]], indirect=True)
def test_labels_are_in_their_colours_and_no_higher_than_a_line(
    visitor: Visit, world: World
) -> None:
    visitor.go(world.paths["labelled"])
    label = visitor.page.locator(".rows .chip[data-color=green]")
    box = label.bounding_box()
    assert label.evaluate("it => getComputedStyle(it).color") == GREEN
    assert box
    assert box["height"] < 24


@pytest.mark.parametrize("visitor", [[WIDE]], indirect=True)
def test_the_people_of_a_message_have_its_whole_width(visitor: Visit, world: World) -> None:
    visitor.go(world.paths["attachment"])
    visitor.page.locator(".people summary").click()
    lines = [line.bounding_box() for line in visitor.page.locator(".people dd").all()]
    assert all(line and line["height"] < 24 for line in lines)


@pytest.mark.parametrize("visitor", [[WIDE, {"color_scheme": "dark"}]], indirect=True)
def test_plain_text_follows_the_theme_and_html_stays_on_its_light_sheet(
    visitor: Visit, world: World
) -> None:
    for name, colour in (("text", NIGHT), ("html", WHITE)):
        visitor.go(world.paths[name])
        assert visitor.page.locator(".sheet").last.evaluate(BACKGROUND) == colour
        inside = visitor.page.frame_locator("iframe").last.locator("html")
        assert inside.evaluate(BACKGROUND) == colour


@pytest.mark.parametrize("visitor", [[WIDE, {"timezone_id": "Asia/Jakarta"}]], indirect=True)
def test_the_browser_tells_its_time_zone_at_sign_in(visitor: Visit, world: World) -> None:
    visitor.page.context.clear_cookies()
    visitor.go("/auth/login/")
    until(visitor.page, "document.cookie.includes('muara_zone=Asia/Jakarta')")
    visitor.page.context.add_cookies(
        [{"name": "muara_session", "value": world.sessions[READER], "url": visitor.site}]
    )
    visitor.go("/settings/general/")
    assert "Asia/Jakarta" in visitor.page.locator("#id_time_zone_helptext").inner_text()


@pytest.mark.parametrize("visitor", [[WIDE, {"java_script_enabled": False}]], indirect=True)
def test_without_scripts_the_frame_is_about_as_high_as_the_screen(
    visitor: Visit, world: World
) -> None:
    visitor.go(world.paths["text"])
    box = visitor.page.locator(".sheet iframe").last.bounding_box()
    assert box
    assert box["height"] > 650
