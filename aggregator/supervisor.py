"""Looks after the two processes of the embedded shape: starts, restarts, and ends them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType

from aggregator.lifeline import LIFELINE
from aggregator.web import UNUSABLE

STOP_SECONDS = 8.0
WATCH_SECONDS = 0.2
CHECK_SECONDS = 10.0
RESTART_SECONDS = 2.0
Say = Callable[[str], None]

COMMANDS = {
    "web": [sys.executable, "-m", "aggregator.web"],
    "worker": [
        *(sys.executable, "-m", "celery", "--quiet", "--app", "aggregator.celery:app", "worker"),
        *("--pool", "threads", "--concurrency", "16", "--loglevel", "INFO"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    ],
}


@dataclass
class Supervisor:
    """Keep the children alive until told to stop.

    ``is_silent`` tells that the worker has shown no sign of life for too long; it is then killed
    and started again, since its work is safe in the database. ``free_runs`` closes what a worker
    that died has left open, or its accounts would wait for the lease to lapse.
    """

    say: Say
    lock: int
    is_silent: Callable[[], bool]
    free_runs: Callable[[], None]
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    stopping: bool = False
    next_check: float = 0.0

    def run(self) -> int:
        """Start the children and watch them. Return the exit code of the whole program."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        reading, writing = os.pipe()
        for name in COMMANDS:
            self._start(name, reading)
        code = 0
        while not self.stopping and not code:
            time.sleep(WATCH_SECONDS)
            code = self._look_after(reading)
        self._end_all()
        os.close(writing)
        return code

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.stopping = True

    def _start(self, name: str, lifeline: int) -> None:
        # A session of its own keeps the terminal's Ctrl-C from us to them: we pass it on in order.
        self.children[name] = subprocess.Popen(  # noqa: S603 - fixed commands
            COMMANDS[name],
            env=os.environ | {LIFELINE: str(lifeline)},
            pass_fds=(lifeline, self.lock),
            start_new_session=True,
        )

    def _look_after(self, lifeline: int) -> int:
        if time.monotonic() > self.next_check:
            self.next_check = time.monotonic() + CHECK_SECONDS
            if self.is_silent():
                self.say("The worker has gone silent; starting it again.")
                self.children["worker"].kill()
                self.children["worker"].wait()
        for name, child in self.children.items():
            ended = child.poll()
            if ended == UNUSABLE:
                return 1
            if ended is not None and not self.stopping:
                self.say(f"The {name} process ended ({ended}); starting it again.")
                time.sleep(RESTART_SECONDS)
                if name == "worker":
                    self.free_runs()
                self._start(name, lifeline)
        return 0

    def _end_all(self) -> None:
        for child in self.children.values():
            child.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for child in self.children.values():
            try:
                child.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()  # What it was doing is in the database and is done again.
                child.wait()
