"""Signing in at a provider in a real browser: in a window of its own, and watched by a stranger."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from pytest_django import Settings

from accounts.models import ExternalAccount, OAuthApp, State
from tests.accounts.oauth import at_both, make_app, prepared, work
from tests.journeys.people import become, make_person, session_of
from tests.journeys.visits import visit
from tests.servers.dovecot import Dovecot
from tests.servers.oidc import HOST, Oidc
from wire.oauth import Dialect

pytestmark = [
    *(pytest.mark.browser, pytest.mark.servers, pytest.mark.timeout(300)),
    pytest.mark.django_db(transaction=True),
]
ADDRESS = "jendela@example.org"
EVIL = "https://evil.example/"
NO_PASSWORDS = {
    "state": State.NEEDS_SIGN_IN,
    "last_code": "auth.oauth",
    "last_facts": {"host": "pop.example.org", "port": 995},
}
# What a page can learn of a window that it has opened.
SPY = """async (url) => {
  const heard = [];
  addEventListener("message", (event) => heard.push(event.data));
  const victim = open(url, "authorize");
  await new Promise((done) => setTimeout(done, 1500));
  let place = "nothing";
  try { place = victim.location.href; } catch (error) { place = error.name; }
  victim.postMessage("code?", "*");
  try { victim.location = "https://evil.example/phish"; } catch (error) { place += error.name; }
  await new Promise((done) => setTimeout(done, 500));
  return { closed: victim.closed, frames: victim.length, place, heard };
}"""


@pytest.fixture
def account(
    oidc: Oidc,
    token_dovecot: Dovecot,
    authority_file: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    site: str,
) -> ExternalAccount:
    monkeypatch.setenv("SSL_CERT_FILE", authority_file)
    settings.GUARD = at_both(oidc, token_dovecot.connect_to)
    token_dovecot.deliver(ADDRESS)
    oidc.plan()
    make_app(Dialect.MICROSOFT, allow_device=True)
    return prepared(make_person(ADDRESS), ADDRESS, name="Jendela", **NO_PASSWORDS)


def answer_as_strangers(page: Page) -> None:
    """Let the provider and an attacker show empty pages, without any network."""

    def empty(route: Route) -> None:
        route.fulfill(body="<title>elsewhere</title>", content_type="text/html")

    page.context.route(f"https://{HOST}/**", empty)
    page.context.route(f"{EVIL}**", empty)


def here(site: str, url: str) -> str:
    """Return where the provider leads to, at the port that this site has in the test."""
    parts = urlsplit(url)
    return f"{site}{parts.path}?{parts.query}"


def test_a_window_of_its_own_leads_to_the_provider_and_back(
    chromium: Browser, site: str, account: ExternalAccount, oidc: Oidc
) -> None:
    with visit(chromium, site, "authorize", width=1280, height=800) as person:
        page = person.page
        answer_as_strangers(page)
        become(person, session_of(account.owner))
        person.go("/settings/mail-accounts/")
        page.get_by_role("link", name="Authenticate").first.click()
        person.look("asked")
        page.get_by_role("button", name="Authenticate with Contoh Mail").click()
        page.wait_for_url("**/sign-in/**")
        work()
        person.look("door")
        with page.context.expect_page() as opened:
            page.get_by_role("link", name="Continue to Contoh Mail").click()
        window = opened.value
        window.wait_for_url(f"https://{HOST}/**")
        assert window.evaluate("window.opener") is None
        expect(page.get_by_text("Sign in in the window that has opened.")).to_be_visible()
        person.look("waiting")
        back = here(site, oidc.visit(window.url))
        with window.expect_event("close"):
            window.evaluate("url => { location.href = url; }", back)
        work()
        page.wait_for_url("**/add/**")
        expect(page.get_by_text("It works.")).to_be_visible()
    account.refresh_from_db()
    assert account.state == State.ACTIVE
    away = (f"request to https://{HOST}/", "console: Failed to load resource")
    assert [one for one in person.troubles if not one.startswith(away)] == []


def test_a_code_is_shown_and_a_lost_way_back_explained(
    chromium: Browser, site: str, account: ExternalAccount
) -> None:
    with visit(chromium, site, "device", width=390, height=844, locale="id-ID") as person:
        become(person, session_of(account.owner))
        person.refused = True
        person.go("/oauth/microsoft/callback?code=a&state=b")
        person.look("lost")
        OAuthApp.objects.update(client_id="muara-device", sealed_secret=None)
        person.go(f"/settings/mail-accounts/{account.public_id}/authenticate/")
        person.look("asked")
        person.page.get_by_role("button", name="Pakai kode di perangkat lain").click()
        person.page.wait_for_url("**/sign-in/**")
        work()
        expect(person.page.locator(".device-code")).to_be_visible()
        person.look("code")
    assert person.troubles == []


def test_a_page_that_opens_ours_learns_and_steers_nothing(
    chromium: Browser, site: str, account: ExternalAccount, oidc: Oidc
) -> None:
    with visit(chromium, site, "spied", width=1280, height=800) as person:
        page = person.page
        answer_as_strangers(page)
        become(person, session_of(account.owner))
        page.goto(EVIL)
        for path in (
            f"/settings/mail-accounts/{account.public_id}/authenticate/",
            "/oauth/microsoft/callback?code=stolen&state=guessed",
        ):
            with page.context.expect_page() as opened:
                seen = page.evaluate(SPY, f"{site}{path}")
            assert seen["closed"], "the two windows know nothing of each other"
            assert seen["heard"] == []
            assert opened.value.url == f"{site}{path}", "it went nowhere else"
            assert opened.value.evaluate("window.opener") is None
            opened.value.close()
    work()
    assert oidc.asked("/token") == 0
