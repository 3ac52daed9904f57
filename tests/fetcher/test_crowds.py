"""However many first visits come at once, memory and database connections stay bounded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from time import monotonic, sleep
from typing import Any

import pytest
from django.db import connection, transaction

from accounts import quotas
from accounts.models import Plan
from fetcher import desks, lots
from fetcher.identity import Found
from fetcher.listed import Listed
from fetcher.lots import LITTLE_BYTES, Room
from fetcher.models import FetchRun
from fetcher.planning import BATCH_BYTES
from mailstore.models import Message
from tests.builders import make_user
from tests.fetcher.test_visits import NAME, PASSWORD, make_accounts
from tests.servers.scripted import Behaviour, Pop3Server, Talk, says
from tests.servers.shapes import ROOT
from tests.sweeps import IS_WHOLE, RESULTS, seconds
from wire.endpoint import Security
from wire.pop3 import RemoteItem

MIB = 1024 * 1024
MOST_MIB = 512
VISITS, LISTED = (20, 200_000) if IS_WHOLE else (4, 20_000)
ACCOUNTS, LARGE, LETTERS = (100, 2 * MIB, 8) if IS_WHOLE else (20, MIB // 2, 2)
HOST = "many.example.org"
BUSY_MS = 50

# Visits accounts at once, and tells how many MiB it held before and at the most.
PROGRAM = """
import json, sys, time, django
django.setup()
from django.conf import settings
from django.db import connection
from fetcher import visits
from fetcher.leases import LEASES
from tests.wire.greedy import peak_mib
connection.settings_dict["NAME"], settings.PACK_FOLDER, *ids = sys.argv[1:]
connection.connect()
before = peak_mib()
visits.visit_all([int(one) for one in ids], lambda: False)
connection.close()
while len(LEASES):
    time.sleep(0.1)
