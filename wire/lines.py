"""Reads lines and dot-ended blocks from a connection, within limits of size and time."""

from __future__ import annotations

import socket
import ssl
from time import monotonic

from wire import crowd
from wire.deadline import Deadline
from wire.encrypted import Connection, Encrypted
from wire.errors import ConnectionFailed, ProtocolError
from wire.tls import encrypt

CHUNK = 256 * 1024
# A block too long to keep is read on, so that the next answer is found, up to this many times its
# limit: a block without end must not be read for ever.
DRAINED = 20
TCP_ROUND_TRIPS = 1
# TLS 1.3 needs one (RFC 8446 section 2), the version before it one more.
OLD_TLS_ROUND_TRIPS = 2


class Lines:
    """A connection seen as lines; what arrived and was not asked for yet waits in a buffer.

    ``round_trips`` counts flights sent and waited for, those of TCP and TLS among them;
    ``octets_in`` and ``octets_out`` count what was said, without what TLS adds.
    """

    def __init__(self, connection: socket.socket, deadline: Deadline, longest: int) -> None:
        """Read lines of at most ``longest`` octets."""
        self.deadline = deadline
        self.is_encrypted = False
        self.round_trips = TCP_ROUND_TRIPS
        self.octets_in = self.octets_out = 0
        # A server speaks first, so the end of the handshake is a flight that asks for its greeting.
        self._is_asking = True
        self._socket = connection
        self._stream: Connection = connection
        self._longest = longest
        self._received = bytearray()
        self._line_end = b"\r\n"
        self._entered_at: float | None = None
        self._entered_with = 0
        self._has_turn = False

    @property
    def waiting(self) -> int:
        """Return how many octets have arrived that nobody has read yet."""
        return len(self._received)

    def encrypt(self, context: ssl.SSLContext, host: str) -> None:
        """Go on in TLS. Raise ProtocolError when something was said already in the clear.

        Whoever sits in between could have put it there to be taken for the server's own words.
        """
        if self._received:
            raise ProtocolError("server.protocol")
        stream = encrypt(self._socket, host, context, self.deadline)
        self.round_trips += 1 if stream.version() == "TLSv1.3" else OLD_TLS_ROUND_TRIPS
        self._stream = stream
        self.is_encrypted = True

    def certificates(self) -> list[bytes]:
        """Return the chain that the server showed, in DER; nothing without TLS."""
        return self._stream.certificates() if isinstance(self._stream, Encrypted) else []

    def send(self, data: bytes) -> None:
        """Send everything or raise ConnectionFailed."""
        try:
            self._stream.settimeout(self.deadline.left())
            self._stream.sendall(data)
        except OSError as error:
            raise _failed(error) from error
        self.octets_out += len(data)
        self._is_asking = True

    def read_line(self) -> bytes:
        """Return the next line without its end. Raise ProtocolError when it is too long."""
        self.release()
        return self.read_on()

    def read_on(self) -> bytes:
        """Return the next line of an answer of which more is held; else as ``read_line``."""
        searched = 0
        while (end := self._received.find(b"\n", searched)) < 0:
            searched = len(self._received)
            if searched > self._longest:
                raise ProtocolError("server.protocol")
            self._fill()
        line = self._take(end + 1)
        self._line_end = b"\r\n" if line.endswith(b"\r\n") else b"\n"
        return line.removesuffix(self._line_end)

    def read_octets(self, count: int) -> bytes:
        """Return just so many octets of an answer; a large one is let in by turns."""
        if count > crowd.SMALL:
            self._enter()
        while len(self._received) < count:
            self._fill()
        return self._take(count)

    def read_list(self, most: int) -> bytes:
        """Return the block that follows a line; raise ProtocolError beyond ``most`` octets."""
        block = self._read_block(most, drain=0)
        if block is None:
            raise ProtocolError("server.protocol")
        return block

    def read_message(self, most: int) -> bytes | None:
        """Return the block that follows a line; beyond ``most`` octets read on and return None."""
        return self._read_block(most, drain=most * DRAINED)

    def _read_block(self, most: int, *, drain: int) -> bytes | None:
        """Read up to the lone dot and undo the stuffing of dots (RFC 1939 section 3).

        Where the line before ended in a bare LF the block does too. Otherwise a bare LF ends no
        line, lest a mail that holds one and a dot end early and its rest pass for an answer.
        """
        self.release()
        line_end = self._line_end
        length, dropped, is_stuffed = self._find_dot(line_end, most, drain)
        block = self._take(length)
        self._take(len(b".") + len(line_end))
        if dropped or length > most:
            return None
        if block.startswith(b".."):
            block = block[1:]
        return block.replace(line_end + b"..", line_end + b".") if is_stuffed else block

    def _find_dot(self, line_end: bytes, most: int, drain: int) -> tuple[int, int, bool]:
        """Receive until the lone dot.

        Return where it stands, how many octets were dropped, and whether other lines begin with a
        dot. Few mails have such lines, so that one search finds that out and the end as well.
        """
        mark = line_end + b"." + line_end
        sought = mark[: -len(line_end)]
        dropped = searched = 0
        while True:
            if not dropped and self._received.startswith(mark[len(line_end) :]):
                return 0, 0, False
            found = self._received.find(sought, searched)
            if found >= 0 and self._received.startswith(mark, found):
                return found + len(line_end), dropped, sought == mark
            if 0 <= found <= len(self._received) - len(mark):
                sought, searched = mark, found
                continue
            searched = max(0, len(self._received) - len(mark) + 1)
            if dropped or len(self._received) > most + len(mark):
                dropped += searched
                del self._received[:searched]
                searched = 0
            if dropped > drain:
                raise ProtocolError("server.protocol")
            if len(self._received) > crowd.SMALL:
                self._enter()
            self._fill()

    def _enter(self) -> None:
        """Have a place for a large answer, until the next one is read and this one has its use.

        A place is lost to those who wait if the server is slower than is fair to them.
        """
        if self._entered_at is None:
            if not crowd.GATE.enter(self.deadline.session_left()):
                raise ConnectionFailed("conn.timeout")
            self._entered_at, self._entered_with = monotonic(), self.octets_in
            self.deadline.renew()
        elif crowd.GATE.is_wanted and self._dawdles(monotonic() - self._entered_at):
            raise ConnectionFailed("conn.timeout")

    def _dawdles(self, seconds: float) -> bool:
        had = self.octets_in - self._entered_with
        return seconds > crowd.FAIR_SECONDS and had < seconds * crowd.FAIR_PACE

    def take_turn(self) -> None:
        """Be the only one who works with a long list, until the next answer is read."""
        if not crowd.LISTS.enter(self.deadline.session_left()):
            raise ConnectionFailed("conn.timeout")
        self._has_turn = True

    def release(self) -> None:
        """Let others read large answers: the one that was read here has had its use."""
        if self._has_turn:
            self._has_turn = False
            crowd.LISTS.leave()
        if self._entered_at is not None:
            self._entered_at = None
            crowd.GATE.leave()

    def _take(self, count: int) -> bytes:
        with memoryview(self._received) as view:
            taken = bytes(view[:count])
        del self._received[:count]
        return taken

    def _fill(self) -> None:
        try:
            self._stream.settimeout(self.deadline.left())
            chunk = self._stream.recv(CHUNK)
        except OSError as error:
            raise _failed(error) from error
        if not chunk:
            raise ConnectionFailed("conn.lost")
        self.round_trips += self._is_asking
        self._is_asking = False
        self.octets_in += len(chunk)
        self.deadline.earn(len(chunk))
        self._received += chunk

    def close(self) -> None:
        """Close the connection without a word, and forget what nobody asked for yet."""
        self._stream.close()
        self._received.clear()
        self.release()


def _failed(error: OSError) -> ConnectionFailed:
    return ConnectionFailed("conn.timeout" if isinstance(error, TimeoutError) else "conn.lost")
