"""A cable between clients and a server on this machine, on which harm is done in between."""

from __future__ import annotations

import math
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from select import select
from threading import Event, Thread

CHUNK = 64 * 1024
Harm = Callable[[], None]


class Cable:
    """Carries whatever comes to ``port`` to a server and back, until harm is done.

    ``octets`` counts what was carried both ways, ``answers`` the pieces that the server sent, and
    ``asked`` holds each piece for the server with the number of answers before it.
    """

    def __init__(self, listener: socket.socket, server_port: int) -> None:
        """Carry from a listening socket to a port."""
        self.port: int = listener.getsockname()[1]
        self._listener, self.server_port = listener, server_port
        self._released = Event()
        self.undisturbed()

    def undisturbed(self) -> None:
        """Count anew, and carry everything."""
        self.harm_before(lambda: None)

    def harm_before(
        self, harm: Harm, *, octets: float = math.inf, answers: float = math.inf
    ) -> None:
        """Count anew, and do harm once, before more than so much is carried."""
        self.octets = self.answers = 0
        self.asked: list[tuple[int, bytes]] = []
        self._octets, self._answers, self._harm = octets, answers, harm

    def cut(self) -> None:
        """Be a harm that ends the connection."""
        raise ConnectionAbortedError

    def hold(self) -> None:
        """Be a harm after which nothing comes through any more, and nobody is told."""
        self._released.clear()
        self._released.wait()
        raise ConnectionAbortedError

    def release(self) -> None:
        """End the connections that are held."""
        self._released.set()

    def serve(self) -> None:
        """Take connections until the listener is closed."""
        with suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        with (
            client,
            suppress(OSError),
            socket.create_connection(("127.0.0.1", self.server_port)) as server,
        ):
            while True:
                for source in select([client, server], [], [])[0]:
                    chunk = source.recv(CHUNK)
                    if not chunk:
                        return
                    self._pass(chunk, client if source is server else server, source is server)

    def _pass(self, chunk: bytes, target: socket.socket, is_answer: bool) -> None:
        self.octets += len(chunk)
        self.answers += is_answer
        if not is_answer:
            self.asked.append((self.answers, chunk))
        if self.octets > self._octets or self.answers > self._answers:
            # An answer is lost whole; otherwise what fits is carried first.
            safe = 0 if self._octets == math.inf else len(chunk) - int(self.octets - self._octets)
            target.sendall(chunk[:safe])
            chunk, harm = chunk[safe:], self._harm
            self.undisturbed()
            harm()
        target.sendall(chunk)


@contextmanager
def run_cable(server_port: int) -> Iterator[Cable]:
    """Lay a cable to a server's port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        cable = Cable(listener, server_port)
        Thread(target=cable.serve, daemon=True).start()
        try:
            yield cable
        finally:
            cable.release()
            # Closing alone would not wake the thread that waits in accept.
            listener.shutdown(socket.SHUT_RDWR)
