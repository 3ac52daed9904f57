"""A connection in TLS that reads many records with one call of the system.

A socket of Python's own asks the system twice for each record, which is dearer than decrypting it.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from time import monotonic
from typing import Self

from wire.certificates import shown_chain
from wire.deadline import Deadline

# Servers put 4 to 16 KB into a record.
RECEIVED = 256 * 1024


class Encrypted:
    """What ``wire.lines`` needs of a socket, spoken through TLS."""

    def __init__(self, connection: socket.socket, context: ssl.SSLContext, host: str) -> None:
        """Prepare for a server whose certificate must bear the name, if the context checks it."""
        self._connection = connection
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._ends = monotonic()
        self._tls = context.wrap_bio(self._arrived, self._leaving, server_hostname=host)

    def shake_hands(self, deadline: Deadline) -> Self:
        """Agree on keys. Raise OSError, of which SSLError and TimeoutError are kinds."""
        try:
            while not self._has_agreed():
                self.settimeout(deadline.left())
                self._flush()
                if not self._receive():
                    self._arrived.write_eof()
            self._flush()
        except ssl.SSLError:
            # What is wrong with the certificate is told to the server's keeper, too.
            with suppress(OSError):
                self._flush()
            raise
        return self

    def _has_agreed(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def version(self) -> str | None:
        """Return the name of TLS's version."""
        return self._tls.version()

    def certificates(self) -> list[bytes]:
        """Return the chain that the server showed, in DER."""
        return shown_chain(self._tls)

    def settimeout(self, seconds: float) -> None:
        """Let the next call take so long at most, however many octets drip in meanwhile."""
        self._ends = monotonic() + seconds
        self._connection.settimeout(seconds)

    def sendall(self, data: bytes) -> None:
        """Send everything."""
        self._tls.write(data)
        self._flush()

    def recv(self, count: int) -> bytes:
        """Return what has arrived, at most ``count`` octets; nothing after the end."""
        pieces, octets = list[bytes](), 0
        while octets < count:
            try:
                piece = self._tls.read(count - octets)
            except ssl.SSLWantReadError:
                if pieces or not self._receive():
                    break
                continue
            if not piece:
                break
            pieces.append(piece)
            octets += len(piece)
        # The server may have asked for new keys.
        self._flush()
        return b"".join(pieces)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _receive(self) -> bool:
        """Take what waits in the socket; tell whether there was anything before its end."""
        left = self._ends - monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return self._arrived.write(self._connection.recv(RECEIVED)) > 0

    def _flush(self) -> None:
        if self._leaving.pending:
            self._connection.sendall(self._leaving.read())


Connection = socket.socket | Encrypted
