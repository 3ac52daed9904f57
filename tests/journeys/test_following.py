"""Pages that stay open follow what happens meanwhile, without a reload and without asking much."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect

from accounts import roster
from accounts.models import ExternalAccount
from tests.builders import make_account
from tests.journeys.people import become, make_person, session_of
from tests.journeys.visits import visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
CARDS = "/settings/mail-accounts/cards/"


def test_cards_and_rail_follow_what_happens_while_the_page_stays_open(
    chromium: Browser, site: str
) -> None:
    owner, later = make_person("budi@contoh.example"), timezone.now() + timedelta(hours=1)
    home = make_account(owner, name="Rumah", next_fetch_at=later, last_checked_at=timezone.now())
    work = make_account(owner, name="Kantor", address="kantor@contoh.example", next_fetch_at=later)
    with visit(chromium, site, "following", width=1280, height=800) as visitor:
        page, asked = visitor.page, list[str]()
        become(visitor, session_of(owner))
        page.clock.install()
        due = timezone.now() + timedelta(seconds=1)
        ExternalAccount.objects.filter(pk=home.pk).update(next_fetch_at=due)
        visitor.go("/settings/mail-accounts/")
        page.on("request", lambda request: asked.append(request.url.removeprefix(site)))
        card = page.locator(f"#account-{home.public_id}")
        expect(card.locator(".state")).to_have_text("OK")
        expect(card.locator(".clock")).to_contain_text("Next check in ")
        card.locator("details summary").click()
        page.wait_for_timeout(1000)

        page.clock.run_for(5000)
        expect(card.locator(".state")).to_have_text("Checking")
        assert asked.count(CARDS) == 1, "a moment had come"
        expect(card.locator("details")).to_have_attribute("open", "")
        expect(card.locator("details summary")).to_be_focused()

        roster.pause(work, now=timezone.now())
        page.clock.run_for(5000)
        expect(page.locator(f"#account-{work.public_id} .state")).to_have_text("Paused")
        expect(page.locator("#rail .state").nth(1)).to_have_text("Paused")
        assert asked.count(CARDS) == 2, "something had changed"
        visitor.judge("followed")
    assert not visitor.troubles, "\n".join(visitor.troubles)
