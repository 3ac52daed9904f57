"""However much servers send, a process with many sessions stays under half a gigabyte."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.servers.scripted import Behaviour, Pop3Server, Talk, never_ends
from tests.servers.shapes import ROOT
from tests.sweeps import IS_WHOLE, RESULTS, SEED, seconds
from wire.endpoint import Security

MIB = 1024 * 1024
MOST_MIB = 512
SESSIONS = 20
# A list stays in memory for a whole visit, so that fewer of the longest ones fit.
SESSIONS_WITH_LISTS = 4


def block(size: int, line: bytes) -> Behaviour:
    """Answer by a block of about so many octets, all lines alike."""
    data = b"+OK\r\n" + line * (size // len(line)) + b".\r\n"
    return lambda talk, _: talk.send(data)


def numbered(count: int, rest: bytes) -> Behaviour:
    """Answer by a list of so many entries."""
    data = b"+OK\r\n" + b"".join(b"%d %s\r\n" % (n, rest) for n in range(1, count + 1)) + b".\r\n"

    def behaviour(talk: Talk, argument: str) -> None:
        talk.send(b"+OK 1 1\r\n" if argument else data)

    return behaviour


# Command, behaviour, and the codes that the sessions may end with.
GREEDY: dict[str, tuple[str, Behaviour, set[str]]] = {
    "capabilities never end": (
        "CAPA",
        never_ends(b"+OK\r\n", b"X\r\n" * 900),
        {"server.protocol"},
    ),
    "list never ends": ("LIST", never_ends(b"+OK\r\n", b"1 1\r\n" * 9000), {"server.protocol"}),
    "list of empty lines": ("LIST", never_ends(b"+OK\r\n", b"\r\n" * 30000), {"server.protocol"}),
    "list in one line": ("LIST", never_ends(b"+OK\r\n", b"1" * 65536), {"server.protocol"}),
    "list too long by one": ("LIST", numbered(250_001, b"1"), {"server.protocol"}),
    "uids never end": ("UIDL", never_ends(b"+OK\r\n", b"1 a\r\n" * 9000), {"server.protocol"}),
    "uids as long as can be": ("UIDL", numbered(48_000, b"u" * 512), {""}),
    "headers never end": ("TOP", never_ends(b"+OK\r\n", b"X: y\r\n" * 9000), {"server.protocol"}),
    "message never ends": ("RETR", never_ends(b"+OK\r\n", b"x" * 65536), {"server.protocol"}),
    "message just small enough": ("RETR", block(50 * MIB - 99, b"x" * 76 + b"\r\n"), {""}),
    "message just too large": ("RETR", block(51 * MIB, b"x" * 76 + b"\r\n"), {""}),
    "message of stuffed dots": ("RETR", block(50 * MIB - 99, b"..\r\n"), {""}),
    "message of empty lines": ("RETR", block(50 * MIB - 99, b"\r\n"), {""}),
}
TIRED = {"conn.timeout", "conn.lost"}
NAMES = list(GREEDY) if IS_WHOLE else [list(GREEDY)[SEED % len(GREEDY)]]


@pytest.mark.timeout(seconds(120, 300))
@pytest.mark.parametrize("name", NAMES)
def test_many_greedy_servers_at_once_fill_no_memory(name: str) -> None:
    command, behaviour, codes = GREEDY[name]
    many = SESSIONS_WITH_LISTS if name == "uids as long as can be" else SESSIONS
    sessions = many if IS_WHOLE else 2
    with Pop3Server(*[b"x\r\n"] * 3, security=Security.PLAIN) as server:
        server.behave(command, behaviour)
        port = next(iter(server.guard.connect_to.values()))[1]
        ended = subprocess.run(
            [sys.executable, "-m", "tests.wire.greedy", str(port), str(sessions)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            check=True,
        )
    told = json.loads(ended.stdout)
    RESULTS.append(f"{name}, {sessions} sessions: {told['before']} to {told['peak']} MiB")
    assert told["peak"] < MOST_MIB
    assert set(told["codes"]) <= codes | TIRED
