"""What a person sees of fetching and does about it, with and without JavaScript, on two screens."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from itertools import count

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.builders import PASSWORD
from tests.journeys.visits import Visit, visit
from tests.mailstore.rows import letter
from tests.servers.dovecot import Dovecot
from tests.servers.shapes import Program

pytestmark = [pytest.mark.browser, pytest.mark.servers, pytest.mark.timeout(300)]
EMAIL, BOX, SECRET = "budi@muara.example", "toko@contoh.example", "rahasia"
ACCOUNT = (
    *("addaccount", "--owner", EMAIL, "--address", BOX, "--protocol", "pop3"),
    *("--host", "pop.example.org", "--port", "995", "--security", "tls"),
    *("--username", BOX, "--password-stdin"),
)
SCREENS = {"wide": (1280, 800), "phone": (390, 844)}
NUMBERS = count(1)
# As browser extensions do. Copied to what is swapped in, it would break the rule about styles.
TOUCH = """document.querySelectorAll('.rows [id]').forEach(({ style }) => {
  style.color = "red";
  style.color = "";
})"""


@pytest.fixture(scope="module")
def program(household: Program, dovecot: Dovecot) -> Program:
    dovecot.add_user(BOX, SECRET)
    dovecot.deliver(BOX, letter("Surat pertama").as_bytes())
    household.manage("adduser", EMAIL, "--password-stdin", words=PASSWORD)
    household.manage(*ACCOUNT, words=SECRET)
    return household


@pytest.fixture(params=SCREENS)
def person(request: pytest.FixtureRequest, chromium: Browser, program: Program) -> Iterator[Visit]:
    """Lend a browser in which the person is signed in."""
    width, height = SCREENS[request.param]
    name = f"fetching-{request.param}"
    with visit(chromium, program.url, name, width=width, height=height) as visitor:
        sign_in(visitor)
        yield visitor
    assert not visitor.troubles, "\n".join(visitor.troubles)


@pytest.fixture
def person_without_scripts(chromium: Browser, program: Program) -> Iterator[Visit]:
    """Lend the same with JavaScript switched off."""
    plain = {"width": 1280, "height": 800, "java_script_enabled": False}
    with visit(chromium, program.url, "fetching-plain", **plain) as visitor:
        sign_in(visitor)
        yield visitor
    assert not visitor.troubles, "\n".join(visitor.troubles)


def sign_in(visitor: Visit) -> None:
    page = visitor.page
    visitor.go("/")
    page.locator("input[name=login]").fill(EMAIL)
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign In", exact=True).click()
    page.wait_for_url("**/mail/**")


def deliver(dovecot: Dovecot) -> str:
    """Put one more message into the mailbox and return its subject."""
    subject = f"Kabar nomor {next(NUMBERS)}"
    dovecot.deliver(BOX, letter(subject).as_bytes())
    return subject


def come_to_rest(page: Page) -> None:
    """Wait until no visit is under way."""
    expect(page.get_by_role("button", name="Check now").first).to_be_enabled(timeout=30_000)


def test_check_now_brings_what_has_just_come(person: Visit, dovecot: Dovecot) -> None:
    page = person.page
    person.go("/mail/all/inbox/")
    come_to_rest(page)
    page.evaluate(TOUCH)
    subject = deliver(dovecot)
    pressed = time.monotonic()
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_role("button", name="Checking …")).to_be_disabled()
    expect(page.locator(".rows .subject").filter(has_text=subject)).to_be_visible(timeout=30_000)
    sys.stdout.write(f"check now to row: {time.monotonic() - pressed:.2f} s\n")
    come_to_rest(page)
    person.look("checked")


def test_check_now_works_without_scripts(person_without_scripts: Visit, dovecot: Dovecot) -> None:
    page = person_without_scripts.page
    page.wait_for_timeout(1000)
    subject = deliver(dovecot)
    person_without_scripts.go("/mail/all/inbox/")
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_text("Checking all accounts now.")).to_be_visible()
    for _ in range(60):
        person_without_scripts.go("/mail/all/inbox/")
        if page.locator(".rows .subject").filter(has_text=subject).count():
            break
        page.wait_for_timeout(500)
    expect(page.locator(".rows .subject").filter(has_text=subject)).to_be_visible()


def test_an_account_is_paused_and_resumed_at_its_card(person: Visit, dovecot: Dovecot) -> None:
    page = person.page
    person.go("/settings/mail-accounts/")
    page.get_by_role("button", name="Pause").click()
    card = page.locator(".account-card")
    expect(card.locator(".state")).to_have_text("Paused")
    expect(card.get_by_role("button", name="Check now")).to_have_count(0)
    person.look("paused")
    subject = deliver(dovecot)
    card.get_by_role("button", name="Resume").click()
    expect(card.locator(".state")).to_have_text("OK", timeout=30_000)
    person.go("/mail/all/inbox/")
    expect(page.locator(".rows .subject").filter(has_text=subject)).to_be_visible(timeout=30_000)
