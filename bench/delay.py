"""A line between clients and a server on this machine that makes them live far apart.

Each piece is held for half a round trip on its way; there is no limit to how much travels at once
but the one that a generous receiver sets. It runs as a process of its own and writes one line of
JSON for each connection that has ended.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.processes import answers, free_port, private_folder, running, wait_for

# What Linux lets a receive buffer grow to, and so what a sender may have on its way.
UNDER_WAY = 6 * 1024 * 1024
WRITTEN_AHEAD = 256 * 1024
# Timers are this exact; what is due so soon goes along.
TICK = 0.0002


class End(asyncio.Protocol):
    """One end of the line: what arrives here leaves at ``other`` half a round trip later.

    ``octets`` counts what came, ``turns`` how often it came after the other side had spoken.
    """

    def __init__(self, half: float) -> None:
        """Hold every piece for so many seconds."""
        self.octets = self.turns = 0
        self.has_spoken = False
        self.other: End
        self.transport: asyncio.Transport
        self._half = half
        self._loop = asyncio.get_running_loop()
        self._not_before = 0.0
        self._held: deque[tuple[float, bytes]] = deque()
        self._held_octets = 0
        self._is_blocked = self._is_waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(high=WRITTEN_AHEAD)
        self.transport = transport

    def nothing_before(self, seconds: float) -> None:
        """Treat what comes within so many seconds as if it came then."""
        self._not_before = self._loop.time() + seconds

    def data_received(self, data: bytes) -> None:
        """Hold a piece until its time; stop reading where too much is under way."""
        self.turns += self.other.has_spoken
        self.other.has_spoken, self.has_spoken = False, True
        self.octets += len(data)
        self._hold(data)
        if self._held_octets > UNDER_WAY:
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        """Let the end follow what is held. Whatever is answered now, nobody waits for it."""
        self.has_spoken = False
        self._hold(b"")
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Let the end follow what is held."""
        self._hold(b"")

    def pause_writing(self) -> None:
        """Leave the other end's pieces where they are until more is taken here."""
        self.other.block(is_blocked=True)

    def resume_writing(self) -> None:
        """Go on."""
        self.other.block(is_blocked=False)

    def block(self, *, is_blocked: bool) -> None:
        """Stop passing pieces, or go on."""
        self._is_blocked = is_blocked
        self._pass()

    def _hold(self, data: bytes) -> None:
        due = max(self._loop.time(), self._not_before) + self._half
        self._held.append((due, data))
        self._held_octets += len(data)
        self._wait()

    def _wait(self) -> None:
        if self._held and not (self._is_waiting or self._is_blocked):
            self._is_waiting = True
            self._loop.call_at(self._held[0][0], self._wake)

    def _wake(self) -> None:
        self._is_waiting = False
        self._pass()

    def _pass(self) -> None:
        now = self._loop.time() + TICK
        while self._held and not self._is_blocked and self._held[0][0] <= now:
            data = self._held.popleft()[1]
            self._held_octets -= len(data)
            if data:
                self.other.transport.write(data)
            else:
                self.other.transport.close()
        if self._held_octets < UNDER_WAY // 2:
            self.transport.resume_reading()
        self._wait()


class Client(End):
    """The end that was connected to; it reaches for the server and tells what was carried."""

    def __init__(self, server_port: int, half: float, log: Path) -> None:
        """Connect to a port, and write to a log."""
        super().__init__(half)
        self._port, self._log = server_port, log

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hold the client's first words until it would know that it is connected."""
        super().connection_made(transport)
        self._began = self._loop.time()
        self.transport.pause_reading()
        self._reaching = self._loop.create_task(self._reach())

    async def _reach(self) -> None:
        await asyncio.sleep(2 * self._half)
        with suppress(OSError):
            _, server = await self._loop.create_connection(
                lambda: End(self._half), "127.0.0.1", self._port
            )
            self.other, server.other = server, self
            # A server takes a connection when the third packet has come, and may speak then.
            server.nothing_before(self._half)
            self.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell what was carried."""
        super().connection_lost(exc)
        told = {
            "seconds": round(self._loop.time() - self._began, 4),
            "round_trips": self.other.turns + 1,  # the connection itself is one
            "octets": self.octets + self.other.octets,
        }
        with self._log.open("a") as log:
            log.write(json.dumps(told) + "\n")


async def carry(port: int, server_port: int, round_trip: float, log: Path) -> None:
    """Carry connections from one port to another for ever."""
    server = await asyncio.get_running_loop().create_server(
        lambda: Client(server_port, round_trip / 2, log), "127.0.0.1", port, backlog=1024
    )
    await server.serve_forever()


@dataclass(frozen=True)
class Line:
    """A running line; ``port`` stands for the server's own."""

    port: int
    log: Path

    def told(self) -> list[dict[str, Any]]:
        """Return what each connection carried that has ended, and forget it."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.write_text("")
        return [json.loads(line) for line in lines]


@contextmanager
def run_line(server_port: int, round_trip: float) -> Iterator[Line]:
    """Run a line to a server's port, so many seconds long there and back."""
    with private_folder("line") as folder:
        line = Line(free_port(), folder / "carried")
        words = [str(line.port), str(server_port), str(round_trip), str(line.log)]
        log = folder / "log"
        with running([sys.executable, "-m", "bench.delay", *words], log=log) as process:
            wait_for(lambda: answers(line.port), what="the delay line", log=log, process=process)
            yield line


if __name__ == "__main__":
    asyncio.run(carry(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4])))
