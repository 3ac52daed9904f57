"""Cards are dragged into another order, and moved by keyboard as well."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from accounts.models import ExternalAccount
from tests.builders import make_account
from tests.journeys.people import become, make_person, session_of
from tests.journeys.visits import visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_cards_are_arranged_by_dragging_and_by_keyboard(chromium: Browser, site: str) -> None:
    owner = make_person("budi@contoh.example")
    for place, name in enumerate("abc", start=1):
        make_account(owner, name=name, address=f"{name}@contoh.example", position=place)
    with visit(chromium, site, "arranging", width=1280, height=1100) as visitor:
        page = visitor.page
        become(visitor, session_of(owner))
        visitor.go("/settings/mail-accounts/")
        cards = page.locator(".account-card")
        with page.expect_navigation():
            cards.nth(2).locator(".grip").drag_to(cards.nth(0), target_position={"x": 40, "y": 4})
        expect(page.locator(".account-card h2")).to_have_text(["c", "a", "b"])
        page.get_by_role("button", name="Move b up").focus()
        with page.expect_navigation():
            page.keyboard.press("Enter")
        expect(page.locator(".account-card h2")).to_have_text(["c", "b", "a"])
        expect(page.locator(".rail .account.rail-link:not(.switcher)").first).to_contain_text("c")
    names = ExternalAccount.objects.for_user(owner).values_list("name", flat=True)
    assert list(names) == ["c", "b", "a"]
    assert not visitor.troubles, "\n".join(visitor.troubles)
