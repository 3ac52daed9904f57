"""Whatever a server does, a visit ends in time and tells the right kind of failure."""

from __future__ import annotations

import resource
import ssl
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers.scripted import (
    Behaviour,
    Pop3Server,
    Talk,
    drips,
    never_ends,
    says,
    says_then_leaves,
    says_then_stalls,
    stuffed,
    then,
)
from tests.sweeps import IS_WHOLE, RESULTS, sample
from tests.wire.sessions import LOGIN, open_at
from wire.endpoint import Security
from wire.errors import MailError

LETTER = b"Subject: x\r\n\r\nhello\r\n"
SECONDS = 3
MEMORY_KIB = 64 * 1024

TIMEOUT, LOST, STRANGE, BUSY = "conn.timeout", "conn.lost", "server.protocol", "server.busy"
REFUSED, GOOD = "auth.failed", ""


def visit(server: Pop3Server) -> tuple[str, list[bytes | MailError]]:
    """Do all that a fetch does. Return the code it ends with, and what could be retrieved."""
    had: list[bytes | MailError] = []
    try:
        with open_at(server) as session:
            session.stat()
            items = session.list_items()
            for answers in (session.headers(items), session.retrieve(items)):
                had = []
                for _, raw in answers:
                    had.append(raw)
            session.delete(items)
            session.finish()
    except MailError as error:
        return error.code, had
    return GOOD, had


def lines(*texts: bytes) -> Behaviour:
    return says(b"".join(text + b"\r\n" for text in texts))


def twice_the_answers(talk: Talk, argument: str) -> None:
    talk.send((b"+OK\r\n" + stuffed(LETTER)) * 2)


