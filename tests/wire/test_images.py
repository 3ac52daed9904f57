"""Pictures that a stranger's mail names: fetched without a word about who reads, or refused."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from tests.servers.web import Web, page, run_web
from wire.errors import HostNotAllowed, MailError, ProtocolError
from wire.guard import Guard
from wire.images import fetch_image, kind_of

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
HOST = "gambar.example.org"


@pytest.fixture
def web() -> Iterator[Web]:
    with run_web() as server:
        yield server


def guard(web: Web) -> Guard:
    return Guard(connect_to={(HOST, 80): ("127.0.0.1", web.port)})


def test_a_picture_is_asked_for_without_cookies_or_referrer(web: Web) -> None:
    web.sends["/a"] = page(status="302 Found", Location="/b", Set_Cookie="who=siti")
    web.sends["/b"] = page(PNG, Content_Type="text/html", Set_Cookie="who=siti")
    assert fetch_image(f"http://{HOST}/a", guard=guard(web)) == ("image/png", PNG)
    assert len(web.heard) == 2
    for heard in web.heard:
        assert "cookie" not in heard.lower()
        assert "referer" not in heard.lower()


@pytest.mark.parametrize(
    "body",
    [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html>", b"", b"%PDF-1.4", b"RIFF0000WAVE"],
)
def test_what_is_no_raster_picture_is_refused_whatever_it_is_called(web: Web, body: bytes) -> None:
    web.sends["/a"] = page(body, Content_Type="image/png")
    with pytest.raises(ProtocolError):
        fetch_image(f"http://{HOST}/a", guard=guard(web))


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1/", "http://[::1]/", "http://169.254.169.254/latest", "http://10.0.0.1/a"],
)
def test_a_redirection_into_a_private_network_is_not_followed(web: Web, target: str) -> None:
    web.sends["/a"] = page(status="302 Found", Location=target)
    with pytest.raises(HostNotAllowed):
        fetch_image(f"http://{HOST}/a", guard=guard(web))


@pytest.mark.parametrize(
    "url",
    [
        f"http://{HOST}:8080/a",
        "ftp://example.org/a",
        "file:///etc/passwd",
        "http://",
        "http://[",
        "http://a..b/",
        "http://127.0.0.1:80/",
        "https://localhost/",
        "data:image/png;base64,AAAA",
    ],
)
def test_other_addresses_are_refused(web: Web, url: str) -> None:
    with pytest.raises(MailError):
        fetch_image(url, guard=guard(web))
    assert not web.heard


def test_a_name_that_leads_to_a_private_address_is_refused() -> None:
    with pytest.raises(MailError):
        fetch_image("http://localhost/", guard=Guard((ip_network("10.0.0.0/8"),)))


def test_redirections_come_to_an_end(web: Web) -> None:
    web.sends["/a"] = page(status="302 Found", Location="/a")
    with pytest.raises(MailError):
        fetch_image(f"http://{HOST}/a", guard=guard(web))
    assert len(web.heard) == 4


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"BM", ""),
        (b"", ""),
    ],
)
def test_the_first_bytes_tell_the_kind(data: bytes, kind: str) -> None:
    assert kind_of(data) == kind
