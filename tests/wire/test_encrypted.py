"""TLS comes out whole and in time, however its octets arrive."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

import pytest
import trustme

from tests.servers import certificates
from wire.deadline import Deadline
from wire.errors import CertificateInvalid, ConnectionFailed, TlsUnavailable
from wire.lines import Lines
from wire.tls import checked_context

SAID = b"+OK " + b"x" * 40_000 + b"\r\n"


class Server:
    """The other end of a connection, in TLS from memory, so that it says just what it is told."""

    def __init__(self, connection: socket.socket, context: ssl.SSLContext) -> None:
        self.connection = connection
        self.arrived, self.leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.arrived, self.leaving, server_side=True)

    def shake_hands(self) -> None:
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self.connection.sendall(self.leaving.read())
                self.arrived.write(self.connection.recv(65536))
            else:
                self.connection.sendall(self.leaving.read())
                return

    def records(self, data: bytes) -> bytes:
        self.tls.write(data)
        return self.leaving.read()


@contextmanager
def meeting(context: ssl.SSLContext, talk: Callable[[Server], object]) -> Iterator[Lines]:
    """Lend lines to a server that talks in a thread of its own."""
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with theirs, suppress(OSError):
            talk(Server(theirs, context))

    thread = Thread(target=serve)
    thread.start()
    lines = Lines(ours, Deadline(2), longest=100_000)
    try:
        yield lines
    finally:
        lines.close()
        thread.join()


def encrypted(lines: Lines) -> Lines:
    lines.encrypt(checked_context(), certificates.HOST)
    return lines


@pytest.mark.parametrize("size", [1, 7, 5000, 100_000])
def test_records_come_out_whole_however_they_are_cut(good: ssl.SSLContext, size: int) -> None:
    def talk(server: Server) -> None:
        server.shake_hands()
        data = server.records(SAID)
        for at in range(0, len(data), size):
            server.connection.sendall(data[at : at + size])

    with meeting(good, talk) as lines:
        assert encrypted(lines).read_line() + b"\r\n" == SAID
        assert lines.octets_in == len(SAID)


def test_a_record_that_drips_in_is_waited_for_no_longer_than_the_step(
    good: ssl.SSLContext,
) -> None:
    over = Event()

    def talk(server: Server) -> None:
        server.shake_hands()
        for octet in server.records(SAID):
            server.connection.sendall(bytes([octet]))
            if over.wait(0.05):
                return

    with meeting(good, talk) as lines:
        encrypted(lines).deadline.allow(0.3)
        with pytest.raises(ConnectionFailed, match=r"conn\.timeout"):
            lines.read_line()
        over.set()


def test_a_record_that_was_altered_ends_the_conversation(good: ssl.SSLContext) -> None:
    def talk(server: Server) -> None:
        server.shake_hands()
        data = bytearray(server.records(SAID))
        data[200] ^= 1
        server.connection.sendall(data)

    with meeting(good, talk) as lines, pytest.raises(ConnectionFailed, match=r"conn\.lost"):
        encrypted(lines).read_line()


def test_what_came_before_the_end_is_read_and_then_the_end_is_told(good: ssl.SSLContext) -> None:
    def talk(server: Server) -> None:
        server.shake_hands()
        server.connection.sendall(server.records(b"+OK\r\nhalf a li"))

    with meeting(good, talk) as lines:
        assert encrypted(lines).read_line() == b"+OK"
        with pytest.raises(ConnectionFailed, match=r"conn\.lost"):
            lines.read_line()


def test_a_server_that_falls_silent_in_the_handshake_is_left(good: ssl.SSLContext) -> None:
    over = Event()
    with meeting(good, lambda _server: over.wait(5)) as lines:
        lines.deadline.allow(0.2)
        with pytest.raises(ConnectionFailed, match=r"conn\.timeout"):
            encrypted(lines)
        over.set()


def test_a_server_that_hangs_up_in_the_handshake_is_told_apart(good: ssl.SSLContext) -> None:
    with (
        meeting(good, lambda server: server.connection.recv(1)) as lines,
        pytest.raises(TlsUnavailable, match=r"tls\.failed"),
    ):
        encrypted(lines)


def test_a_server_hears_why_its_certificate_was_refused() -> None:
    heard: list[str] = []

    def talk(server: Server) -> None:
        try:
            server.shake_hands()
            server.arrived.write(server.connection.recv(65536))
            server.tls.read(1)
        except ssl.SSLError as error:
            heard.append(str(error.reason))

    stranger = certificates.good(trustme.CA())
    with (
        meeting(stranger, talk) as lines,
        pytest.raises(CertificateInvalid, match=r"tls\.(issuer|selfsigned)"),
    ):
        encrypted(lines)
    assert heard == ["TLSV1_ALERT_UNKNOWN_CA"]