HUGE = b"9" * 3000
STALLS: dict[str, tuple[str, Behaviour, str]] = {
    f"{command} stalls": (command, says_then_stalls(b""), TIMEOUT)
    for command in (
        ["GREETING", "CAPA", "AUTH", "STAT", "LIST", "UIDL", "TOP", "RETR", "DELE", "QUIT"]
    )
}
CUTS: dict[str, tuple[str, Behaviour, str]] = {
    f"{command} cut": (command, says_then_leaves(b"+O"), LOST)
    for command in (
        ["GREETING", "CAPA", "AUTH", "STAT", "LIST", "UIDL", "TOP", "RETR", "DELE", "QUIT"]
    )
}
GARBAGE: dict[str, tuple[str, Behaviour, str]] = {
    f"{command} garbage": (command, lines(b"\x00\xff\xfe HTTP/1.1 200 OK"), STRANGE)
    for command in (
        ["GREETING", "CAPA", "AUTH", "STAT", "LIST", "UIDL", "TOP", "RETR", "DELE", "QUIT"]
    )
}
OTHERS: dict[str, tuple[str, Behaviour, str]] = {
    "greeting drips": ("GREETING", drips(b"x", 0.02), TIMEOUT),
    "greeting never ends": ("GREETING", never_ends(b"+OK ", b"x" * 4096), STRANGE),
    "greeting has two lines": ("GREETING", lines(b"+OK", b"+OK you are in"), STRANGE),
    "greeting refuses": ("GREETING", lines(b"-ERR go away"), BUSY),
    "greeting is SMTP": ("GREETING", lines(b"220 mail.example.org ESMTP"), STRANGE),
    "greeting is IMAP": ("GREETING", lines(b"* OK IMAP4rev1 ready"), STRANGE),
    "greeting is empty": ("GREETING", lines(b""), STRANGE),
    "capabilities never end": ("CAPA", never_ends(b"+OK\r\n", b"X\r\n" * 1000), STRANGE),
    "capabilities without dot": ("CAPA", says_then_stalls(b"+OK\r\nUIDL\r\n"), TIMEOUT),
    "capabilities are nonsense": ("CAPA", lines(b"+OK", b"\xff\x00 \xf0", b"   ", b"."), GOOD),
    "capabilities are none": ("CAPA", lines(b"+OK", b"."), GOOD),
    "signed in too soon": ("AUTH", lines(b"+OK come in"), STRANGE),
    "sign-in drips": ("AUTH", drips(b"+ ", 0.02), TIMEOUT),
    "sign-in goes on with words": ("AUTH", lines(b"+ go", b"-ERR too slow"), STRANGE),
    "sign-in refused with NULs": ("AUTH", lines(b"-ERR \0\0\0"), REFUSED),
    "sign-in refused at great length": ("AUTH", lines(b"-ERR " + b"x" * 4000), REFUSED),
    "sign-in refused without end": ("AUTH", never_ends(b"-ERR ", b"x" * 4096), STRANGE),
    "totals are words": ("STAT", lines(b"+OK many few"), STRANGE),
    "totals are negative": ("STAT", lines(b"+OK -1 -1"), STRANGE),
    "totals are huge": ("STAT", lines(b"+OK " + HUGE + b" 1"), STRANGE),
    "octets are huge": ("STAT", lines(b"+OK 1 " + HUGE), GOOD),
    "totals followed by words": ("STAT", lines(b"+OK 1 20 octets"), GOOD),
    "totals in Arabic digits": ("STAT", lines("+OK ١ ٢".encode()), STRANGE),
    "list refused": ("LIST", lines(b"-ERR no"), STRANGE),
    "list refused for now": ("LIST", lines(b"-ERR [IN-USE] wait"), "server.inuse"),
    "list never ends": ("LIST", never_ends(b"+OK\r\n", b"1 1\r\n" * 1000), STRANGE),
    "list is one endless line": ("LIST", never_ends(b"+OK\r\n", b"1" * 4096), STRANGE),
    "list too long": ("LIST", lines(b"+OK", *[b"%d 1" % n for n in range(1, 102)], b"."), STRANGE),
    "list repeats a number": ("LIST", lines(b"+OK", b"1 1", b"1 2", b"."), STRANGE),
    "list has number 0": ("LIST", lines(b"+OK", b"0 1", b"."), STRANGE),
    "list has a negative size": ("LIST", lines(b"+OK", b"1 -1", b"."), STRANGE),
    "list has a huge number": ("LIST", lines(b"+OK", HUGE + b" 1", b"."), STRANGE),
    "list has a huge size": ("LIST", lines(b"+OK", b"1 " + HUGE, b"."), GOOD),
    "list lies high": ("LIST", lines(b"+OK", b"1 999999999", b"2 999999999", b"."), GOOD),
    "list lies low": ("LIST", lines(b"+OK", b"1 0", b"2 0", b"."), GOOD),
    "list has words": ("LIST", lines(b"+OK", b"one two", b"."), STRANGE),
    "list has an empty line": ("LIST", lines(b"+OK", b"", b"1 1", b"."), STRANGE),
    "list has NULs": ("LIST", lines(b"+OK", b"1 1\0", b"."), STRANGE),
    "list without dot": ("LIST", says_then_stalls(b"+OK\r\n1 1\r\n"), TIMEOUT),
    "list drips": ("LIST", then(says(b"+OK\r\n"), drips(b"1 1\r\n", 0.02)), TIMEOUT),
    "uids repeat a number": ("UIDL", lines(b"+OK", b"1 a", b"1 b", b"."), STRANGE),
    "uids are equal": ("UIDL", lines(b"+OK", b"1 a", b"2 a", b"."), GOOD),
    "uids are missing": ("UIDL", lines(b"-ERR what?"), GOOD),
    "uid is empty": ("UIDL", lines(b"+OK", b"1 ", b"."), STRANGE),
    "uid is not ASCII": ("UIDL", lines(b"+OK", b"1 \xff\xfe", b"."), STRANGE),
    "uid has NULs": ("UIDL", lines(b"+OK", b"1 a\0b", b"."), STRANGE),
    "uid too long": ("UIDL", lines(b"+OK", b"1 " + b"u" * 600, b"."), STRANGE),
    "uids never end": ("UIDL", never_ends(b"+OK\r\n", b"1 a\r\n" * 1000), STRANGE),
    "message cut": ("RETR", says_then_leaves(b"+OK\r\nSubject: x\r\n\r\nhel"), LOST),
    "message cut before its dot": ("RETR", says_then_leaves(b"+OK\r\n" + LETTER), LOST),
    "message without dot": ("RETR", says_then_stalls(b"+OK\r\n" + LETTER), TIMEOUT),
    "message drips": ("RETR", then(says(b"+OK\r\n"), drips(b"x", 0.02)), TIMEOUT),
    "message ends in bare LF": ("RETR", says_then_stalls(b"+OK\r\nx\n.\n"), TIMEOUT),
    "message never ends": ("RETR", never_ends(b"+OK\r\n", b"x" * 65536), STRANGE),
    "message of endless lines": ("RETR", never_ends(b"+OK\r\n", b".x\r\n" * 16384), STRANGE),
    "messages all gone": ("RETR", lines(b"-ERR gone"), GOOD),
    "message asked to go on": ("RETR", lines(b"+ go"), STRANGE),
    "messages twice": ("RETR", twice_the_answers, STRANGE),
    "deletions refused": ("DELE", lines(b"-ERR read only"), GOOD),
    "goodbye refused": ("QUIT", lines(b"-ERR not removed"), STRANGE),
    "goodbye refused for now": ("QUIT", lines(b"-ERR [SYS/TEMP] disk"), BUSY),
}
# A stall costs its time, and is waited for in the same way with and without pipelining.
IN_STEP = CUTS | GARBAGE | OTHERS
KINDS = STALLS | IN_STEP
WAYS = [
    *((name, Security.TLS, True) for name in KINDS),
    *((name, Security.TLS, False) for name in IN_STEP),
]
# The other port differs in how it comes to TLS, and not at all afterwards.
AT_110 = [
    (name, security, pipelining)
    for security in (Security.STARTTLS, Security.PLAIN)
    for pipelining, kinds in ((True, KINDS), (False, IN_STEP))
    for name in kinds
]
SAMPLED = [AT_110[number] for number in sample(range(len(AT_110)), 30)]


