"""HTTP for other libraries: a ``requests`` session whose every connection ``wire`` has dialled.

``requests`` is heavy, so it is loaded by whoever opens a session and not before.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from wire.deadline import Deadline
from wire.dial import dial
from wire.encrypted import Connection
from wire.endpoint import Endpoint, Security
from wire.errors import ConnectionFailed, HostNotAllowed, ProtocolError, about
from wire.guard import Guard
from wire.limits import MIB
from wire.ourselves import NAME
from wire.tls import checked_context, encrypt

if TYPE_CHECKING:
    import requests

HTTPS = {"https": Security.TLS}
HTTPS_AND_HTTP = HTTPS | {"http": Security.PLAIN}
PORTS = {Security.TLS: 443, Security.PLAIN: 80}
USER_AGENT = f"{NAME} (self-hosted web mailbox)"
CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 15.0


def open_http(
    *,
    guard: Guard,
    seconds: float = 30,
    octets: int = MIB,
    redirects: int = 3,
    allow_plain: bool = False,
) -> requests.Session:
    """Return a session for one errand; the caller closes it.

    All its requests together must be over within ``seconds`` and follow at most ``redirects``
    redirections, each checked like a first request; an answer may have ``octets`` with its head.
    Only https:// on port 443 is spoken, and http:// on port 80 with ``allow_plain``. What goes
    wrong on the way is raised as a MailError, not as an error of ``requests``.
    """
    import requests  # noqa: PLC0415 - heavy, and most processes never need it

    session = requests.Session()
    guard_session(
        session,
        Line(guard, Deadline(seconds), octets, HTTPS_AND_HTTP if allow_plain else HTTPS, redirects),
    )
    return session


def guard_session(session: requests.Session, line: Line) -> None:
    """Let a session of any library talk over our line only, whatever the environment says."""
    session.trust_env = False  # No proxies, no .netrc, no other authorities.
    session.headers["User-Agent"] = USER_AGENT
    # What is packed may unpack to anything.
    session.headers["Accept-Encoding"] = "identity"
    session.adapters.clear()
    session.mount("", line)  # type: ignore[arg-type]  # all that is asked of an adapter


class Line:
    """The way to web servers for one errand, in the shape of an adapter of ``requests``."""

    def __init__(
        self,
        guard: Guard,
        deadline: Deadline,
        octets: int = MIB,
        schemes: dict[str, Security] = HTTPS,
        redirects: int = 0,
    ) -> None:
        """Speak these schemes; the deadline and the redirections are those of the errand."""
        self._guard = guard
        self._deadline = deadline
        self._octets = octets
        self._schemes = schemes
        self._redirects = redirects

    def send(self, request: requests.PreparedRequest, **_options: object) -> requests.Response:
        """Make one request over a connection of its own; whatever else is asked for is ignored.

        Raise a MailError of account scope, with host and port among its facts.
        """
        endpoint = self._endpoint(str(request.url))
        with (
            about(endpoint),
            _trouble_named(),
            closing(self._connect(endpoint)) as connection,
        ):
            head, body = self._exchange(request, endpoint, connection)
        answer = _answer(request, head, body)
        if answer.is_redirect:
            if not self._redirects:
                raise ProtocolError("server.protocol", host=endpoint.host, port=endpoint.port)
            self._redirects -= 1
        return answer

    def close(self) -> None:
        """Keep nothing open between requests."""

    def _endpoint(self, url: str) -> Endpoint:
        """Return where a URL leads. Raise HostNotAllowed for another scheme or port."""
        parts = urlsplit(url)
        host, security = parts.hostname or "", self._schemes.get(parts.scheme)
        if security is None or parts.port not in {None, PORTS[security]}:
            raise HostNotAllowed("conn.private", host=host)
        return Endpoint(host, PORTS[security], security)

    def _connect(self, endpoint: Endpoint) -> Connection:
        connection = dial(
            endpoint, guard=self._guard, deadline=self._deadline, seconds=CONNECT_SECONDS
        )
        if endpoint.security is Security.PLAIN:
            return connection
        try:
            self._deadline.allow(CONNECT_SECONDS)
            return encrypt(connection, endpoint.host, checked_context(), self._deadline)
        except BaseException:
            connection.close()
            raise

    def _exchange(
        self, request: requests.PreparedRequest, endpoint: Endpoint, connection: Connection
    ) -> tuple[HTTPResponse, bytes]:
        self._deadline.allow(ANSWER_SECONDS)
        talk = HTTPConnection(endpoint.host, endpoint.port)
        talk.sock = _Paced(connection, self._deadline, self._octets)
        parts = urlsplit(str(request.url))
        target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        headers = {**request.headers, "Host": _host_header(endpoint), "Connection": "close"}
        talk.request(str(request.method), target, request.body, headers)
        head = talk.getresponse()
        if head.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise ProtocolError("server.protocol")
        return head, head.read()


def _host_header(endpoint: Endpoint) -> str:
    return f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host


@contextmanager
def _trouble_named() -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise ConnectionFailed("conn.timeout") from error
    except OSError as error:
        raise ConnectionFailed("conn.lost") from error
    except HTTPException as error:
        raise ProtocolError("server.protocol") from error


def _answer(
    request: requests.PreparedRequest, head: HTTPResponse, body: bytes
) -> requests.Response:
    """Write an answer in the form that ``requests`` and what stands on it read."""
    from requests import Response  # noqa: PLC0415 - loaded by now
    from requests.utils import get_encoding_from_headers  # noqa: PLC0415

    answer = Response()
    answer.status_code, answer.reason = head.status, head.reason
    for name, value in head.headers.items():
        # What comes several times is one list (RFC 9110 section 5.2).
        before = answer.headers.get(name)
        answer.headers[name] = value if before is None else f"{before}, {value}"
    answer.encoding = get_encoding_from_headers(answer.headers)
    answer.url, answer.request = str(request.url), request
    answer.raw = io.BytesIO(body)
    answer._content = body  # noqa: SLF001 - it has been read within our limits
    return answer


class _Paced:
    """A socket as ``http.client`` uses it, held to the deadline and to so many octets."""

    def __init__(self, connection: Connection, deadline: Deadline, octets: int) -> None:
        self._connection, self._deadline, self._octets = connection, deadline, octets

    def sendall(self, data: bytes) -> None:
        self._connection.settimeout(self._deadline.left())
        self._connection.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._connection, self._deadline, self._octets))

    def close(self) -> None:
        """Leave that to whoever dialled: the body is still to come."""


class _Reader(io.RawIOBase):
    def __init__(self, connection: Connection, deadline: Deadline, octets: int) -> None:
        super().__init__()
        self._connection, self._deadline, self._left = connection, deadline, octets

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connection.settimeout(self._deadline.left())
        data = self._connection.recv(len(buffer))
        got = len(data)
        buffer[:got] = data
        self._deadline.earn(got)
        self._left -= got
        if self._left < 0:
            raise ProtocolError("server.protocol")
        return got
