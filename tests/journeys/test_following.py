"""Pages that stay open follow what happens, without asking much; tables fit a phone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect

from accounts import roster
from accounts.models import ExternalAccount, User
from fetcher.models import HourlyCount
from fetcher.tally import hour_of
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
        due = timezone.now() + timedelta(minutes=30)
        ExternalAccount.objects.filter(pk=home.pk).update(next_fetch_at=due)
        visitor.go("/settings/mail-accounts/")
        page.on("request", lambda request: asked.append(request.url.removeprefix(site)))
        card = page.locator(f"#account-{home.public_id}")
        expect(card.locator(".state")).to_have_text("OK")
        expect(card.locator(".clock")).to_contain_text("Next check in ")
        card.locator("details summary").click()

        overdue = timezone.now() - timedelta(seconds=1)
        ExternalAccount.objects.filter(pk=home.pk).update(next_fetch_at=overdue)
        page.clock.fast_forward("30:00")
        # A look that was under way at the jump is over before the next, five seconds on.
        expect(card.locator(".state")).to_have_text("Checking", timeout=20_000)
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


def test_the_figures_fit_a_phone(chromium: Browser, site: str) -> None:
    office = make_person("kantor@contoh.example")
    User.objects.filter(pk=office.pk).update(is_staff=True, is_superuser=True)
    hour = hour_of(timezone.now())
    host = "surat-masuk.layanan-email-perusahaan.contoh.example"
    HourlyCount.objects.create(hour=hour, host=host, code="server.protocol", visits=1_234_567)
    with visit(chromium, site, "figures", width=390, height=844) as visitor:
        become(visitor, session_of(office))
        visitor.go("/admin/figures/")
        expect(visitor.page.get_by_text(host)).to_be_attached()
        visitor.judge("figures")
    assert not visitor.troubles, "\n".join(visitor.troubles)