@pytest.fixture(scope="module")
def visits() -> Iterator[list[tuple[int, str, str, float]]]:
    """Collect port, behaviour, code and seconds of each visit, and tell them in the end."""
    rows: list[tuple[int, str, str, float]] = []
    yield rows
    ports = Counter(port for port, *_ in rows)
    told = ", ".join(f"{count} on port {port}" for port, count in sorted(ports.items()))
    slowest = max((seconds for *_, seconds in rows), default=0)
    RESULTS.append(f"{len(KINDS)} hostile behaviours: {told}; slowest visit {slowest:.1f} s")
    if IS_WHOLE:
        RESULTS.extend(
            f"  {port} {name}: {code or 'good'}, {took:.2f} s" for port, name, code, took in rows
        )


@pytest.mark.parametrize(
    ("name", "security", "pipelining"),
    [*WAYS, *SAMPLED],
    ids=lambda value: {True: "pipelined", False: "lock step"}.get(value, str(value)),
)
def test_a_hostile_server_costs_one_visit_and_little_time(
    name: str,
    security: Security,
    pipelining: bool,
    good: ssl.SSLContext,
    visits: list[tuple[int, str, str, float]],
) -> None:
    command, behaviour, code = KINDS[name]
    with Pop3Server(
        LETTER, LETTER, context=good, security=security, pipelining=pipelining
    ) as server:
        server.behave(command, behaviour)
        started, before = time.monotonic(), peak_memory()
        ended, _ = visit(server)
        took = time.monotonic() - started
        assert took < SECONDS
        assert peak_memory() - before < MEMORY_KIB
    visits.append((server.endpoint.port, name, ended, took))
    assert ended == code
    if code != GOOD:
        assert server.deleted == set()


def peak_memory() -> int:
    """Return the most memory this process ever held, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_a_deletion_answered_twice_is_not_taken_for_a_goodbye(good: ssl.SSLContext) -> None:
    with Pop3Server(LETTER, LETTER, context=good, pipelining=False) as server:
        server.behave("DELE", lines(b"+OK", b"+OK"))
        assert visit(server)[0] == STRANGE


def test_nothing_is_read_into_the_wrong_message(good: ssl.SSLContext) -> None:
    """An answer too many would give message 2 the text of message 1."""
    with Pop3Server(LETTER, b"other\r\n", context=good, pipelining=False) as server:
        server.behave("RETR", twice_the_answers)
        code, had = visit(server)
    assert (code, had) == (STRANGE, [LETTER])


def test_what_came_before_a_cut_is_had(good: ssl.SSLContext) -> None:
    def second_is_cut(talk: Talk, argument: str) -> None:
        if argument == "1":
            talk.send(b"+OK\r\n" + stuffed(LETTER))
        else:
            says_then_leaves(b"+OK\r\nSub")(talk, argument)

    with Pop3Server(LETTER, LETTER, context=good) as server:
        server.behave("RETR", second_is_cut)
        assert visit(server) == (LOST, [LETTER])


def test_a_whole_session_ends_in_time_though_every_answer_does() -> None:
    def slowly(talk: Talk, argument: str) -> None:
        talk.server.over.wait(0.15)
        talk.send(b"+OK\r\n" + stuffed(LETTER))

    with Pop3Server(*[LETTER] * 50, security=Security.PLAIN) as server:
        server.behave("RETR", slowly)
        started = time.monotonic()
        with pytest.raises(MailError) as ended, open_at(server, session_seconds=1) as session:
            list(session.retrieve(session.list_items()))
        assert ended.value.code == TIMEOUT
        assert time.monotonic() - started < 1.5


@pytest.mark.parametrize(("overtime", "ends"), [(0, TIMEOUT), (10, "")])
def test_a_message_that_comes_steadily_may_outlast_the_session(overtime: int, ends: str) -> None:
    large = b"x" * 76 + b"\r\n"

    def steadily(talk: Talk, argument: str) -> None:
        talk.send(b"+OK\r\n")
        for _ in range(30):
            talk.server.over.wait(0.02)
            talk.send(large * 50)
        talk.send(b".\r\n")

    with Pop3Server(large * 1500, security=Security.PLAIN) as server:
        server.behave("RETR", steadily)
        limits: dict[str, Any] = {"session_seconds": 0.3, "overtime_seconds": overtime}
        try:
            with open_at(server, message_bytes=10**6, **limits) as session:
                (answer,) = session.retrieve(session.list_items())
                assert answer[1] == large * 1500
            code = ""
        except MailError as error:
            code = error.code
        assert code == ends


def test_a_sign_in_that_stalls_heard_the_secret_only_once(good: ssl.SSLContext) -> None:
    with Pop3Server(context=good, sasl="") as server:
        server.behave("PASS", says_then_stalls(b""))
        assert visit(server)[0] == TIMEOUT
    assert server.heard().count(LOGIN.password.encode()) == 1
    assert server.connections == 1
