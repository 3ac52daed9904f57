"""The keyboard alone leads from the sign-in page to a message and back; focus is never lost."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from tests.builders import PASSWORD, make_account
from tests.journeys.people import make_person
from tests.journeys.visits import Visit, visit
from tests.mailstore.rows import letter, make_message

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SCREENS = {"three panes": (1280, 800), "one pane": (900, 800), "phone": (390, 844)}
FAR = 60
# What has the focus, whether one can see that, and whether anything has it at all. The frame of a
# message shows it by its border.
FOCUSED = """() => {
  const it = document.activeElement, box = it.getBoundingClientRect(), look = getComputedStyle(it);
  return {
    words: (it.ariaLabel || it.innerText || it.name || it.id || '').trim(),
    id: it.id,
    name: it.name || '',
    lost: it === document.body || it === document.documentElement,
    seen: box.width > 0 && box.bottom > 0 && box.right > 0 && box.top < innerHeight,
    ring: look.outlineStyle !== 'none' || it.matches('.sheet iframe'),
  };
}"""


@pytest.fixture
def siti(site: str) -> User:
    person = make_person()
    account = make_account(person, name="Rumah")
    for number in range(3):
        make_message(account, letter(f"Surat {number}", f"Isi surat {number}"))
    return person


def tab_to(page: Page, *, name: str = "", key: str = "", words: str = "") -> dict[str, object]:
    """Press Tab until something has the focus; everything on the way must show that it has it."""
    for _ in range(FAR):
        page.keyboard.press("Tab")
        at: dict[str, object] = page.evaluate(FOCUSED)
        if at["lost"]:
            continue  # Past the last one, at the browser's own buttons.
        assert at["seen"], f"the focus went out of sight: {at}"
        assert at["ring"], f"nothing shows that this has the focus: {at}"
        if (name and at["name"] == name) or (key and at["id"] == key):
            return at
        if words and words in str(at["words"]):
            return at
    raise AssertionError(f"no way by Tab to {name or key or words}")


def focused(page: Page) -> dict[str, object]:
    at: dict[str, object] = page.evaluate(FOCUSED)
    assert not at["lost"], "the focus was lost"
    return at


def sign_in(visitor: Visit, siti: User) -> None:
    page = visitor.page
    visitor.go("/")
    page.keyboard.press("Tab")
    assert focused(page)["words"] == "Skip to content"
    assert focused(page)["seen"]
    tab_to(page, name="login")
    page.keyboard.type(siti.email)
    tab_to(page, name="password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/mail/all/inbox/")


@pytest.mark.parametrize("screen", SCREENS)
def test_tab_and_enter_lead_to_a_message_and_back(
    chromium: Browser, site: str, siti: User, screen: str
) -> None:
    width, height = SCREENS[screen]
    with visit(chromium, site, f"keyboard-{width}", width=width, height=height) as visitor:
        page = visitor.page
        sign_in(visitor, siti)

        page.keyboard.press("Tab")
        assert focused(page)["words"] == "Skip to content"
        page.keyboard.press("Enter")
        assert focused(page)["id"] == "main"
        row = tab_to(page, words="Isi surat 2")
        page.keyboard.press("Enter")
        expect(page.locator("#subject")).to_have_text("Surat 2")
        expect(page.frame_locator("iframe").locator("body")).to_contain_text("Isi surat 2")
        if screen == "three panes":
            expect(page.locator("#subject")).to_be_focused()
            turn_the_star(page)
            expect(page.locator("#star")).to_have_attribute("aria-pressed", "true")
            expect(page.locator("#star")).to_be_focused()
        tab_to(page, words="All inboxes")
        page.keyboard.press("Enter")
        page.wait_for_url("**/mail/all/inbox/")
        expect(page.locator(f"#{row['id']}")).to_be_visible()
        tab_to(page, key=str(row["id"]))
    assert not visitor.troubles, "\n".join(visitor.troubles)


def turn_the_star(page: Page) -> None:
    """Press Shift+Tab back from the subject to the star, as it lies before it."""
    for _ in range(6):
        page.keyboard.press("Shift+Tab")
        if focused(page)["id"] == "star":
            page.keyboard.press("Enter")
            return
    raise AssertionError("no way back to the star")


def test_what_is_done_in_the_list_keeps_the_focus(chromium: Browser, site: str, siti: User) -> None:
    with visit(chromium, site, "keyboard-star", width=1280, height=800) as visitor:
        page = visitor.page
        sign_in(visitor, siti)
        star = tab_to(page, words="Star: Bob, Surat 2")
        page.keyboard.press("Enter")
        same = page.locator(f"#{star['id']}")
        expect(same).to_have_attribute("aria-pressed", "true")
        expect(same).to_be_focused()
        tab_to(page, words="Select: Bob, Surat 1")
        page.keyboard.press("Space")
        tab_to(page, key="do-seen")
        page.keyboard.press("Enter")
        expect(page.locator(".rows .unread")).to_have_count(2)
        expect(page.locator("#do-seen")).to_be_focused()
    assert not visitor.troubles, "\n".join(visitor.troubles)
