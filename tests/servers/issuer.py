"""Tells a mail server whose access token it was shown, as an OAuth 2.0 provider does (RFC 7662)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs


@dataclass
class Issuer:
    """The tokens that are valid, each with its owner's name; ``is_well`` false makes it fail."""

    url: str
    owners: dict[str, str] = field(default_factory=dict)
    is_well: bool = True


@contextmanager
def run_issuer() -> Iterator[Issuer]:
    """Answer questions about tokens on a loopback port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answer) as server:
        issuer = Issuer(f"http://127.0.0.1:{server.server_port}/introspect")
        server.issuer = issuer  # type: ignore[attr-defined]  # where the handler finds it
        thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()


class _Answer(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        issuer: Issuer = self.server.issuer  # type: ignore[attr-defined]  # see above
        asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        owner = issuer.owners.get(asked["token"][0])
        told = {"active": True, "username": owner} if owner else {"active": False}
        self.send_response(HTTPStatus.OK if issuer.is_well else HTTPStatus.SERVICE_UNAVAILABLE)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        """Keep quiet."""