print(json.dumps({"before": before, "peak": peak_mib()}))
"""


def found(*sizes: int, made: int = 0) -> list[Found]:
    return [
        Found(RemoteItem(number, "" if number == made else f"u{number}", size), f"u{number}")
        for number, size in enumerate(sizes, 1)
    ]


def test_a_long_list_says_the_same_in_columns() -> None:
    ones = [
        Found(RemoteItem(2, "a", 10), "a"),
        Found(RemoteItem(5, "", 10**15), "made", uid_is_made=True),
        Found(RemoteItem(9, "a", 0), "a", occurrence=1),
    ]
    listed = Listed(ones)
    assert (list(listed), listed[1], list(listed[1:])) == (ones, ones[1], ones[1:])
    chosen = listed.only([ones[2], ones[0]])
    assert (list(chosen), len(chosen), chosen[-1]) == ([ones[2], ones[0]], 2, ones[0])
    assert not listed.only([])


def sizes_of(wanted: list[Found]) -> list[list[int]]:
    return [[one.item.size for one in lot] for lot in lots.lots(Listed(wanted))]


def test_a_message_larger_than_a_batch_is_asked_for_alone() -> None:
    large = BATCH_BYTES + 1
    assert sizes_of(found(1, 2, large, large, 3)) == [[1, 2], [large], [large], [3]]
    assert sizes_of([]) == []


def test_without_room_a_visit_asks_for_little_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lots, "ROOM", Room(0))
    half = LITTLE_BYTES // 2
    assert sizes_of(found(half, half, half, 10 * half, 1)) == [[half] * 2, [half], [10 * half], [1]]


def test_room_is_given_back_also_by_who_leaves_early(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room(100)
    monkeypatch.setattr(lots, "ROOM", room)
    with closing(lots.lots(Listed(found(60, 40)))) as begun:  # type: ignore[type-var]  # a generator
        assert len(next(begun)) == 2
        assert not room.take(1)
    assert room.take(100)


def test_a_desk_is_taken_once_and_left_while_a_server_is_waited_for() -> None:
    def are_free() -> int:
        return desks._DESKS._value

    with desks.desk(), desks.desk():
        assert are_free() == desks.AT_ONCE - 1
        with desks.away():
            assert are_free() == desks.AT_ONCE
        assert are_free() == desks.AT_ONCE - 1
    with desks.away():
        assert are_free() == desks.AT_ONCE


@pytest.mark.django_db(transaction=True)
def test_many_that_store_at_once_wait_longer_for_their_turn_than_sqlite_lets_them() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL lets many store at once")
    owner, writers = make_user(), 6
    quotas.touch(owner.pk)
    begin = Barrier(writers)

    def store(_: int) -> None:
        with closing(connection), connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
            begin.wait()
            with desks.desk(), desks.pen(), transaction.atomic():
                quotas.touch(owner.pk)
                sleep(2 * BUSY_MS / 1000)

    with ThreadPoolExecutor(writers) as threads:
        list(threads.map(store, range(writers)))
    assert quotas.change_number(owner.pk) == 1 + writers


@contextmanager
def server_of(**behaviours: Behaviour) -> Iterator[Pop3Server]:
    with Pop3Server(b"x\r\n", security=Security.PLAIN) as server:
        server.secret = NAME, PASSWORD
        for command, behaviour in behaviours.items():
            server.behave(command, behaviour)
        yield server


def numbered(count: int, rest: bytes) -> Behaviour:
    entries = (b"%d " % n + rest.replace(b"#", b"%d" % n) for n in range(1, count + 1))
    data = b"+OK\r\n" + b"".join(entry + b"\r\n" for entry in entries) + b".\r\n"

    def patiently(talk: Talk, argument: str) -> None:
        talk.connection.settimeout(seconds(60, 600))
        talk.send(data)

    return patiently


def visit_at_once(
    server: Pop3Server, count: int, folder: Path, watch: Callable[[], object] = lambda: None
) -> dict[str, Any]:
    """Visit the server for so many accounts in a process of its own, and watch it."""
    accounts = make_accounts(make_user(), [HOST] * count)
    Plan.objects.update(storage_bytes=10**12)
    address, port = next(iter(server.guard.connect_to.values()))
    detour = {"MUARA_CONNECT_TO": f"{HOST}:110={address}:{port}"}
    name, ids = str(connection.settings_dict["NAME"]), [str(one.pk) for one in accounts]
    words = [sys.executable, "-c", PROGRAM, name, str(folder), *ids]
    with subprocess.Popen(
        words, env=os.environ | detour, cwd=ROOT, stdout=subprocess.PIPE
    ) as process:
        while process.poll() is None:
            watch()
            sleep(0.1)
        assert process.stdout
        told: dict[str, Any] = json.loads(process.stdout.read())
    return told


@pytest.mark.timeout(seconds(120, 900))
@pytest.mark.django_db(transaction=True)
def test_many_long_lists_at_once_fill_no_memory(tmp_path: Path) -> None:
    """All of them are held at the same time, while the first message is waited for."""
    together, held = Barrier(VISITS), list[str]()

    def stalls(talk: Talk, argument: str) -> None:
        with suppress(BrokenBarrierError):
            together.wait(seconds(60, 600))
            held.append(argument)
        talk.server.behave("GREETING", says(b"-ERR that is enough\r\n"))
        raise ConnectionResetError

    sizes, uids = numbered(LISTED, b"1#"), numbered(LISTED, b"0000abcd-0000-#")
    with server_of(LIST=sizes, UIDL=uids, RETR=stalls) as server:
        told = visit_at_once(server, VISITS, tmp_path)
    assert len(held) == FetchRun.objects.filter(listed=LISTED).count() == VISITS
    words = f"{connection.vendor}: {VISITS} lists of {LISTED:,} at once: "
    RESULTS.append(f"{words}{told['before']} to {told['peak']} MiB")
    assert told["peak"] < MOST_MIB


@pytest.mark.timeout(seconds(120, 1800))
@pytest.mark.django_db(transaction=True)
def test_many_first_visits_at_once_fill_neither_memory_nor_the_database(tmp_path: Path) -> None:
    most, begun = 0, monotonic()

    def watch() -> None:
        nonlocal most
        most = max(most, connections())

    line = b"x" * 76 + b"\r\n"
    body = b"Subject: large\r\n\r\n" + line * (LARGE // len(line))
    lengths = numbered(LETTERS, str(len(body)).encode())

    def large(talk: Talk, argument: str) -> None:
        talk.send(b"+OK\r\nMessage-ID: <%d@%d>\r\n" % (int(argument), id(talk)))
        talk.send(body)
        talk.send(b".\r\n")

    with server_of(LIST=lengths, UIDL=numbered(LETTERS, b"u#"), RETR=large) as server:
        told = visit_at_once(server, ACCOUNTS, tmp_path, watch)
    assert Message.objects.count() == ACCOUNTS * LETTERS
    words = f"{connection.vendor}: {ACCOUNTS} first visits at once, {LETTERS} letters of {LARGE}: "
    took = monotonic() - begun
    told_of = f"{told['before']} to {told['peak']} MiB, {most} connections, {took:.0f} s"
    RESULTS.append(words + told_of)
    assert told["peak"] < MOST_MIB
    assert most <= 3 * desks.AT_ONCE


def connections() -> int:
    """Count who else uses the test's database."""
    if connection.vendor == "sqlite":
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid()"
        )
        count: int = cursor.fetchone()[0]
        return count
