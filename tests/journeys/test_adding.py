"""Adding an account whose domain nobody knows: looked up, proposed, tested, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.builders import PASSWORD
from tests.journeys.people import sign_in_as
from tests.journeys.visits import Visit, visit
from tests.mailstore.rows import letter
from tests.servers.dovecot import Dovecot
from tests.servers.shapes import Program

pytestmark = [pytest.mark.browser, pytest.mark.servers, pytest.mark.timeout(300)]
EMAIL, BOX, SECRET = "cari@muara.example", "cari@example.org", "rahasia sekali"


def go_on_leave_and_come_back(person: Visit) -> None:
    """Type something on the next page, leave it without sending, and find it there again."""
    person.page.get_by_role("button", name="Lanjutkan").click()
    person.page.wait_for_url("**/incoming/")
    there, name = person.page.url.removeprefix(person.site), person.page.get_by_label("Nama akun")
    name.fill("Kantor")
    person.go("/settings/general/")
    person.go(there)
    expect(name).to_have_value("Kantor")


def test_an_account_is_found_tested_and_added_on_a_phone(
    household: Program, chromium: Browser, dovecot: Dovecot
) -> None:
    household.manage("adduser", EMAIL, "--password-stdin", words=PASSWORD)
    dovecot.add_user(BOX, SECRET)
    dovecot.deliver(BOX, letter("Ketemu").as_bytes())
    with visit(chromium, household.url, "adding", width=390, height=844, locale="id-ID") as person:
        page = person.page
        sign_in_as(person, EMAIL)
        page.wait_for_url("**/mail/**")
        person.go("/settings/mail-accounts/add/")
        page.get_by_label("Alamat email").fill(BOX)
        page.get_by_role("button", name="Lanjutkan").click()
        guessed = re.compile(r"Ditebak dari nama yang lazim: .*imap\.example\.org menjawab\.")
        expect(page.get_by_text(guessed)).to_be_visible(timeout=20_000)
        expect(page.get_by_role("radio", name="example.org")).to_be_checked()
        person.look("type")
        go_on_leave_and_come_back(person)
        secret = page.get_by_label("Kata sandi", exact=True)
        secret.fill(SECRET)
        page.get_by_role("button", name="Tampilkan").click()
        expect(secret).to_have_attribute("type", "text")
        page.get_by_text("imap.example.org:993").click()
        page.get_by_label("Enkripsi").select_option("starttls")
        expect(page.get_by_label("Port")).to_have_value("143")
        page.get_by_label("Enkripsi").select_option("tls")
        expect(page.get_by_label("Port")).to_have_value("993")
        person.look("incoming")
        page.get_by_role("button", name="Uji dan lanjutkan").click()
        expect(page.get_by_text("Berhasil.")).to_be_visible(timeout=30_000)
        person.look("tested")
    assert not person.troubles, "\n".join(person.troubles)
    assert SECRET not in household.logs()
