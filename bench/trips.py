"""One fetch of one mailbox by one program: what it is given, what it took, whether all came."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.boxes import Box

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 1800


class WentWrong(Exception):
    """A program did not fetch what it was given; the sentence tells what it did."""


@dataclass(frozen=True)
class Trip:
    """A mailbox, the port that leads to it, whom to trust, and an empty folder to fetch into."""

    box: Box
    port: int
    authority: str
    folder: Path


@dataclass(frozen=True)
class Outcome:
    """How long a fetch took, on the clock and of the processor, and what else the program told."""

    seconds: float
    cpu: float
    facts: Mapping[str, Any] = field(default_factory=dict)


Peer = Callable[[Trip], Outcome]


@dataclass(frozen=True)
class Ended:
    """A program that ran well: what it said, and the seconds that took."""

    said: str
    seconds: float
    cpu: float

    def outcome(self) -> Outcome:
        """Take the program's own word for the time, given in JSON on its last line."""
        facts = json.loads(self.said.strip().splitlines()[-1])
        return Outcome(facts["seconds"], self.cpu, facts)


def run(
    command: Sequence[str | Path], environment: Mapping[str, str] | None = None, *, words: str = ""
) -> Ended:
    """Run a program to its end; raise WentWrong for a bad one."""
    began, cpu = time.perf_counter(), cpu_of_children()
    try:
        done = subprocess.run(
            list(command), cwd=ROOT, env=os.environ | dict(environment or {}), input=words,
            capture_output=True, text=True, timeout=LONGEST, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise WentWrong(f"{Path(command[0]).name} did not end in {LONGEST} s") from error
    seconds = time.perf_counter() - began
    if done.returncode:
        last = " ".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-3:])
        raise WentWrong(f"{Path(command[0]).name} ended with {done.returncode}: {last}")
    return Ended(done.stdout, seconds, cpu_of_children() - cpu)


def cpu_of_children() -> float:
    """Return the seconds of the processor that ended children have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def expect(came: int, box: Box, who: str) -> None:
    """Raise WentWrong unless as many messages came as there are."""
    if came != box.count:
        raise WentWrong(f"{who} brought {came} of {box.count} messages")
