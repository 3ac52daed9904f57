"""Starts programs for tests on loopback ports of their own, waits until they serve, stops them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

SYSTEM_FOLDERS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class ServerMissing(Exception):
    """A server that this machine does not have; the sentence names what is needed."""


def program(name: str, *folders: str) -> str:
    """Find a program, also where only administrators look; raise ServerMissing."""
    search = os.pathsep.join([*folders, os.environ.get("PATH", ""), SYSTEM_FOLDERS])
    found = shutil.which(name, path=search)
    if found is None:
        raise ServerMissing(f"needs {name}: install it, or run make test as root on Debian")
    return found


def free_port() -> int:
    """Find a loopback port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def private_folder(name: str) -> Iterator[Path]:
    """Lend a short-named folder that servers running as other users may pass through."""
    folder = Path(tempfile.mkdtemp(prefix=f"muara-{name}-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: str | None = None,
    end: signal.Signals = signal.SIGTERM,
    patience: float = 15,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run one process in a group of its own, its words in ``log``, until the block ends.

    It is asked to end by the signal ``end`` and made to after ``patience`` seconds.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=cwd,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            start_new_session=True,
        )
    try:
        yield process
    finally:
        stop(process, end=end, patience=patience)


def stop(
    process: subprocess.Popen[bytes],
    *,
    end: signal.Signals = signal.SIGTERM,
    patience: float = 15,
) -> float:
    """End a process and what it started; return the seconds that took."""
    began = time.monotonic()
    if process.poll() is None:
        process.send_signal(end)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return time.monotonic() - began


def wait_for(
    ready: Callable[[], bool],
    *,
    what: str,
    log: Path,
    process: subprocess.Popen[bytes],
    seconds: float = 30,
    pause: float = 0.05,
) -> None:
    """Ask ``ready`` until it says so; raise with the log's last words where the process gave up."""
    deadline = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{what} does not serve:\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(pause)


def answers(port: int) -> bool:
    """Tell whether something on this machine accepts connections at a port."""
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0
