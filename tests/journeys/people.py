"""People whom browser tests sign in without the pages of signing in."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.builders import PASSWORD, make_user
from tests.journeys.visits import Visit


def make_person(email: str = "siti@contoh.example") -> User:
    """Make a person whose address is proved, so that they can sign in."""
    person = make_user(email)
    EmailAddress.objects.create(user=person, email=email, primary=True, verified=True)
    return person


def session_of(person: User) -> str:
    """Sign in by password, confirm it, and return the value of the session's cookie."""
    client = Client()
    answer = client.post(reverse("account_login"), {"login": person.email, "password": PASSWORD})
    assert answer["Location"] == settings.LOGIN_REDIRECT_URL
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    # The next page greets, in the language of whoever asks; then it is said.
    client.get(answer["Location"], follow=True)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def become(visitor: Visit, session: str) -> None:
    """Let a browser go on as the person of a session, or as a stranger where it is ""."""
    visitor.page.context.clear_cookies()
    if session:
        cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session, "url": visitor.site}
        visitor.page.context.add_cookies([cookie])  # type: ignore[list-item]  # a TypedDict


def sign_in(visitor: Visit, person: User, password: str = PASSWORD) -> None:
    """Sign in at the page, as people do."""
    sign_in_as(visitor, person.email, password)


def sign_in_as(visitor: Visit, email: str, password: str = PASSWORD) -> None:
    """Sign in somebody who is known by address alone."""
    visitor.go("/auth/login/")
    visitor.page.locator("input[name=login]").fill(email)
    visitor.page.locator("input[name=password]").fill(password)
    visitor.page.locator("form[action*=login] button[type=submit]").first.click()


def go_confirmed(visitor: Visit, path: str, password: str = PASSWORD) -> None:
    """Open a page that asks for the password once more, and give it."""
    visitor.go(path)
    visitor.page.wait_for_url("**/reauthenticate/**")
    visitor.page.locator("main input[name=password]").fill(password)
    visitor.page.locator("main form button[type=submit]").first.click()
    visitor.page.wait_for_url(f"**{path}")
