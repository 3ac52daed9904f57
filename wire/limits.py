"""What we are willing to wait for and to read in one session."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one session, in seconds, octets and messages.

    ``overtime_seconds`` is how much longer one answer may take that makes progress.
    """

    session_seconds: float = 3600
    overtime_seconds: float = 0
    connect_seconds: float = 15
    answer_seconds: float = 60
    sign_in_seconds: float = 30
    line_bytes: int = MIB
    listed: int = 250_000
    message_bytes: int = 50 * MIB
    window_bytes: int = 16 * MIB
