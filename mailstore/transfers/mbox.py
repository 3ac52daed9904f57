"""The mbox form (RFC 4155) in its reversible kind, mboxrd: messages one after another in a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import IO

FROM = b"From "
FROM_LINE = re.compile(rb"^(>*From )", re.MULTILINE)
QUOTED = re.compile(rb">+From ")
# Longer lines are read in pieces; only the first can be a From line.
PIECE = 64 * 1024


def entry(raw: bytes, received_at: datetime) -> bytes:
    """Return a message as it stands in an mbox: ``>`` before each of its own ``From `` lines."""
    date = received_at.strftime("%a %b %d %H:%M:%S %Y").encode()
    quoted = FROM_LINE.sub(rb">\1", raw)
    end = b"" if raw.endswith(b"\n") else b"\n"
    return b"From MAILER-DAEMON " + date + b"\n" + quoted + end + b"\n"


def split(file: IO[bytes], largest: int) -> Iterator[bytes | None]:
    """Yield the messages of an mbox, None for one that is larger than ``largest`` bytes.

    No more than that is in memory at once, whatever the file holds. Only what follows a ``From ``
    line is a message, so a file without one has none.
    """
    lines: list[bytes] | None = None
    size, is_blank, is_start = 0, True, True
    while piece := file.readline(PIECE):
        if is_start and is_blank and piece.startswith(FROM):
            if lines is not None:
                yield _message(lines, size, largest)
            lines, size, is_blank = [], 0, False
        elif lines is not None:
            size += len(piece)
            if size <= largest + 2:
                lines.append(piece[1:] if is_start and QUOTED.match(piece) else piece)
            else:
                lines.clear()
            is_blank = is_start and not piece.strip(b"\r\n")
        is_start = piece.endswith(b"\n")
    if lines is not None:
        yield _message(lines, size, largest)


def _message(lines: list[bytes], size: int, largest: int) -> bytes | None:
    """Put a message together, without the empty line that ends it."""
    if size > largest + 2:
        return None
    if lines and not lines[-1].strip(b"\r\n"):
        lines.pop()
    return b"".join(lines)
