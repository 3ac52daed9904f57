"""Names and addresses: what is looked up, what is refused, and what is dialled."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.deadline import Deadline
from wire.dial import ascii_name, dial
from wire.endpoint import Endpoint, Security
from wire.errors import ConnectionFailed, HostNotAllowed, MailError
from wire.guard import Guard

NOBODY = Guard()
ADDRESS = "203.0.113.9"
LOOPBACK = Guard(allow_networks=(ip_network("127.0.0.0/8"),))

FORBIDDEN = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0x7F.0x0.0x0.0x1",
    "017700000001",
    "0177.0.0.1",
    "0177.0.0.01",
    "127.0x0.00.1",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "１２７.0.0.1",
    "localhost",
    "LOCALHOST.",
    "0",
    "0.0.0.0",
    "0x0",
    "0.1.2.3",
    "10.0.0.1",
    "10.1",
    "167772161",
    "012.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "192.168.257",
    "0xc0a80001",
    "100.64.0.1",
    "100.100.100.200",
    "169.254.169.254",
    "169.254.43518",
    "2852039166",
    "0xA9FEA9FE",
    "0251.0376.0251.0376",
    "192.0.0.192",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "168.63.129.16",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "[::1]",
    "0:0:0:0:0:0:0:1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:8.8.8.8",
    "[::FFFF:169.254.169.254]",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::10.0.0.1",
    "2002:7f00:1::",
    "2002:c0a8:1::1",
    "2001:0:7f00:1::",
    "2001::1",
    "2001:db8::1",
    "3fff::1",
    "fe80::1",
    "fe80::1%lo",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "100::1",
    "5f00::1",
]

NO_NAMES = [
    "",
    ".",
    " ",
    "a b",
    " pop.example.org",
    "pop.example.org\n",
    "pop.example.org\r\nQUIT",
    "pop\0.example.org",
    "pop.example.org:995",
    "user@example.org",
    "http://example.org",
    "pop/../etc",
    "-pop.example.org",
    "pop..example.org",
    ".example.org",
    "%31%32%37.0.0.1",
    "127.0.0.1%00.example.org",
    "a" * 64 + ".org",
    "a." * 127 + "org",
    "\ud800.example.org",
    "\u202eexample.org",
    "xn--\u00fc.org",
    "[example.org]",
]


def try_to(host: str, guard: Guard = NOBODY, *, port: int = 995, seconds: float = 5) -> None:
    endpoint = Endpoint(host, port, Security.TLS)
    dial(endpoint, guard=guard, deadline=Deadline(seconds), seconds=seconds).close()


def answering(monkeypatch: pytest.MonkeyPatch, *answers: str | tuple[str, int]) -> list[str]:
    """Let every name lead to these addresses, as a name server would; return what was asked."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        ends = [(answer, port) if isinstance(answer, str) else answer for answer in answers]
        families = [socket.AF_INET6 if ":" in end[0] else socket.AF_INET for end in ends]
        return [
            (family, socket.SOCK_STREAM, 6, "", end)
            for family, end in zip(families, ends, strict=True)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Note every attempt to connect, and let none succeed."""
    tried: list[Any] = []

    def connect(self: socket.socket, address: Any) -> None:
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    return tried


@pytest.mark.parametrize("host", FORBIDDEN)
def test_no_spelling_of_a_forbidden_address_is_dialled(host: str, connections: list[Any]) -> None:
    with pytest.raises(MailError) as refused:
        try_to(host)
    assert refused.value.code == "conn.private"
    assert isinstance(refused.value, HostNotAllowed)
    assert connections == []


@pytest.mark.parametrize("host", NO_NAMES, ids=repr)
def test_what_is_no_name_is_not_even_looked_up(
    host: str, connections: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answering(monkeypatch, "8.8.8.8")
    with pytest.raises(ConnectionFailed) as refused:
        try_to(host)
    assert refused.value.code == "conn.dns"
    assert asked == connections == []


@given(st.text())
def test_every_text_is_a_name_or_refused(text: str) -> None:
    try:
        name = ascii_name(text)
    except ConnectionFailed:
        return
    assert name.isascii()
    assert name == ascii_name(name)
    assert not set(name) & set(" \r\n\0/@")


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("POP.Example.ORG.", "pop.example.org"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("mail。example。org", "mail.example.org"),
        ("my_box.r3---sn.example.org", "my_box.r3---sn.example.org"),
        ("[2606:4700::1111]", "2606:4700::1111"),
        ("8.8.8.8", "8.8.8.8"),
    ],
)
def test_names_are_written_as_certificates_write_them(host: str, name: str) -> None:
    assert ascii_name(host) == name


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111"])
def test_public_addresses_are_dialled(
    address: str, connections: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answering(monkeypatch, address)
    with pytest.raises(ConnectionFailed) as failed:
        try_to("pop.example.org")
    assert failed.value.code == "conn.refused"
    assert asked == ["pop.example.org"], "looked up once, so that no second answer can differ"
    assert connections == [(address, 995)]


@pytest.mark.parametrize("others", [("127.0.0.1",), ("::1",), ("1.1.1.1", "::ffff:10.0.0.1")])
def test_one_forbidden_answer_refuses_the_name(
    others: tuple[str, ...], connections: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, "8.8.8.8", *others)
    with pytest.raises(HostNotAllowed):
        try_to("pop.example.org")
    assert connections == []


def test_each_address_is_tried_but_not_for_ever(
    connections: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, *[f"8.8.8.{number}" for number in range(1, 30)])
    with pytest.raises(ConnectionFailed):
        try_to("pop.example.org")
    assert connections == [(f"8.8.8.{number}", 995) for number in range(1, 7)]


def test_a_name_without_addresses_is_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch)
    with pytest.raises(ConnectionFailed) as failed:
        try_to("pop.example.org")
    assert failed.value.code == "conn.refused"


def test_a_name_that_is_unknown_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(ConnectionFailed) as failed:
        try_to("nowhere.example.org")
    assert failed.value.code == "conn.dns"


def stalling(seconds: float) -> Callable[..., Any]:
    def stall(*_: Any, **__: Any) -> Any:
        time.sleep(seconds)
        return []

    return stall


def test_a_resolver_that_hangs_does_not_hold_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", stalling(1))
    started = time.monotonic()
    with pytest.raises(ConnectionFailed) as failed:
        try_to("pop.example.org", seconds=0.1)
    assert failed.value.code == "conn.timeout"
    assert time.monotonic() - started < 0.9


def test_a_dead_first_address_leaves_time_for_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full backlog on loopback neither accepts nor refuses, as a dead host does."""
    with ExitStack() as stack:
        dead = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        alive = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        for _ in range(4):
            crowd = stack.enter_context(socket.socket())
            crowd.settimeout(0)
            crowd.connect_ex(dead.getsockname())
        time.sleep(0.05)
        answering(monkeypatch, dead.getsockname(), alive.getsockname())
        try_to("pop.example.org", LOOPBACK, seconds=1)
        answering(monkeypatch, dead.getsockname())
        with pytest.raises(ConnectionFailed) as failed:
            try_to("pop.example.org", LOOPBACK, seconds=0.2)
    assert failed.value.code == "conn.timeout"


def test_the_operator_may_allow_a_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        try_to("127.0.0.1", LOOPBACK, port=port)
        with pytest.raises(HostNotAllowed):
            try_to("::ffff:127.0.0.1", LOOPBACK, port=port)


def test_the_operator_may_lead_a_name_elsewhere() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        guard = Guard(connect_to={("pop.example.org", 995): listener.getsockname()})
        try_to("POP.example.org", guard)
        with pytest.raises(ConnectionFailed):
            try_to("pop.example.org\r\n", guard)


def test_a_step_refused_by_the_clock_is_a_timeout() -> None:
    with pytest.raises(ConnectionFailed) as failed:
        try_to("127.0.0.1", LOOPBACK, seconds=0)
    assert failed.value.code == "conn.timeout"
