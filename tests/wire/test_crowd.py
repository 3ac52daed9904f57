"""Large answers are let in a few at a time, and nobody is kept waiting by those who dawdle."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import pytest

from tests.servers.scripted import Behaviour, Pop3Server, Talk, stuffed
from tests.wire.sessions import open_at
from wire import crowd
from wire.crowd import Gate
from wire.endpoint import Security
from wire.errors import MailError

# More than is read at once.
LARGE = b"x" * 90_000 + b"\r\n"


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count 4 KiB as large, and let in one at a time."""
    monkeypatch.setattr(crowd, "SMALL", 4096)
    monkeypatch.setattr(crowd, "GATE", Gate(1))


def is_free() -> bool:
    free = crowd.GATE.enter(0)
    if free:
        crowd.GATE.leave()
    return free


def half_then(go_on: Callable[[Talk], None]) -> Behaviour:
    def behaviour(talk: Talk, argument: str) -> None:
        talk.send(b"+OK\r\n" + LARGE[:5000])
        go_on(talk)
        talk.send(stuffed(LARGE)[5000:])

    return behaviour


def fetch(server: Pop3Server, had: list[object], **limits: Any) -> None:
    """Retrieve everything; note each message's size, or the code of the failure."""
    try:
        with open_at(server, **limits) as session:
            for _, raw in session.retrieve(session.list_items()):
                assert isinstance(raw, bytes)
                had.append(len(raw))
    except MailError as error:
        had.append(error.code)


def eventually(holds: Callable[[], bool]) -> bool:
    for _ in range(200):
        if holds():
            return True
        time.sleep(0.02)
    return False


def test_a_place_is_kept_until_the_next_answer_is_read() -> None:
    with Pop3Server(LARGE, b"small\r\n", security=Security.PLAIN) as server:
        with open_at(server) as session:
            answers = session.retrieve(session.list_items())
            next(answers)
            assert not is_free()
            next(answers)
            assert is_free()
        with open_at(server) as session:
            next(session.retrieve(session.list_items()[:1]))
            assert not is_free()
        assert is_free()


def test_whoever_waits_for_a_place_is_let_in_after_its_turn() -> None:
    go_on = Event()
    had: list[object] = []
    with (
        Pop3Server(LARGE, security=Security.PLAIN) as slow,
        Pop3Server(LARGE, security=Security.PLAIN) as quick,
    ):
        slow.behave("RETR", half_then(lambda _: (go_on.wait(5), None)[1]))
        first = Thread(target=fetch, args=(slow, had), kwargs={"answer_seconds": 5})
        first.start()
        assert eventually(lambda: not is_free())
        second = Thread(target=fetch, args=(quick, had), kwargs={"answer_seconds": 0.2})
        second.start()
        assert eventually(lambda: crowd.GATE.is_wanted)
        second.join(0.4)
        assert had == [], "the wait is not held against the server"
        go_on.set()
        first.join()
        second.join()
    assert had == [len(LARGE)] * 2


def test_whoever_dawdles_loses_its_place_to_those_who_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crowd, "FAIR_SECONDS", 0.1)
    dawdled: list[object] = []
    had: list[object] = []

    def drip(talk: Talk) -> None:
        while not talk.server.over.wait(0.02):
            talk.send(b"x" * 40)

    with (
        Pop3Server(LARGE, security=Security.PLAIN) as slow,
        Pop3Server(LARGE, security=Security.PLAIN) as quick,
    ):
        slow.behave("RETR", half_then(drip))
        limits = {"answer_seconds": 4, "session_seconds": 20}
        first = Thread(target=fetch, args=(slow, dawdled), kwargs=limits)
        first.start()
        assert eventually(lambda: not is_free())
        fetch(quick, had, session_seconds=20)
        first.join()
    assert (dawdled, had) == (["conn.timeout"], [len(LARGE)])


def test_whoever_makes_progress_keeps_its_place_though_others_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crowd, "FAIR_SECONDS", 0.1)
    monkeypatch.setattr(crowd, "FAIR_PACE", 1000)
    had: list[object] = []
    line = b"x" * 98 + b"\r\n"

    def steadily(talk: Talk, argument: str) -> None:
        talk.send(b"+OK\r\n" + line * 50)
        for _ in range(40):
            talk.server.over.wait(0.02)
            talk.send(line)
        talk.send(b".\r\n")

    with (
        Pop3Server(line * 90, security=Security.PLAIN) as slow,
        Pop3Server(LARGE, security=Security.PLAIN) as quick,
    ):
        slow.behave("RETR", steadily)
        limits = {"answer_seconds": 4, "session_seconds": 20}
        first = Thread(target=fetch, args=(slow, had), kwargs=limits)
        first.start()
        assert eventually(lambda: not is_free())
        fetch(quick, had, **limits)
        first.join()
    assert had == [9000, len(LARGE)]


def test_whoever_finds_no_place_all_session_ends_in_time() -> None:
    had: list[object] = []
    assert crowd.GATE.enter(0)
    with Pop3Server(LARGE, security=Security.PLAIN) as server:
        fetch(server, had, session_seconds=0.5)
    assert had == ["conn.timeout"]
    assert not crowd.GATE.is_wanted
