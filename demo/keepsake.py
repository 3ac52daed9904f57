"""What the demo remembers from its first start: the sign-in, and when its letters were dated."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

FILE = "demo.json"


class NotADemo(Exception):
    """The folder holds somebody's real mail, or cannot be written; the text says which."""


@dataclass(frozen=True, slots=True)
class Keepsake:
    """Passwords of the demo user and of both mailboxes, and the letters' date of birth."""

    password: str = field(repr=False)
    mailbox_password: str = field(repr=False)
    born: str

    @property
    def born_at(self) -> datetime:
        """Return the moment that all letters' ages are counted back from."""
        return datetime.fromisoformat(self.born)


def remember(folder: Path, *, now: datetime) -> Keepsake:
    """Read the keepsake of an earlier start, or make one (mode 0600).

    Raise NotADemo where the folder holds data that no demo made, or cannot be used.
    """
    path = folder / FILE
    try:
        if path.exists():
            return Keepsake(**json.loads(path.read_text()))
        if (folder / "muara.sqlite3").exists():
            raise NotADemo(
                f"{folder} holds a Muara that no demo has made. Unset MUARA_DATA or point it "
                "to an empty folder."
            )
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _make(path, now)
    except (OSError, ValueError, TypeError) as error:
        raise NotADemo(
            f"{path} cannot be used ({error}). Remove {folder} to start anew."
        ) from error


def _make(path: Path, now: datetime) -> Keepsake:
    born = now.astimezone(UTC).replace(microsecond=0).isoformat()
    keepsake = Keepsake(secrets.token_urlsafe(12), secrets.token_urlsafe(12), born)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(keepsake), file)
    return keepsake
