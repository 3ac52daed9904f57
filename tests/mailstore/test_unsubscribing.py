"""A list is left by one request that says nothing else, and only when its reader asks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import trustme
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import ExternalAccount, User
from mailstore.headers import Fields
from mailstore.models import Message, Unsubscription
from mailstore.reading.unsubscribing import Offer, read_offer, run_waiting
from tests.builders import make_account, make_user
from tests.mailstore.rows import letter, make_message
from tests.mailstore.test_views import address, client_of
from tests.servers import certificates
from tests.servers.certificates import HOST
from tests.servers.web import Web, page, run_web
from wire.guard import Guard

ONE_CLICK = {
    "List_Unsubscribe": f"<https://{HOST}/leave?id=1>, <mailto:a@b.id?subject=keluar&bcc=c@d.id>",
    "List_Unsubscribe_Post": "List-Unsubscribe=One-Click",
}


@pytest.mark.parametrize(
    ("field", "post", "offer"),
    [
        ("<https://a.id/x>", "List-Unsubscribe=One-Click", Offer("https://a.id/x", True)),
        ("<http://a.id/x>", "List-Unsubscribe=One-Click", Offer("http://a.id/x")),
        ("<http://a.id/x>, <https://a.id/y>", "", Offer("https://a.id/y")),
        ("https://a.id/x", "", Offer("https://a.id/x")),
        ("<mailto:a%40b.id?subject=keluar&to=c>", "", Offer("", False, "a@b.id", "keluar")),
        ("<javascript:alert(1)>, <file:///etc>", "List-Unsubscribe=One-Click", None),
        ("<https://>, <http://[x>", "", None),
        ("", "", None),
    ],
)
def test_what_a_message_offers_is_read(field: str, post: str, offer: Offer | None) -> None:
    head = f"List-Unsubscribe: {field}\r\nList-Unsubscribe-Post: {post}\r\n\r\n"
    assert read_offer(Fields(head.encode())) == offer


@pytest.fixture
def web(
    authority: trustme.CA, authority_file: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Web]:
    monkeypatch.setenv("SSL_CERT_FILE", authority_file)
    with run_web(certificates.good(authority)) as server:
        settings.GUARD = Guard(connect_to={(HOST, 443): ("127.0.0.1", server.port)})
        yield server


@pytest.fixture
def account(db: None) -> ExternalAccount:
    return make_account(make_user())


@pytest.fixture
def client(account: ExternalAccount) -> Client:
    return client_of(account.owner)


def from_list(account: ExternalAccount) -> Message:
    return make_message(account, letter(**ONE_CLICK))


def state(message: Message) -> str:
    return Unsubscription.objects.get(message=message).state


def test_one_request_leaves_the_list(client: Client, account: ExternalAccount, web: Web) -> None:
    web.sends["/leave?id=1"] = page()
    message = from_list(account)
    assert "Unsubscribe now" in client.get(address("mail_message", message)).content.decode()
    assert not web.heard
    for _ in range(2):
        client.post(address("mail_unsubscribe", message))
    assert not web.heard
    assert run_waiting(timezone.now()) == 1
    (heard,) = web.heard
    assert heard.startswith("POST /leave?id=1 HTTP/1.1\r\n")
    assert heard.endswith("\r\n\r\nList-Unsubscribe=One-Click")
    assert "cookie" not in heard.lower()
    told = client.get(address("mail_unsubscribe", message)).content.decode()
    assert f"{HOST} took you off the list" in told


@pytest.mark.parametrize("status", ["302 Found", "404 Not Found", "500 Oh"])
def test_a_list_that_does_not_accept_is_said_and_can_be_asked_again(
    client: Client, account: ExternalAccount, web: Web, status: str
) -> None:
    web.sends["/leave?id=1"] = page(status=status, Location="http://10.0.0.1/")
    message = from_list(account)
    client.post(address("mail_unsubscribe", message))
    run_waiting(timezone.now())
    assert state(message) == "failed"
    assert "did not accept" in client.get(address("mail_unsubscribe", message)).content.decode()
    web.sends["/leave?id=1"] = page()
    client.post(address("mail_unsubscribe", message))
    run_waiting(timezone.now())
    assert state(message) == "done"


def test_a_worker_that_died_is_followed_by_another(
    client: Client, account: ExternalAccount, web: Web
) -> None:
    web.sends["/leave?id=1"] = page()
    message, now = from_list(account), timezone.now()
    client.post(address("mail_unsubscribe", message))
    Unsubscription.objects.update(leased_until=now + timedelta(minutes=1), tries=1)
    assert run_waiting(now) == 0
    assert run_waiting(now + timedelta(minutes=2)) == 1
    assert state(message) == "done"


def test_what_offers_no_click_is_not_asked(client: Client, account: ExternalAccount) -> None:
    message = make_message(account, letter(List_Unsubscribe="<http://a.id/x>"))
    page_text = client.get(address("mail_message", message)).content.decode()
    assert "Unsubscribe now" not in page_text
    assert 'href="http://a.id/x"' in page_text
    client.post(address("mail_unsubscribe", message))
    assert not Unsubscription.objects.exists()
    assert User.objects.count() == 1
