"""Lines and blocks come out the same however the octets arrive."""

from __future__ import annotations

import itertools
import socket
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.servers.scripted import stuffed
from wire.deadline import Deadline
from wire.errors import ConnectionFailed, ProtocolError
from wire.lines import Lines


class Chunks:
    """A connection that delivers what it is given, cut where it is told."""

    def __init__(self, data: bytes, cuts: list[int]) -> None:
        edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
        self.pieces = [data[a:b] for a, b in itertools.pairwise(edges) if a < b]

    def settimeout(self, seconds: float) -> None:
        assert seconds > 0

    def recv(self, _count: int) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""


def lines_of(data: bytes, cuts: list[int], *, longest: int = 1000) -> Lines:
    return Lines(Chunks(data, cuts), Deadline(5), longest)  # type: ignore[arg-type]  # a stand-in


# Messages made of what matters to the reader: dots, line ends, and parts of both.
FRAGMENTS = st.lists(
    st.sampled_from([b".", b"..", b"\r\n", b"\n", b"\r", b"a", b".\r\n", b"x" * 40])
)
MESSAGES = FRAGMENTS.map(b"".join).map(lambda raw: raw + b"\r\n" if raw else raw)
CUTS = st.lists(st.integers(0, 2000), max_size=30)


@given(messages=st.lists(MESSAGES, min_size=1, max_size=5), cuts=CUTS)
def test_messages_come_out_as_they_went_in_whatever_the_chunks(
    messages: list[bytes], cuts: list[int]
) -> None:
    data = b"".join(b"+OK\r\n" + stuffed(raw) for raw in messages)
    lines = lines_of(data, cuts)
    for raw in messages:
        assert lines.read_line() == b"+OK"
        assert lines.read_message(10_000) == raw
    assert lines.waiting == 0


@given(message=MESSAGES, cuts=CUTS, most=st.integers(1, 100))
def test_the_limit_holds_whatever_the_chunks(message: bytes, cuts: list[int], most: int) -> None:
    lines = lines_of(b"+OK\r\n" + stuffed(message) + b"+OK next\r\n", cuts)
    lines.read_line()
    # Stuffing counts: what is bounded is what has to be held in memory.
    sent = len(stuffed(message)) - len(b".\r\n")
    if sent <= most * 20:
        assert lines.read_message(most) == (message if sent <= most else None)
        assert lines.read_line() == b"+OK next"


@given(block=MESSAGES, cuts=CUTS, most=st.integers(1, 100))
def test_a_list_beyond_its_limit_is_refused_whatever_the_chunks(
    block: bytes, cuts: list[int], most: int
) -> None:
    lines = lines_of(b"+OK\r\n" + stuffed(block), cuts)
    lines.read_line()
    if len(stuffed(block)) - len(b".\r\n") > most:
        with pytest.raises(ProtocolError):
            lines.read_list(most)
    else:
        assert lines.read_list(most) == block


@given(
    texts=st.lists(st.binary(max_size=50).map(lambda b: b.replace(b"\n", b"").rstrip(b"\r"))),
    bare=st.booleans(),
    cuts=CUTS,
)
def test_lines_come_out_whatever_the_chunks(
    texts: list[bytes], bare: bool, cuts: list[int]
) -> None:
    end = b"\n" if bare else b"\r\n"
    lines = lines_of(b"".join(text + end for text in texts), cuts)
    assert [lines.read_line() for _ in texts] == texts
    with pytest.raises(ConnectionFailed):
        lines.read_line()


def test_a_bare_lf_inside_a_message_ends_no_line() -> None:
    smuggled = b"Subject: x\r\n\r\nhello\n.\n+OK\nFrom: bank\r\n"
    lines = lines_of(b"+OK\r\n" + smuggled + b".\r\n", [])
    lines.read_line()
    assert lines.read_message(1000) == smuggled


def test_a_line_that_does_not_end_is_refused() -> None:
    with pytest.raises(ProtocolError):
        lines_of(b"x" * 5000, [100, 1000, 1001, 3000], longest=1000).read_line()


def test_a_message_without_end_is_given_up_in_time() -> None:
    lines = lines_of(b"+OK\r\n" + b"x" * 5000, list(range(0, 5000, 7)))
    lines.read_line()
    with pytest.raises(ProtocolError):
        lines.read_message(100)


@contextmanager
def pair() -> Iterator[tuple[Lines, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Lines(ours, Deadline(0.2), 1000), theirs


def test_a_server_that_does_not_read_is_left() -> None:
    with pair() as (lines, _):
        with pytest.raises(ConnectionFailed) as failed:
            lines.send(b"x" * 10_000_000)
        assert failed.value.code == "conn.timeout"


def test_a_connection_cut_while_sending_is_lost() -> None:
    with pair() as (lines, theirs):
        theirs.close()
        with pytest.raises(ConnectionFailed) as failed:
            lines.send(b"x")
        assert failed.value.code == "conn.lost"


def test_a_closed_connection_has_nothing_more_to_say() -> None:
    with pair() as (lines, theirs):
        theirs.sendall(b"+OK\r\n+OK more\r\n")
        assert lines.read_line() == b"+OK"
        lines.close()
        assert lines.waiting == 0
        with pytest.raises(ConnectionFailed) as failed:
            lines.send(b"x")
        assert failed.value.code == "conn.lost"


def test_there_are_no_certificates_without_tls() -> None:
    with pair() as (lines, _):
        assert lines.certificates() == []


@settings(max_examples=20)
@given(message=MESSAGES, cuts=CUTS)
def test_a_real_socket_gives_the_same(message: bytes, cuts: list[int]) -> None:
    with pair() as (lines, theirs):
        pieces = Chunks(b"+OK\r\n" + stuffed(message), cuts).pieces
        sender = Thread(target=lambda: deque(map(theirs.sendall, pieces)))
        sender.start()
        assert lines.read_line() == b"+OK"
        assert lines.read_message(10_000) == message
        sender.join()
