"""The time zone of a page: chosen, else the browser's, else the site's."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.zones import COOKIE
from tests.builders import make_account, make_user
from tests.mailstore.rows import make_message

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def siti(client: Client, db: None) -> User:
    person = make_user()
    client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
    return person


@pytest.mark.parametrize(
    ("chosen", "browser", "shown", "words"),
    [
        ("", "", "12:00", "in UTC, as this site is set"),
        ("", "Asia/Jakarta", "19:00", "in Asia/Jakarta, as this browser says"),
        ("Asia/Tokyo", "Asia/Jakarta", "21:00", "in Asia/Tokyo."),
        ("", "Mars/Base", "12:00", "in UTC, as this site is set"),
        ("", "../../etc/passwd", "12:00", "in UTC, as this site is set"),
    ],
)
def test_times_follow_the_person_then_the_browser_then_the_site(
    client: Client, siti: User, chosen: str, browser: str, shown: str, words: str
) -> None:
    User.objects.filter(pk=siti.pk).update(time_zone=chosen)
    client.cookies[COOKIE] = browser
    message = make_message(make_account(siti), sent_at=NOON)
    path = reverse("mail_message", args=[message.account.public_id, message.public_id])
    assert f"2 Mar 2026, {shown}</time>" in client.get(path).content.decode()
    assert words in client.get("/settings/general/").content.decode()
