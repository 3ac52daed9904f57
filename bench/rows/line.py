"""Row LINE: the delay line itself, which must be as long as it says and carry more than anybody."""

from __future__ import annotations

import socket
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from time import perf_counter

from bench.delay import run_line
from bench.report import Goal, Result
from bench.world import World

MILLISECONDS = 50
PINGS = 40
OCTETS = 300_000_000
CHUNK = 256 * 1024

LATE = Goal("LINE", "the 50 ms line: a round trip more than it should", "ms", 2, 1)
WIDE = Goal("LINE", "the 50 ms line: it carries", "MB/s", 100, 200, is_floor=True)


def line(_world: World) -> list[Result]:
    """Measure the delay line between a client that asks and a server that answers at once."""
    with (
        _server() as port,
        run_line(port, MILLISECONDS / 1000) as laid,
        socket.create_connection(("127.0.0.1", laid.port)) as client,
    ):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pings = [_ask(client, 1) for _ in range(PINGS)]
        seconds = _ask(client, OCTETS)
    late = [ping * 1000 - MILLISECONDS for ping in pings[1:]]  # the first one connects, too
    return [
        Result(LATE, statistics.median(late), f"{min(late):.2f}-{max(late):.2f} ms", {"all": late}),
        Result(WIDE, OCTETS / seconds / 1e6, f"{OCTETS / 1e6:.0f} MB in {seconds:.2f} s"),
    ]


def _ask(client: socket.socket, octets: int) -> float:
    """Ask for so many octets; return the seconds until the last has come."""
    began = perf_counter()
    client.sendall(octets.to_bytes(8, "big"))
    while octets > 0:
        octets -= len(client.recv(CHUNK))
    return perf_counter() - began


@contextmanager
def _server() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=_serve, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]


def _serve(listener: socket.socket) -> None:
    """Answer probes and then one client, with as many octets as each asks for."""
    while True:
        client = listener.accept()[0]
        with client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while asked := client.recv(8):
                left = int.from_bytes(asked, "big")
                while left > 0:
                    left -= client.send(bytes(min(left, CHUNK)))
