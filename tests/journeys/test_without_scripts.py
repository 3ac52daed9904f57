"""Mail without JavaScript: every link and button works, and a test of a server follows itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.builders import PASSWORD
from tests.journeys.visits import Visit, visit
from tests.mailstore.rows import letter
from tests.servers.dovecot import Dovecot
from tests.servers.shapes import Program

pytestmark = [pytest.mark.browser, pytest.mark.servers, pytest.mark.timeout(300)]
EMAIL = "siti@muara.example"
# More than a page of the list holds.
MAILS = 60


@pytest.fixture(scope="module")
def program(household: Program) -> Program:
    household.manage("adduser", EMAIL, "--password-stdin", words=PASSWORD)
    return household


@pytest.fixture
def visitor(chromium: Browser, program: Program) -> Iterator[Visit]:
    """Lend a browser with JavaScript switched off."""
    with visit(
        chromium, program.url, "without-scripts", width=1280, height=800, java_script_enabled=False
    ) as visitor:
        yield visitor
    assert not visitor.troubles, "\n".join(visitor.troubles)


def rows(page: Page) -> list[str]:
    return page.locator(".rows .subject").all_inner_texts()


def sign_in(visitor: Visit) -> None:
    page = visitor.page
    visitor.go("/")
    page.locator("input[name=login]").fill(EMAIL)
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign In", exact=True).click()
    page.wait_for_url("**/mail/**")


def add_account(visitor: Visit) -> None:
    """Walk through the pages and see the page of the test come to its end by itself."""
    page = visitor.page
    visitor.go("/settings/mail-accounts/add/")
    page.get_by_label("Email address").fill("warung@contoh.example")
    page.get_by_role("button", name="Enter settings myself").click()
    page.get_by_role("button", name="Continue").click()
    typed = {
        "Account name": "Warung",
        "Incoming server": "pop.example.org",
        "User name": "warung",
        "Password": "rahasia",
    }
    for label, value in typed.items():
        page.get_by_label(label).fill(value)
    page.get_by_role("button", name="Test and continue").click()
    expect(page.get_by_text("It works.")).to_be_visible(timeout=30_000)
    page.get_by_role("link", name="Go to inbox").click()


def wait_for_mail(visitor: Visit) -> None:
    """Reload, as one does, until the list is full and older mail lies on another page."""
    for _ in range(60):
        visitor.go("/mail/all/inbox/")
        if visitor.page.get_by_role("link", name="Older", exact=True).count():
            return
        visitor.page.wait_for_timeout(500)
    raise AssertionError("no mail came")


def read(visitor: Visit, subject: str) -> None:
    """Open a message, star it, and mark it unread."""
    page = visitor.page
    page.locator(".rows a").filter(has_text=subject).click()
    expect(page.locator("h1")).to_have_text(subject)
    expect(page.frame_locator("iframe").locator("body")).to_contain_text(f"Isi {subject}")
    page.locator("#star").click()
    expect(page.locator("#star")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Mark unread").first.click()


def turn_pages(page: Page) -> tuple[list[str], list[str]]:
    """Go to older mail and back; return the subjects of both pages."""
    newest = rows(page)
    page.get_by_role("link", name="Older", exact=True).click()
    older = rows(page)
    assert older
    assert not {*newest} & {*older}
    page.get_by_role("link", name="Newest", exact=True).click()
    assert rows(page) == newest
    return newest, older


def leave_in_indonesian(visitor: Visit) -> None:
    page = visitor.page
    page.locator("button[popovertarget=me]").click()
    page.locator("#me button[lang=id]").click()
    expect(page.locator("html")).to_have_attribute("lang", "id")
    expect(page.get_by_role("combobox", name="Cari email")).to_be_visible()
    page.locator("button[popovertarget=me]").click()
    page.get_by_role("button", name="Keluar").click()
    visitor.go("/mail/all/inbox/")
    expect(page).to_have_url(re.compile("/auth/login/"))


def test_mail_is_read_and_kept_in_order_without_scripts(visitor: Visit, dovecot: Dovecot) -> None:
    page = visitor.page
    mails = [letter(f"Surat {number:02}.", f"Isi Surat {number:02}.") for number in range(MAILS)]
    dovecot.add_user("warung", "rahasia")
    dovecot.deliver("warung", *(mail.as_bytes() for mail in mails))
    sign_in(visitor)
    add_account(visitor)
    wait_for_mail(visitor)

    newest, older = turn_pages(page)
    read(visitor, newest[0])
    visitor.go("/mail/all/starred/")
    assert rows(page) == newest[:1]
    expect(page.locator(".rows .unread")).to_have_count(1)
    page.locator(".rows .star").click()
    expect(page.locator(".rows .star")).to_have_count(0)

    box = page.get_by_role("combobox", name="Search mail")
    box.fill(f'"{older[-1].removesuffix(".")}"')
    box.press("Enter")
    assert older[-1] in rows(page)

    leave_in_indonesian(visitor)
