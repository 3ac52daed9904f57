"""How the processes of the embedded shape notice that the one that started them is gone."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

LIFELINE = "MUARA_LIFELINE"
GRACE_SECONDS = 8


def end_with_parent() -> None:
    """End this process when the pipe named by ``MUARA_LIFELINE`` closes, politely, then surely.

    The supervisor holds the other end open, so that even a ``kill -9`` of it leaves no orphan.
    """
    descriptor = os.environ.get(LIFELINE, "")
    if descriptor:
        threading.Thread(target=_wait_for_end, args=(int(descriptor),), daemon=True).start()


def _wait_for_end(descriptor: int) -> None:
    while os.read(descriptor, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def take_lock(path: Path) -> int | None:
    """Lock a file for as long as this process, or one that inherits the descriptor, lives.

    Return the descriptor, or None when another process holds the lock.
    """
    import fcntl  # noqa: PLC0415 - not on every platform; only `serve` needs it

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
