"""Pictures from elsewhere come through this site, to the one person they were asked for by."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import ExternalAccount, User
from accounts.models.preferences import RemoteImages
from mailstore.models import Message, Role
from mailstore.reading import remote_images
from mailstore.reading.remote_images import forget_oldest
from tests.builders import make_account, make_user
from tests.mailstore.rows import letter, make_message
from tests.mailstore.test_views import address, client_of
from tests.servers.web import Web, page, run_web
from wire.guard import Guard

GIF = b"GIF89a" + b"\0" * 20
URL = "http://gambar.example.org/a.gif"
SHOWN = re.compile(r'<img src="(/mail/[^"]+/images/[^"]+)"')


@pytest.fixture
def web(settings: Settings, tmp_path: Path) -> Iterator[Web]:
    settings.IMAGE_FOLDER = tmp_path / "images"
    with run_web() as server:
        server.sends["/a.gif"] = page(GIF)
        settings.GUARD = Guard(connect_to={("gambar.example.org", 80): ("127.0.0.1", server.port)})
        yield server


@pytest.fixture
def owner(db: None) -> User:
    return make_user()


@pytest.fixture
def account(owner: User) -> ExternalAccount:
    return make_account(owner)


@pytest.fixture
def client(owner: User) -> Client:
    return client_of(owner)


def test_the_privacy_page_lists_whose_pictures_always_show_and_forgets_one_at_a_time(
    client: Client, owner: User
) -> None:
    stranger = make_user("eve@example.org")
    for person, sender in ((owner, "Bob@Example.org"), (owner, "c@x.org"), (stranger, "c@x.org")):
        remote_images.trust(person, sender)
    listed = client.get("/settings/privacy/").content.decode()
    assert "bob@example.org" in listed
    assert "c@x.org" in listed
    answer = client.post("/settings/privacy/forget-sender/", {"address": "c@x.org"}, follow=True)
    assert [one.address for one in answer.context["senders"]] == ["bob@example.org"]
    assert remote_images.is_trusted(stranger, "c@x.org")


def with_picture(account: ExternalAccount, url: str = URL, role: Role = Role.INBOX) -> Message:
    mail = letter()
    mail.add_alternative(f'<p>Halo</p><img src="{url}" alt="peta">', subtype="html")
    return make_message(account, mail, role=role)


def pictures(client: Client, message: Message, query: str = "?images=1") -> list[str]:
    return SHOWN.findall(client.get(address("mail_body", message) + query).content.decode())


def state(client: Client, message: Message, query: str = "") -> str:
    answer = client.get(address("mail_message", message) + query)
    return str(answer.context["letters"][0].images)


def test_nothing_is_fetched_before_it_is_asked_for(
    client: Client, account: ExternalAccount, web: Web
) -> None:
    message = with_picture(account)
    page = client.get(address("mail_message", message)).content.decode()
    assert "Show images" in page
    body = client.get(address("mail_body", message) + "?images=&dark=")
    assert "gambar.example.org" not in body.content.decode()
    assert "/images/" not in body["Content-Security-Policy"]
    assert not web.heard


def test_a_picture_comes_once_through_this_site_and_then_from_its_files(
    client: Client, account: ExternalAccount, web: Web
) -> None:
    message = with_picture(account)
    assert state(client, message, "?images=1") == "shown"
    (path,) = pictures(client, message)
    for _ in range(2):
        answer = client.get(unescape(path))
        assert (answer["Content-Type"], answer.content) == ("image/gif", GIF)
        assert answer["Content-Security-Policy"].startswith("default-src 'none'; sandbox")
        assert answer["X-Content-Type-Options"] == "nosniff"
    assert len(web.heard) == 1
    policy = client.get(address("mail_body", message) + "?images=1")["Content-Security-Policy"]
    assert f"http://testserver{path.rpartition('/')[0]}/" in policy


def test_what_could_not_be_had_is_not_asked_for_again_at_once(
    client: Client, account: ExternalAccount, web: Web
) -> None:
    web.sends["/a.gif"] = page(b"<svg onload='alert(1)'/>", Content_Type="image/gif")
    (path,) = pictures(client, with_picture(account))
    assert [client.get(path).status_code for _ in range(2)] == [404, 404]
    assert len(web.heard) == 1


def test_the_address_of_a_picture_is_one_persons_alone_and_cannot_be_made(
    client: Client, account: ExternalAccount, web: Web
) -> None:
    message = with_picture(account)
    (path,) = pictures(client, message)
    eve = make_user("eve@example.org")
    stranger = client_of(eve)
    own = with_picture(make_account(eve, address="eve@example.org"))
    token = path.rpartition("/")[2]
    assert stranger.get(path).status_code == 404
    assert stranger.get(address("mail_image", own, token)).status_code == 404
    assert client.get(address("mail_image", message, "http:x")).status_code == 404
    assert Client().get(path).status_code == 302
    assert not web.heard


def test_while_too_many_are_fetched_the_browser_is_told_to_wait(
    client: Client, account: ExternalAccount, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_images, "PATIENCE_SECONDS", 0)
    (path,) = pictures(client, with_picture(account))
    for _ in range(remote_images.AT_ONCE):
        remote_images._places.acquire()
    try:
        answer = client.get(path)
    finally:
        remote_images._places.release(remote_images.AT_ONCE)
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert client.get(path).status_code == 200


def test_a_sender_can_be_trusted_and_asked_about_again(
    client: Client, account: ExternalAccount, web: Web
) -> None:
    message = with_picture(account)
    client.post(address("mail_images_of_sender", message))
    assert state(client, message) == "trusted"
    assert state(client, with_picture(account, role=Role.JUNK)) == "blocked"
    client.post(address("mail_images_of_sender", message), {"ask": "1"})
    assert state(client, message) == "blocked"


def test_a_forged_sender_is_never_trusted(client: Client, account: ExternalAccount) -> None:
    message = with_picture(account)
    client.post(address("mail_images_of_sender", message))
    head = "Authentication-Results: mx.example.org; dmarc=fail header.from=example.org\r\n"
    arrival = "Received: from x (x [192.0.2.1]) by mx.example.org with ESMTP; now\r\n"
    mail = letter()
    mail.add_alternative(f'<img src="{URL}">', subtype="html")
    forged = make_message(account, (head + arrival).encode() + mail.as_bytes())
    assert state(client, forged) == "blocked"


@pytest.mark.parametrize(
    ("choice", "answered", "expected"),
    [
        (RemoteImages.ASK, True, "blocked"),
        (RemoteImages.KNOWN, True, "trusted"),
        (RemoteImages.KNOWN, False, "blocked"),
        (RemoteImages.NEVER, True, "never"),
    ],
)
def test_a_persons_choice_rules_whose_pictures_show(
    client: Client, account: ExternalAccount, choice: str, answered: bool, expected: str
) -> None:
    User.objects.filter(pk=account.owner.pk).update(remote_images=choice)
    make_message(account, answered=answered)
    assert state(client, with_picture(account)) == expected


def test_a_stranger_decides_nothing_about_another_persons_senders(
    account: ExternalAccount, client: Client
) -> None:
    message = with_picture(account)
    stranger = client_of(make_user("eve@example.org"))
    for name in ("mail_images_of_sender", "mail_unsubscribe"):
        assert stranger.post(address(name, message)).status_code == 404
    assert state(client, message) == "blocked"


def test_the_oldest_files_go_first(tmp_path: Path) -> None:
    for age, name in enumerate("abc"):
        (tmp_path / name).write_bytes(b"x" * 10)
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    forget_oldest(tmp_path, 20)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
