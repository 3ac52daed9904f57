"""Choices act as they are made, on the next page too, and without scripts by a button."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts import quotas
from accounts.models import ExternalAccount, User
from tests.builders import make_account
from tests.journeys.people import become, make_person, session_of
from tests.journeys.visits import until, visit
from tests.mailstore.rows import letter, make_message

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


# What the browser shows is beyond the page; that it was asked to is not.
NOTED = """
window.noted = [];
window.isHidden = false;
Object.defineProperty(document, "hidden", { get: () => isHidden });
window.Notification = class extends Notification {
  constructor(title, options) { super(title, options); noted.push([title, options.body]); }
};
"""


@pytest.fixture
def siti(site: str) -> User:
    person = make_person()
    make_message(make_account(person, name="Rumah"), letter("Surat", "Isi"))
    return person


def choose(page: Page, field: str, value: str) -> None:
    page.locator(f"[name={field}][value={value}]").check()
    expect(page.locator(".saved")).to_have_text("Saved.")


def list_edge(page: Page) -> float:
    box = page.locator("#list").bounding_box()
    assert box
    return box["x"] + box["width"]


def test_choices_act_at_once(chromium: Browser, site: str, siti: User) -> None:
    with visit(chromium, site, "preferences", width=1280, height=800) as visitor:
        become(visitor, session_of(siti))
        page = visitor.page
        visitor.go("/settings/general/")
        choose(page, "theme", "dark")
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        visitor.look("general")
        choose(page, "density", "compact")
        choose(page, "reading_pane", "off")
        visitor.go("/mail/all/inbox/")
        row = page.locator(".mail").bounding_box()
        assert row
        assert row["height"] < 60
        page.locator(".mail a").click()
        page.wait_for_load_state("load")
        expect(page.locator("#list")).to_be_hidden()
        expect(page.locator("#subject")).to_be_visible()
        visitor.look("no-pane")
        visitor.go("/settings/general/")
        page.locator("#id_language").select_option("id")
        expect(page.locator("html")).to_have_attribute("lang", "id")
        expect(page.locator("#id_language")).to_be_focused()
    assert not visitor.troubles, "\n".join(visitor.troubles)


def arrive(person: User, *subjects: str) -> None:
    account = ExternalAccount.objects.get(owner=person)
    for subject in subjects:
        make_message(account, letter(subject))
    quotas.touch(person.pk)


def test_a_page_that_is_not_looked_at_tells_of_new_mail_once_it_may(
    chromium: Browser, site: str, siti: User
) -> None:
    with visit(chromium, site, "notifications", width=1280, height=800) as visitor:
        become(visitor, session_of(siti))
        page = visitor.page
        page.add_init_script(NOTED)
        visitor.go("/settings/notifications/")
        choose(page, "notify", "all")
        visitor.judge("notifications")
        # Without a screen nobody can answer the browser's question: it is told beforehand.
        page.context.grant_permissions(["notifications"])
        page.locator("#allow button").click()
        expect(page.locator("#allow")).to_be_hidden()
        expect(page.locator("#refused")).to_be_hidden()
        page.clock.install()
        visitor.go("/mail/all/inbox/")
        arrive(siti, "Seen at once")
        page.clock.run_for(6000)
        expect(page.get_by_text("Seen at once")).to_be_visible()
        assert page.evaluate("noted") == []
        page.evaluate("isHidden = true")
        arrive(siti, "One", "Two")
        page.clock.run_for(31_000)
        until(page, "noted.length > 0")
        assert page.evaluate("noted") == [["Muara", "2 new messages"]]
    assert not visitor.troubles, "\n".join(visitor.troubles)


def test_the_edge_of_the_list_stays_where_it_was_dragged(
    chromium: Browser, site: str, siti: User
) -> None:
    with visit(chromium, site, "edge", width=1280, height=800) as visitor:
        become(visitor, session_of(siti))
        page = visitor.page
        visitor.go("/mail/all/inbox/")
        page.wait_for_load_state("networkidle")
        before = list_edge(page)
        page.mouse.move(before, 500)
        page.mouse.down()
        page.mouse.move(before + 120, 500, steps=4)
        page.mouse.up()
        dragged = list_edge(page)
        assert abs(dragged - before - 120) <= 20
        visitor.go("/mail/all/unread/")
        assert list_edge(page) == dragged
        page.locator("#edge").focus()
        page.keyboard.press("ArrowLeft")
        assert list_edge(page) == dragged - 40
        visitor.look("moved")
    assert not visitor.troubles, "\n".join(visitor.troubles)
