"""Keeps commands waiting while ``serve`` brings the database up to date, as at its first start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

WAITING = "Muara is starting and brings its database up to date; waiting until that is done."


@contextmanager
def preparing() -> Iterator[None]:
    """Keep commands waiting until the block ends, be it with this process."""
    import fcntl  # noqa: PLC0415 - not on every platform; only `serve` needs it

    with _lock_file().open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def wait_until_prepared(say: Callable[[str], object]) -> None:
    """Return once nobody prepares the database; if somebody does, say so."""
    if not _lock_file().exists():
        return
    import fcntl  # noqa: PLC0415 - as above

    with _lock_file().open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            say(WAITING)
            fcntl.flock(file, fcntl.LOCK_SH)


def _lock_file() -> Path:
    return Path(settings.MUARA_DATA) / "preparing.lock"
