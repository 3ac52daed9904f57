"""The embedded shape's own keys: made once, kept in files that only their owner can read."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp


class KeyMissing(Exception):
    """A key is not there, though something was made with it."""


class KeyExposed(Exception):
    """Other people of this machine can read a key."""


def read_or_make(path: Path, make: Callable[[], str], *, may_make: bool) -> str:
    """Read a key file; make it, mode 0600, where it is allowed to be new.

    Raise KeyMissing, KeyExposed, and OSErrors and UnicodeDecodeError as they come.
    """
    if not path.exists():
        if not may_make:
            raise KeyMissing
        _make(path, make)
    if path.stat().st_mode & 0o077:
        raise KeyExposed
    return path.read_text().strip()


def _make(path: Path, make: Callable[[], str]) -> None:
    """Write the key aside and link it into place whole; of several that do, the first one wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, aside = mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(make() + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(aside)
    finally:
        Path(aside).unlink()
