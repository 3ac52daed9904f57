"""Send Mail As in a real browser: the dialog by keyboard, and how each state looks.

``make test`` draws one of two screens; ``MUARA_SWEEP=whole`` tries both.
"""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.utils import timezone
from playwright.sync_api import Browser, expect

from accounts import code_mails
from accounts.alignment import Verdict
from accounts.models import Identity, OutgoingServer, OwnedAddress, Use, User
from tests.accounts.test_verification import digits_of, wrong
from tests.builders import make_account
from tests.journeys.people import become, make_person, session_of
from tests.journeys.visits import Visit, visit
from tests.sweeps import sample

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SCREENS = [("en-US", "light", 1440), ("id-ID", "dark", 390)]
LIST = "/settings/send-mail-as/"


def make_addresses(owner: User) -> Identity:
    """Give a person addresses in several states; return one that is not verified."""
    account = make_account(owner, name="Kantor", address="siti@kantor.example", color="teal")
    shop = make_account(owner, name="Toko", address="siti@toko.example", color="amber")
    OutgoingServer.objects.create(
        account=account, host="smtp.kantor.example", port=465, security="tls", username="siti"
    )
    proved = {"owner": owner, "address": account.address, "use": Use.SEND_AS}
    OwnedAddress.objects.create(**proved, proved_at=timezone.now())
    Identity.objects.create(
        owner=owner,
        account=account,
        name="Siti Rahma",
        address=account.address,
        reply_to="tim@kantor.example",
        is_default=True,
    )
    Identity.objects.create(owner=owner, account=shop, address=shop.address, is_default=True)
    judged = {"alignment": Verdict.JUNK, "alignment_server": "smtp.kantor.example"}
    return Identity.objects.create(
        owner=owner, account=account, name="Info", address="info@kantor.example", **judged
    )


def mailed_code() -> str:
    """Let the worker send what is due, and read the last mail."""
    code_mails.send_due(timezone.now())
    return digits_of(mail.outbox[-1])


@pytest.mark.parametrize("screen", sample(range(len(SCREENS)), 1))
def test_an_address_is_verified_by_keyboard_in_a_dialog(
    chromium: Browser, site: str, screen: int
) -> None:
    language, theme, width = SCREENS[screen]
    owner = make_person()
    identity = make_addresses(owner)
    options = {"locale": language, "color_scheme": theme}
    name = f"send-mail-as-{language}-{width}"
    with visit(chromium, site, name, width=width, height=900, **options) as person:
        become(person, session_of(owner))
        person.go(LIST)
        person.look("list")
        verify_by_keyboard(person, identity)
        person.go(f"{LIST}add/")
        person.look("add")
        assert person.troubles == []


def verify_by_keyboard(person: Visit, identity: Identity) -> None:
    """Press Verify, mistype the code, see the count, leave, come back, and type it right."""
    page = person.page
    row = page.locator(f"#identity-{identity.public_id}")
    dialog, code = page.locator("dialog#verify"), page.locator("dialog input.code")
    row.locator("form[hx-post] button").focus()
    page.keyboard.press("Enter")
    expect(code).to_be_focused()
    person.look("dialog")
    digits = mailed_code()
    page.keyboard.type(wrong(digits))
    page.keyboard.press("Enter")
    expect(dialog.locator(".error")).to_contain_text("4")
    expect(code).to_be_focused()
    person.look("wrong")
    page.keyboard.press("Escape")
    expect(dialog).not_to_be_visible()
    row.locator("form[hx-post] button").focus()
    page.keyboard.press("Enter")
    expect(code).to_be_focused()
    page.keyboard.type(digits)
    page.keyboard.press("Enter")
    expect(dialog).not_to_be_visible()
    expect(row).to_be_focused()
    expect(row.locator(".state").first).to_have_text(re.compile("Verified|Terverifikasi"))
    person.look("verified")
