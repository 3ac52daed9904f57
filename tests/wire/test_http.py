"""HTTP through the guarded dialer: whom it talks to, what it follows, and when it gives up."""

from __future__ import annotations

import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest
import requests
import trustme

from tests.servers import certificates
from tests.servers.certificates import HOST
from tests.servers.shapes import ROOT
from tests.servers.web import Web, page, run_web
from wire.errors import (
    CertificateInvalid,
    ConnectionFailed,
    HostNotAllowed,
    MailError,
    ProtocolError,
    TlsUnavailable,
)
from wire.guard import Guard
from wire.http import open_http

URL = f"https://{HOST}/x"


@pytest.fixture
def web(good: ssl.SSLContext) -> Iterator[Web]:
    with run_web(good) as server:
        yield server


def leading_to(*servers: tuple[int, Web]) -> Guard:
    return Guard(connect_to={(HOST, port): ("127.0.0.1", web.port) for port, web in servers})


def get(web: Web, url: str = URL, **options: Any) -> requests.Response:
    with open_http(guard=leading_to((443, web)), **options) as session:
        return session.get(url)


def test_what_a_server_says_is_read(web: Web) -> None:
    web.sends["/x?y=1"] = page(b'{"a": 1}', Content_Type="application/json", Vary="a\r\nVary: b")
    answer = get(web, f"{URL}?y=1#z")
    assert (answer.status_code, answer.json(), answer.headers["vary"]) == (200, {"a": 1}, "a, b")
    heard = web.heard[0].splitlines()
    assert heard[0] == "GET /x?y=1 HTTP/1.1"
    assert {f"Host: {HOST}", "Accept-Encoding: identity", "Connection: close"} < set(heard)
    assert "User-Agent: Muara (self-hosted web mailbox)" in heard


def test_a_form_is_sent_and_chunks_are_joined(web: Web) -> None:
    chunked = b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    web.sends["/x"] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked
    with open_http(guard=leading_to((443, web))) as session:
        assert session.post(URL, data={"code": "ä b"}).content == b"abcde"
    assert web.heard[0].endswith("\r\n\r\ncode=%C3%A4+b")


@pytest.mark.parametrize(
    ("maker", "code"),
    [
        (certificates.self_signed, "tls.selfsigned"),
        (certificates.expired, "tls.expired"),
        (certificates.wrong_name, "tls.name"),
        (certificates.common_name_only, "tls.name"),
        (certificates.unknown_issuer, "tls.issuer"),
        (certificates.old_tls, "tls.version"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_nothing_is_said_to_a_server_that_cannot_prove_who_it_is(
    maker: certificates.Maker, code: str, authority: trustme.CA
) -> None:
    with run_web(maker(authority)) as web:
        with pytest.raises((CertificateInvalid, TlsUnavailable)) as refused:
            get(web)
        assert refused.value.code == code
        assert refused.value.facts["host"] == HOST
        assert web.heard == []


@pytest.mark.parametrize(
    "url",
    [
        *("https://127.0.0.1/", "https://[::1]/", "https://2130706433/", "https://localhost/"),
        *("https://169.254.169.254/latest", "https://[::ffff:10.0.0.1]/", "https://10.1/"),
        *(f"https://{HOST}:8443/", f"https://{HOST}:25/", f"http://{HOST}/"),
        *("ftp://pop.example.org/", "file:///etc/passwd", "gopher://pop.example.org/"),
    ],
)
def test_other_schemes_ports_and_addresses_are_refused_unheard(web: Web, url: str) -> None:
    with pytest.raises(HostNotAllowed):
        get(web, url)
    assert web.heard == []


@pytest.mark.parametrize(
    "target", ["https://127.0.0.1/y", f"http://{HOST}/y", f"https://{HOST}:995/y", "file:///y"]
)
def test_a_redirection_is_checked_like_a_first_request(web: Web, target: str) -> None:
    web.sends["/x"] = page(status="302 Found", Location=target)
    with pytest.raises(HostNotAllowed):
        get(web)
    assert len(web.heard) == 1


@pytest.mark.parametrize("allowed", [0, 1, 3])
def test_few_redirections_are_followed(web: Web, allowed: int) -> None:
    web.sends["/x"] = page(status="302 Found", Location="/x")
    with pytest.raises(ProtocolError):
        get(web, redirects=allowed)
    assert len(web.heard) == allowed + 1


def test_a_redirection_leads_on(web: Web) -> None:
    web.sends["/x"] = page(status="301 Moved", Location="/y")
    web.sends["/y"] = page(b"here")
    assert get(web).content == b"here"


def test_plain_http_is_spoken_where_it_was_asked_for(web: Web) -> None:
    with run_web() as plain:
        plain.sends["/x"] = page(b"in the clear")
        guard = leading_to((443, web), (80, plain))
        with open_http(guard=guard, allow_plain=True) as session:
            assert session.get(f"http://{HOST}/x").content == b"in the clear"


def endless(out: Any) -> None:
    out.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        out.write(b"x" * 65536)


def trickling(out: Any) -> None:
    out.write(b"HTTP/1.1 200 OK\r\nX-Wait: ")
    while True:
        out.write(b"x")
        time.sleep(0.05)


def silent(out: Any) -> None:
    time.sleep(2)


@pytest.mark.parametrize(
    ("sent", "kind", "code"),
    [
        (endless, ProtocolError, "server.protocol"),
        (trickling, ConnectionFailed, "conn.timeout"),
        (silent, ConnectionFailed, "conn.timeout"),
        (b"", ConnectionFailed, "conn.lost"),
        (b"+OK POP3 ready\r\n", ProtocolError, "server.protocol"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", ProtocolError, "server.protocol"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 500, ProtocolError, "server.protocol"),
        (page(b"\x1f\x8b", Content_Encoding="gzip"), ProtocolError, "server.protocol"),
        (page(b"x" * 70_000), ProtocolError, "server.protocol"),
    ],
    ids=["endless", "trickling", "silent", "nothing", "POP3", "half", "headers", "packed", "long"],
)
def test_a_hostile_server_is_given_up_on(
    web: Web, sent: Any, kind: type[MailError], code: str
) -> None:
    web.sends["/x"] = sent
    with pytest.raises(kind) as failed:
        get(web, seconds=0.6, octets=65_536)
    assert failed.value.code == code
    assert failed.value.facts == {"host": HOST, "port": 443}


def test_all_requests_of_a_session_share_its_time(web: Web) -> None:
    web.sends["/x"] = page(b"x")
    with open_http(guard=leading_to((443, web)), seconds=0.2) as session:
        assert session.get(URL).ok
        time.sleep(0.2)
        with pytest.raises(ConnectionFailed):
            session.get(URL)


def test_the_environment_leads_no_request_elsewhere(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    web.sends["/x"] = page(b"straight")
    assert get(web).content == b"straight"


def test_a_private_network_is_reached_where_the_operator_allows_it(web: Web) -> None:
    allowed = Guard(allow_networks=(ip_network("127.0.0.0/8"),))
    with open_http(guard=allowed, seconds=5) as session, pytest.raises(ConnectionFailed):
        session.get("https://127.0.0.1/")


def test_the_heavy_library_is_loaded_by_whoever_opens_a_session() -> None:
    ask = "import sys, wire.http; print('requests' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, check=True)
    assert told.stdout == b"False\n"
