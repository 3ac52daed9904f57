"""A web server of a few lines: it sends what it is told to, octet for octet, and keeps requests."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any

Behaviour = Callable[[Any], None]


@dataclass
class Web:
    """A running server: what it sends by path (404 otherwise), and the requests it has heard."""

    port: int
    sends: dict[str, bytes | Behaviour] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)


def page(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    """Write a whole answer; header names are given with underscores."""
    fields = {"Content-Length": str(len(body))} | headers
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode() + body


@contextmanager
def run_web(context: ssl.SSLContext | None = None) -> Iterator[Web]:
    """Serve on a loopback port, over TLS where there is a context for it."""

    class Answer(StreamRequestHandler):
        def handle(self) -> None:
            lines = [line := self.rfile.readline()]
            while line.strip():
                lines.append(line := self.rfile.readline())
            length = next((int(x[15:]) for x in lines if x.lower().startswith(b"content-le")), 0)
            web.heard.append((b"".join(lines) + self.rfile.read(length)).decode())
            what = web.sends.get(lines[0].split()[1].decode(), page(status="404 Not Found"))
            if isinstance(what, bytes):
                self.wfile.write(what)
            else:
                what(self.wfile)

    class Server(ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

        def get_request(self) -> Any:
            connection, address = super().get_request()
            if context is not None:
                # The handshake comes with the first read, in the thread of the request.
                connection = context.wrap_socket(
                    connection, server_side=True, do_handshake_on_connect=False
                )
            return connection, address

        def finish_request(self, request: Any, client_address: Any) -> None:
            with suppress(OSError):  # Whoever does not trust us, or has heard enough, hangs up.
                super().finish_request(request, client_address)

    with Server(("127.0.0.1", 0), Answer) as server:
        web = Web(server.server_address[1])
        thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield web
        finally:
            server.shutdown()
            thread.join()
