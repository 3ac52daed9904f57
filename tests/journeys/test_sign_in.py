"""Ways to sign in and out in a real browser: second factors, passkeys, sessions."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from tests.builders import PASSWORD
from tests.journeys.people import go_confirmed, make_person, sign_in
from tests.journeys.visits import Visit, visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SCREEN = {"width": 1280, "height": 800}
PERIOD, ENOUGH_SECONDS = 30, 5
SECRET = re.compile(r"^[A-Z2-7]{32}$")
KEY = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def siti(site: str) -> User:
    return make_person()


@pytest.fixture
def visitor(chromium: Browser, site: str) -> Iterator[Visit]:
    """Lend a browser that must have had nothing to complain of in the end."""
    with visit(chromium, site, "sign-in", **SCREEN) as visitor:
        yield visitor
    assert not visitor.troubles, "\n".join(visitor.troubles)


def is_in(page: Page) -> None:
    """Wait for the mail pages, which only a signed-in person sees."""
    page.wait_for_url("**/mail/all/inbox/")


def sign_out(page: Page) -> None:
    page.locator("button[popovertarget=me]").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/auth/login/**")


def code_of(secret: str) -> str:
    """Return what an app shows now; one that is about to change is waited out."""
    if (left := PERIOD - time.time() % PERIOD) < ENOUGH_SECONDS:
        time.sleep(left)
    counter = next(yield_hotp_counters_from_time())
    return str(format_hotp_value(hotp_value(secret, counter)))


def add_totp(visitor: Visit) -> str:
    """Enrol an app; return the secret it keeps."""
    page = visitor.page
    go_confirmed(visitor, "/auth/2fa/totp/activate/")
    secret = page.locator("main input[readonly], main input[disabled]").first.input_value()
    assert SECRET.match(secret)
    page.locator("main input[name=code]").fill(code_of(secret))
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url("**/auth/2fa/**")
    return secret


def enter(page: Page, code: str) -> None:
    page.wait_for_url("**/auth/2fa/authenticate/**")
    page.locator("main input[name=code]").fill(code)
    page.get_by_role("button", name="Sign In", exact=True).click()


def test_a_code_of_an_app_is_asked_for_after_the_password(visitor: Visit, siti: User) -> None:
    sign_in(visitor, siti)
    is_in(visitor.page)
    secret = add_totp(visitor)
    sign_out(visitor.page)
    sign_in(visitor, siti)
    enter(visitor.page, "000000")
    expect(visitor.page.locator("main")).to_contain_text("Incorrect code")
    enter(visitor.page, code_of(secret))
    is_in(visitor.page)


def test_a_recovery_code_opens_once(visitor: Visit, siti: User) -> None:
    page = visitor.page
    sign_in(visitor, siti)
    is_in(page)
    add_totp(visitor)
    visitor.go("/auth/2fa/recovery-codes/")
    shown = page.locator("main textarea").first
    code = shown.input_value() if shown.evaluate("it => 'value' in it") else shown.inner_text()
    code = code.split()[0]
    sign_out(page)
    sign_in(visitor, siti)
    enter(page, code)
    is_in(page)
    sign_out(page)
    sign_in(visitor, siti)
    enter(page, code)
    expect(page.locator("main")).to_contain_text("Incorrect code")


def virtual_key(page: Page) -> Any:
    """Give the browser a passkey store that always agrees."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    return devtools.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})


def test_a_passkey_signs_in_without_a_password(visitor: Visit, siti: User) -> None:
    page = visitor.page
    virtual_key(page)
    sign_in(visitor, siti)
    is_in(page)
    go_confirmed(visitor, "/auth/2fa/webauthn/add/")
    page.locator("main input[name=name]").fill("Ponsel")
    page.locator("main input[name=passwordless]").check()
    page.locator("#mfa_webauthn_add").click()
    page.wait_for_url(re.compile(r"/auth/2fa/(webauthn/|recovery-codes/)$"))
    visitor.go("/auth/2fa/webauthn/")
    expect(page.get_by_role("heading", name="Ponsel")).to_be_visible()
    visitor.judge("the list of passkeys")
    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    is_in(page)


def test_another_session_is_ended_from_the_list(
    visitor: Visit, chromium: Browser, site: str, siti: User
) -> None:
    sign_in(visitor, siti)
    is_in(visitor.page)
    with visit(chromium, site, "other-session", **SCREEN) as other:
        sign_in(other, siti)
        is_in(other.page)
        visitor.go("/auth/sessions/")
        expect(visitor.page.locator(".sessions li")).to_have_count(2)
        visitor.page.get_by_role("button", name="Sign out all others").click()
        expect(visitor.page.locator(".sessions li")).to_have_count(1)
        other.go("/mail/all/inbox/")
        expect(other.page).to_have_url(re.compile("/auth/login/"))
        assert not other.troubles, "\n".join(other.troubles)


def test_signing_out_leaves_nothing_behind(visitor: Visit, siti: User) -> None:
    page = visitor.page
    sign_in(visitor, siti)
    is_in(page)
    session = {one["name"]: one["value"] for one in page.context.cookies()}["muara_session"]
    sign_out(page)
    page.go_back()
    page.wait_for_load_state()
    expect(page).to_have_url(re.compile("/auth/login/"))
    page.context.add_cookies([{"name": "muara_session", "value": session, "url": visitor.site}])
    visitor.go("/mail/all/inbox/")
    expect(page).to_have_url(re.compile("/auth/login/"))
    kept = page.evaluate("[localStorage.length, sessionStorage.length]")
    assert kept == [0, 0]


def test_a_wrong_password_lets_nobody_in(visitor: Visit, siti: User) -> None:
    sign_in(visitor, siti, f"{PASSWORD} not")
    expect(visitor.page.locator("main .error, main [role=alert]").first).to_be_visible()
    visitor.go("/mail/all/inbox/")
    expect(visitor.page).to_have_url(re.compile("/auth/login/"))
