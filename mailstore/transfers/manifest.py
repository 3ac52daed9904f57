"""What an export says about its messages, a line of JSON for each, and an import reads again."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import IO, Any

NAME = "messages.jsonl"
LONGEST = 64 * 1024
# Lines may name what is missing; so far ahead the right one is looked for.
AHEAD = 100


@dataclass(frozen=True, slots=True)
class Note:
    """One message: the file it stands in, its digest, where it lay, and its marks.

    ``copy`` numbers messages of one account whose bytes are the same.
    """

    file: str
    sha256: str
    size: int
    account: str
    role: str
    folder: tuple[str, ...] = ()
    received_at: str = ""
    seen: bool = False
    flagged: bool = False
    answered: bool = False
    draft: bool = False
    labels: tuple[str, ...] = ()
    copy: int = 0

    def line(self) -> str:
        """Return it as it is written."""
        return json.dumps({name: value for name, value in asdict(self).items() if value}) + "\n"

    def is_about(self, raw: bytes) -> bool:
        """Tell whether it was written about these bytes."""
        fits = 0 <= len(raw) - self.size <= 1
        return fits and sha256(raw[: self.size]).hexdigest() == self.sha256

    @property
    def arrived_at(self) -> datetime | None:
        """Return when the message arrived, or None where that is no time."""
        try:
            moment = datetime.fromisoformat(self.received_at)
        except ValueError:
            return None
        return moment.astimezone(UTC) if moment.tzinfo else None


@dataclass
class Notes:
    """The notes of an archive, asked for in the order of its messages."""

    lines: Iterator[Note]
    near: deque[Note] = field(default_factory=deque)

    def find(self, file: str, raw: bytes) -> Note | None:
        """Return the note on a message; those on what should stand before it are let go.

        Its digest must be that of the bytes, of which the last may be a line end that was added.
        """
        for number in range(AHEAD):
            if number == len(self.near):
                note = next(self.lines, None)
                if note is None:
                    return None
                self.near.append(note)
            note = self.near[number]
            if note.file == file and note.is_about(raw):
                for _ in range(number + 1):
                    self.near.popleft()
                return note
        return None


def read(file: IO[bytes]) -> Iterator[Note]:
    """Yield the notes of a file; whatever is not one is passed over."""
    while line := file.readline(LONGEST):
        if note := _note(line):
            yield note


def _note(line: bytes) -> Note | None:
    try:
        told = json.loads(line)
        return Note(
            file=_text(told["file"]),
            sha256=_text(told["sha256"]),
            size=_number(told.get("size", 0)),
            account=_text(told.get("account", "")),
            role=_text(told.get("role", "")),
            folder=_texts(told.get("folder", ())),
            received_at=_text(told.get("received_at", "")),
            labels=_texts(told.get("labels", ())),
            copy=_number(told.get("copy", 0)),
            **{name: told.get(name) is True for name in ("seen", "flagged", "answered", "draft")},
        )
    except (ValueError, KeyError, TypeError, RecursionError, AttributeError):
        return None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value.replace("\0", "")


def _number(value: Any) -> int:
    if not isinstance(value, int) or value < 0:
        raise TypeError
    return value


def _texts(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(map(_text, values))
