"""Reading in a real browser: conversations unfold, frames fit, links say where they lead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Frame, Page, expect
from pytest_django import Settings

from accounts.models import ExternalAccount
from mailstore.models import Message
from tests.builders import make_account
from tests.journeys.people import become, make_person, session_of
from tests.journeys.visits import Visit, until, visit
from tests.mailstore.rows import letter, make_message
from tests.servers.web import page as answer
from tests.servers.web import run_web
from wire.guard import Guard

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
GIF = bytes.fromhex(
    "47494638396101000100800000ff0000ffffff21f90400000000002c00000000010001000002024401003b"
)
QUOTING = "Baik.\n\nPada Rab, 4 Nov 2026 Budi menulis:\n" + "> Air naik.\n" * 40
WIDE_TABLE = '<table width="900"><tr><td>Kiri</td><td align="right">Kanan</td></tr></table>'
UNBROKEN = f'<p style="white-space: nowrap">{"sungai " * 60}ujung</p>'


@pytest.fixture
def account(site: str) -> ExternalAccount:
    return make_account(make_person())


@pytest.fixture
def visitor(
    chromium: Browser, site: str, account: ExternalAccount, request: pytest.FixtureRequest
) -> Iterator[Visit]:
    width, height = request.param
    with visit(chromium, site, "reading", width=width, height=height) as visitor:
        become(visitor, session_of(account.owner))
        yield visitor
    assert not visitor.troubles, "\n".join(visitor.troubles)


def path_of(message: Message, query: str = "") -> str:
    return reverse("mail_message", args=[message.account.public_id, message.public_id]) + query


def body(page: Page) -> Frame:
    frame = page.locator(".sheet iframe").last.element_handle().content_frame()
    assert frame is not None
    frame.wait_for_load_state()
    return frame


def sheet_height(page: Page) -> float:
    box = page.locator(".sheet").last.bounding_box()
    assert box is not None
    return box["height"]


@pytest.mark.parametrize("visitor", [(1440, 900)], indirect=True)
def test_a_conversation_unfolds_and_a_quotation_opens_in_place(
    visitor: Visit, account: ExternalAccount
) -> None:
    page = visitor.page
    first = make_message(account, letter("Air naik", "Air naik."), seen=True)
    other = letter("Re: Air naik", "Lihat https://sungai.example/peta\n\n" + QUOTING)
    newest = make_message(account, other, thread=first.thread)
    visitor.go(path_of(newest, "?in=all-inbox"))
    expect(page.locator(".letter.folded")).to_have_count(1)

    frame = body(page)
    until(page, "document.querySelector('.sheet iframe').style.height")
    folded = sheet_height(page)
    frame.locator(".quoted summary").click()
    until(page, "before => document.querySelector('.sheet').offsetHeight > before + 300", folded)
    frame.locator("a").first.focus()
    expect(page.locator(".link-target")).to_have_text("https://sungai.example/peta")

    page.locator(".letter.folded").click()
    expect(page.locator(".letter.folded")).to_have_count(0)
    expect(page.frame_locator("iframe").first.locator("body")).to_contain_text("Air naik.")
    assert page.url.endswith(path_of(newest, "?in=all-inbox"))


@pytest.mark.parametrize("visitor", [(390, 844)], indirect=True)
@pytest.mark.parametrize("markup", [WIDE_TABLE, UNBROKEN])
def test_on_a_phone_no_mail_is_cut(visitor: Visit, account: ExternalAccount, markup: str) -> None:
    mail = letter("Lebar")
    mail.add_alternative(markup, subtype="html")
    visitor.go(path_of(make_message(account, mail)))
    page = visitor.page
    body(page)
    until(page, "document.querySelector('.sheet iframe').style.height")
    frame = page.locator(".sheet iframe").bounding_box()
    assert frame is not None
    assert frame["x"] >= 0
    assert frame["x"] + frame["width"] <= 390.5
    inner = body(page).evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert inner[0] <= inner[1]
    visitor.judge("wide mail")


@pytest.mark.parametrize("visitor", [(1440, 900)], indirect=True)
def test_pictures_show_once_they_are_asked_for_and_the_browser_asks_only_this_site(
    visitor: Visit, account: ExternalAccount, settings: Settings, tmp_path: Path
) -> None:
    settings.IMAGE_FOLDER = tmp_path
    mail = letter("Gambar")
    mail.add_alternative('<p>Peta</p><img src="http://peta.example/a.gif">', subtype="html")
    page = visitor.page
    with run_web() as web:
        web.sends["/a.gif"] = answer(GIF)
        settings.GUARD = Guard(connect_to={("peta.example", 80): ("127.0.0.1", web.port)})
        visitor.go(path_of(make_message(account, mail)))
        assert not body(page).evaluate("document.images[0].src")
        page.get_by_role("link", name="Show images").click()
        expect(page.locator("a", has_text="Show images")).to_have_count(0)
        until(body(page), "document.images[0].naturalWidth === 1")
    assert len(web.heard) == 1
