"""What the standard library's clients take for socket and file, within our limits of size and time.

Underneath are ``Lines``: each answer has its deadline, and may have so many octets and no more.
"""

from __future__ import annotations

from typing import Self

from wire.errors import ProtocolError
from wire.lines import Lines


class Stream:
    """A conversation in which every sending begins a new answer.

    Reading and writing raise MailErrors, which the clients let pass.
    """

    def __init__(self, lines: Lines, *, seconds: float, octets: int) -> None:
        """Let each answer take ``seconds`` without bringing anything, and have ``octets``."""
        self.lines = lines
        self.octets = octets
        self._seconds = seconds
        self._left = octets

    def sendall(self, data: bytes) -> None:
        """Send everything; what is read from now on belongs to a new answer."""
        self.lines.release()
        self._left = self.octets
        self.lines.deadline.allow(self._seconds)
        self.lines.send(data)

    def allow(self, seconds: float) -> None:
        """Let each of the following answers take so long."""
        self._seconds = seconds

    def readline(self, most: int = -1) -> bytes:  # noqa: ARG002 - the limit of ``Lines`` is ours
        """Return the next line with its end; raise ProtocolError when the answer is too long."""
        line = self.lines.read_on()
        self._spend(len(line))
        return line + b"\r\n"

    def read(self, count: int) -> bytes:
        """Return the next ``count`` octets; raise ProtocolError when the answer is too long."""
        self._spend(count)
        return self.lines.read_octets(count)

    def makefile(self, mode: str) -> Self:  # noqa: ARG002 - as a socket has it
        """Return ourselves, since reading is one thing for both."""
        return self

    def close(self) -> None:
        """Close the connection."""
        self.lines.close()

    def _spend(self, octets: int) -> None:
        self._left -= octets
        if self._left < 0:
            raise ProtocolError("server.protocol")
