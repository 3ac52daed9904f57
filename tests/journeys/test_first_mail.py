"""The first journey, from signing up to reading mail, in a real browser and either shape."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import count, product

import pytest
from playwright.sync_api import Browser, expect

from demo.mailboxes import make_mailboxes
from tests.journeys.visits import Visit, visit
from tests.servers.dovecot import Dovecot
from tests.servers.shapes import Program, embedded, scaled_out
from tests.sweeps import IS_WHOLE

pytestmark = [pytest.mark.browser, pytest.mark.servers, pytest.mark.timeout(300)]
SHAPES = ("embedded", "scaled-out")
SCREENS = {"wide": (1280, 800), "phone": (390, 844)}
# Each shape and each screen once, or every pair of them.
JOURNEYS = [*product(SHAPES, SCREENS)] if IS_WHOLE else [*zip(SHAPES, SCREENS, strict=True)]
PASSWORD = "perahu kecil di muara"
NUMBERS = count(1)


@pytest.fixture(scope="module")
def program(
    request: pytest.FixtureRequest, dovecot: Dovecot, authority_file: str
) -> Iterator[Program]:
    extra = {"MUARA_CONNECT_TO": dovecot.connect_to, "SSL_CERT_FILE": authority_file}
    if request.param == "embedded":
        with embedded(extra) as program:
            yield program
    else:
        servers = {name: request.getfixturevalue(name) for name in ("postgres", "redis", "smtp")}
        with scaled_out(extra, **servers) as program:
            yield program


def letters() -> list[EmailMessage]:
    """Write the mail that waits at the provider: what the demo's first mailbox holds."""
    born = datetime.now(UTC)
    mailbox = make_mailboxes(password="", born=born)[0]
    raws = [letter.raw for letter in mailbox.arrived(born)]
    return [message_from_bytes(raw, policy=policy.default) for raw in raws]


def conversations(mails: list[EmailMessage]) -> int:
    """Count the rows that mails make: an answer to another of them has none of its own."""
    ids = {mail["Message-ID"] for mail in mails}
    named = [f"{mail['References'] or ''} {mail['In-Reply-To'] or ''}".split() for mail in mails]
    return sum(not ids.intersection(one) for one in named)


def sign_up(person: Visit, program: Program, address: str) -> None:
    page = person.page
    person.go("/")
    person.look("sign-in")
    page.get_by_role("link", name="Sign up").first.click()
    person.look("sign-up")
    page.locator("input[name=email]").fill(address)
    page.locator("input[name=password1]").fill(PASSWORD)
    page.locator("main button[type=submit]").first.click()
    code = page.locator("input[name=code]")
    code.wait_for()
    person.look("code")
    code.fill(mailed_code(program, address))
    page.locator("main button[type=submit]").first.click()
    page.wait_for_url("**/mail/**")


def mailed_code(program: Program, address: str, seconds: float = 15) -> str:
    deadline = time.monotonic() + seconds
    while not (codes := program.codes_for(address)):
        assert time.monotonic() < deadline, f"no code came for {address}: {program.logs()[-3000:]}"
        time.sleep(0.2)
    return codes[-1]


def add_account(person: Visit, *, user: str, password: str) -> None:
    page = person.page
    person.look("empty")
    page.locator("#main").get_by_role("link", name="Add account").click()
    person.look("add-account")
    page.get_by_label("Email address").fill("siti@contoh.example")
    page.get_by_role("button", name="Enter settings myself").click()
    person.look("add-type")
    page.get_by_role("button", name="Continue").click()
    person.look("add-incoming")
    page.get_by_label("Account name").fill("Rumah")
    page.get_by_label("Incoming server").fill("pop.example.org")
    page.get_by_label("User name").fill(user)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Test and continue").click()
    expect(page.get_by_text("It works.")).to_be_visible(timeout=30_000)
    person.look("tested")
    page.get_by_role("link", name="Go to inbox").click()


def watch_arrive(person: Visit, wanted: int) -> None:
    """See the list fill by itself, and the account's card."""
    page = person.page
    expect(page.locator(".rows > li")).to_have_count(wanted, timeout=30_000)
    expect(page.locator(".banner")).to_have_count(0, timeout=15_000)
    person.look("inbox")
    person.go("/settings/mail-accounts/")
    expect(page.get_by_role("heading", name="Rumah")).to_be_visible()
    person.look("accounts")
    person.go("/mail/all/inbox/")
    expect(page.locator(".rows > li")).to_have_count(wanted)
    person.look("all")


def open_newsletter(person: Visit) -> None:
    page = person.page
    page.locator(".rows a").filter(has_text="Kebun Mingguan #48").first.click()
    expect(page.locator("h1", has_text="Kebun Mingguan #48")).to_be_visible()
    expect(page.frame_locator("iframe").last.locator("h1, h2").first).to_be_visible()
    person.look("newsletter")
    person.go("/mail/all/inbox/")


def open_attachment(person: Visit, mail: EmailMessage) -> None:
    page = person.page
    page.locator(".rows a").filter(has_text=mail["Subject"]).first.click()
    expect(page.locator("h1", has_text=mail["Subject"])).to_be_visible()
    text = page.frame_locator("iframe").last.locator("body")
    expect(text).not_to_be_empty()
    person.look("message")
    part = next(mail.iter_attachments())
    with page.expect_download() as download:
        page.get_by_role("link", name=f"Download {part.get_filename()}").first.click()
    saved = download.value.path().read_bytes()
    assert saved == part.get_payload(decode=True)
    assert download.value.suggested_filename == part.get_filename()


def search(person: Visit, word: str, mail: EmailMessage) -> None:
    page = person.page
    box = page.get_by_role("combobox", name="Search mail")
    if not box.is_visible():
        person.go("/mail/search/")
    box.fill(word)
    box.press("Enter")
    page.wait_for_url("**/mail/search/?q=*")
    expect(page.locator(".rows a").filter(has_text=mail["Subject"]).first).to_be_visible()
    person.look("search")


def speak_indonesian(person: Visit) -> None:
    page = person.page
    page.get_by_role("button", name=re.compile("^You:")).click()
    page.locator("#me button[lang=id]").click()
    expect(page.locator("html")).to_have_attribute("lang", "id")
    person.go("/mail/")
    expect(page.locator("body")).to_contain_text("Belum dibaca")
    person.look("indonesian")


@pytest.mark.parametrize(("program", "screen"), JOURNEYS, indirect=["program"])
def test_a_stranger_signs_up_and_reads_their_first_mail(
    program: Program, chromium: Browser, dovecot: Dovecot, screen: str
) -> None:
    number, mails = next(NUMBERS), letters()
    user, password = f"siti.{number}@contoh.example", f"kata sandi {number}"
    dovecot.add_user(user, password)
    dovecot.deliver(user, *(mail.as_bytes(policy=policy.SMTP) for mail in mails))
    with_file = next(mail for mail in reversed(mails) if any(mail.iter_attachments()))
    width, height = SCREENS[screen]
    name = f"{program.shape.replace(' ', '-')}-{screen}"
    with visit(chromium, program.url, name, width=width, height=height) as person:
        sign_up(person, program, f"siti.{number}@muara.example")
        assert "celery.redirected" not in program.logs(), "a mail that is printed is no warning"
        add_account(person, user=user, password=password)
        watch_arrive(person, conversations(mails))
        open_newsletter(person)
        open_attachment(person, with_file)
        search(person, with_file["Subject"].split()[0], with_file)
        speak_indonesian(person)
    assert not person.troubles, "\n".join(person.troubles)
    assert password not in program.logs()
