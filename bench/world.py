"""What a benchmark runs in: a filled server, lines that lead to it, room for what is fetched."""

from __future__ import annotations

import os
import shutil
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import trustme

from bench.boxes import SETTINGS, Box, Boxes
from bench.delay import Line, run_line
from bench.muara import Stores
from bench.trips import Outcome, Peer, Trip, WentWrong
from tests.servers.dovecot import Dovecot, run_dovecot
from tests.servers.postgres import Postgres, run_postgres
from tests.servers.processes import ServerMissing, private_folder

# A commit is on the disk when it is answered, as everywhere.
DURABLE = ("shared_buffers=256MB", "max_wal_size=4GB")


@dataclass
class World:
    """A running server with its boxes; lines and PostgreSQL come when they are first wanted."""

    folder: Path
    dovecot: Dovecot
    authority: str
    stack: ExitStack
    boxes: Boxes
    rounds: int
    stores: Stores = field(init=False)
    _lines: dict[int, Line] = field(default_factory=dict)
    _postgres: list[Postgres] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        """Make room for stores."""
        self.stores = Stores(self.new_folder(), self.postgres)

    def new_folder(self) -> Path:
        """Make an empty folder."""
        folder = self.folder / f"{next(self._numbers)}"
        folder.mkdir()
        return folder

    def line(self, milliseconds: int) -> Line:
        """Return the line of that length to POP3S."""
        if milliseconds not in self._lines:
            port = self.dovecot.ports["pop3s"]
            line = self.stack.enter_context(run_line(port, milliseconds / 1000))
            self._lines[milliseconds] = line
        return self._lines[milliseconds]

    def port(self, milliseconds: int) -> int:
        """Return the port behind which POP3S is that far away; without delay it is its own."""
        return self.line(milliseconds).port if milliseconds else self.dovecot.ports["pop3s"]

    def postgres(self) -> Postgres:
        """Return a server that keeps its promises to the disk."""
        if not self._postgres:
            self._postgres.append(self.stack.enter_context(run_postgres(DURABLE)))
        return self._postgres[0]

    @contextmanager
    def trip(self, box: Box, milliseconds: int) -> Iterator[Trip]:
        """Lend a trip to a box, and throw away afterwards what it fetched."""
        folder = self.new_folder()
        try:
            yield Trip(box, self.port(milliseconds), self.authority, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Times:
    """What some rounds took: one outcome for each, or why there are none."""

    outcomes: Sequence[Outcome] = ()
    missing: str = ""

    @property
    def seconds(self) -> float:
        """Return the median."""
        return statistics.median(outcome.seconds for outcome in self.outcomes)

    @property
    def cpu(self) -> float:
        """Return the median of the processor's seconds."""
        return statistics.median(outcome.cpu for outcome in self.outcomes)

    def __str__(self) -> str:
        if self.missing:
            return self.missing
        each = sorted(outcome.seconds for outcome in self.outcomes)
        spread = f" ({each[0]:.2f}-{each[-1]:.2f})" if len(each) > 1 else ""
        return f"{self.seconds:.2f} s{spread}, CPU {self.cpu:.2f} s"


def rounds(
    world: World, box: Box, milliseconds: int, peers: Mapping[str, Peer], times: int
) -> dict[str, Times]:
    """Let each fetch a box in turn, and again, so that all meet the same weather."""
    outcomes: dict[str, list[Outcome]] = {name: [] for name in peers}
    missing: dict[str, str] = {}
    for _ in range(times):
        for name, peer in peers.items():
            if name in missing:
                continue
            try:
                with world.trip(box, milliseconds) as trip:
                    outcomes[name].append(peer(trip))
            except (ServerMissing, WentWrong) as reason:
                missing[name] = str(reason)
            else:
                say(f"  {name}: {Times(outcomes[name][-1:])}")
    return {name: Times(outcomes[name], missing.get(name, "")) for name in peers}


def say(sentence: str) -> None:
    """Tell whoever waits what goes on."""
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


@contextmanager
def run_world(rounds: int) -> Iterator[World]:
    """Run the server; what is fetched lies in a folder that goes with it."""
    os.umask(0o022)
    authority = trustme.CA()
    with ExitStack() as stack:
        folder = stack.enter_context(private_folder("bench"))
        trusted = folder / "authority.pem"
        authority.cert_pem.write_to_path(str(trusted))
        dovecot = stack.enter_context(run_dovecot(authority, SETTINGS))
        yield World(folder, dovecot, str(trusted), stack, Boxes(dovecot), rounds)
