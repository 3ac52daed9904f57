"""The embedded shape's own keys: made once, kept in files that only their owner can read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def read_or_make(path: Path, make: Callable[[], str], *, may_make: bool) -> str:
    """Read a key file; make it, mode 0600, where it is allowed to be new.

    Raise FileNotFoundError where a key is missing that must already exist, and other OSErrors as
    they come.
    """
    if path.exists() or not may_make:
        return path.read_text().strip()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(make() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return path.read_text().strip()
