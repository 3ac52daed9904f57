"""One key does one thing, on every page, never in a field and never once they are switched off."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Route, expect

from accounts.models import User
from mailstore.models import Message
from tests.builders import make_account
from tests.journeys.people import become, make_person, session_of
from tests.journeys.visits import Visit, visit
from tests.mailstore.rows import letter, make_message

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def siti(site: str) -> User:
    person = make_person()
    for name in ("Rumah", "Warung"):
        account = make_account(person, name=name, address=f"{name}@contoh.example")
        for number in range(3):
            make_message(account, letter(f"{name} {number}", f"Isi {number}"))
    return person


def press(visitor: Visit, *keys: str) -> None:
    for key in keys:
        visitor.page.keyboard.press(key)


def test_keys_lead_through_the_mail(chromium: Browser, site: str, siti: User) -> None:
    with visit(chromium, site, "keys", width=1280, height=800) as visitor:
        become(visitor, session_of(siti))
        page = visitor.page
        visitor.go("/mail/all/inbox/")
        walk_the_list(visitor)
        read_on(visitor)
        press(visitor, "g", "1")
        page.wait_for_url("**/inbox/")
        expect(page.locator("#list-title")).to_have_text("Inbox")
        press(visitor, "g", "a")
        page.wait_for_url("**/mail/all/inbox/")
        press(visitor, "/")
        expect(page.locator("#q")).to_be_focused()
        press(visitor, "j", "g", "u", "?")
        expect(page.locator("#q")).to_have_value("jgu?")
        assert page.locator("dialog[open]").count() == 0
    assert not visitor.troubles, "\n".join(visitor.troubles)


def walk_the_list(visitor: Visit) -> None:
    """Go down, mark one row by key, select, and let go."""
    page = visitor.page
    press(visitor, "j", "j")
    row = page.locator(".mail:has(a:focus)")
    expect(row.locator(".subject")).to_have_text("Warung 1")
    press(visitor, "s")
    expect(row.locator(".star")).to_have_attribute("aria-pressed", "true")
    press(visitor, "Shift+I")
    expect(page.locator(".mail:has(a:focus) .dot")).to_have_count(0)
    assert not page.locator(".mail:has(a:focus) [name=ids]").is_checked()
    press(visitor, "x", "Shift+J", "Shift+J")
    assert page.locator("[name=ids]:checked").count() == 3
    press(visitor, "*", "u")
    assert page.locator("[name=ids]:checked").count() == 5
    press(visitor, "*", "n")
    assert page.locator("[name=ids]:checked").count() == 0


def read_on(visitor: Visit) -> None:
    """Open a message by key, read the next and go back to its row."""
    page = visitor.page
    press(visitor, "k", "k", "k", "o")
    expect(page.locator("#subject")).to_be_focused()
    shown = page.locator("#subject").text_content()
    press(visitor, "j")
    expect(page.locator("#subject")).not_to_have_text(shown or "")
    expect(page.locator("#subject")).to_be_focused()
    press(visitor, "u")
    expect(page.locator(".mail a[aria-current]")).to_be_focused()


def test_keys_pressed_while_a_message_is_coming_are_about_it(
    chromium: Browser, site: str, siti: User
) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    with visit(chromium, site, "keys-quick", width=1280, height=800) as visitor:
        become(visitor, session_of(siti))
        page = visitor.page
        visitor.go("/mail/all/inbox/")
        press(visitor, "j", "o")
        expect(page.locator("#subject")).to_have_text("Warung 2")
        page.route("**/m/*/?in=*", hold)
        with page.expect_request("**/m/*/?in=*"):
            press(visitor, "j", "s")
        expect(page.locator(".mail:has([aria-current]) .subject")).to_have_text("Warung 1")
        assert not Message.objects.filter(flagged=True).exists()
        held.pop().continue_()
        expect(page.locator("#subject")).to_have_text("Warung 1")
        expect(page.locator("#star")).to_have_attribute("aria-pressed", "true")
        assert Message.objects.get(flagged=True).subject == "Warung 1"
        page.locator(".mail .star").last.click()
        expect(page.locator(".mail .star").last).to_have_attribute("aria-pressed", "true")
        expect(page.locator(".mail:has([aria-current]) .subject")).to_have_text("Warung 1")
    assert not visitor.troubles, "\n".join(visitor.troubles)


def test_the_sheet_and_the_palette_open_by_key(chromium: Browser, site: str, siti: User) -> None:
    with visit(chromium, site, "palette", width=1280, height=800) as visitor:
        become(visitor, session_of(siti))
        page = visitor.page
        visitor.go("/mail/all/inbox/")
        press(visitor, "?")
        expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
        visitor.look("sheet")
        press(visitor, "Escape", "j", "Control+k")
        expect(page.locator("#palette-words")).to_be_focused()
        visitor.look("all")
        page.keyboard.type("star")
        expect(page.get_by_role("option", selected=True)).to_contain_text("Star")
        press(visitor, "Enter")
        expect(page.locator(".star[aria-pressed=true]")).to_have_count(1)
        assert Message.objects.filter(flagged=True).count() == 1
        press(visitor, "Control+k")
        page.keyboard.type("warung")
        expect(page.get_by_role("option", selected=True)).to_contain_text("Warung")
        press(visitor, "Enter")
        page.wait_for_url("**/inbox/")
        visitor.go("/settings/general/")
        press(visitor, "g", "s")
        page.wait_for_url("**/mail/all/starred/")
    assert not visitor.troubles, "\n".join(visitor.troubles)


def test_keys_that_are_switched_off_do_nothing(chromium: Browser, site: str, siti: User) -> None:
    siti.shortcuts = False
    siti.save()
    with visit(chromium, site, "keys-off", width=1280, height=800) as visitor:
        become(visitor, session_of(siti))
        visitor.go("/mail/all/inbox/")
        visitor.page.wait_for_load_state("networkidle")
        press(visitor, "j", "?", "Control+k", "g", "u")
        assert visitor.page.url.endswith("/mail/all/inbox/")
        assert visitor.page.locator("dialog[open], .mail a:focus").count() == 0
        visitor.page.locator("button[popovertarget=me]").click()
        visitor.page.get_by_role("link", name="Keyboard shortcuts").click()
        visitor.page.wait_for_url("**/help/keyboard/")
    assert not visitor.troubles, "\n".join(visitor.troubles)
