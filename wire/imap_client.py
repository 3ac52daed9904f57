"""The library's IMAP client over a connection that we have dialled, encrypted and bounded."""

from __future__ import annotations

import imaplib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from imapclient import IMAPClient

from wire.errors import ConnectionFailed, MailError, ProtocolError
from wire.imap_replies import refusal
from wire.refusals import passing
from wire.stream import Stream

# What imaplib and imapclient raise for an answer they cannot read depends on where it breaks.
CONFUSED = (
    *(imaplib.IMAP4.error, ValueError, TypeError, LookupError, AttributeError),
    *(ArithmeticError, AssertionError, RecursionError),
)
Response = tuple[str, list[Any]]


class Connection(imaplib.IMAP4):
    """The standard library's half: every octet goes through a Stream, and nothing is logged."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._is_greeted = False
        super().__init__()

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:  # noqa: ARG002
        """Take the connection that is there."""
        self.host, self.port = host, port

    def readline(self) -> bytes:
        """Return the next line; the greeting was heard by ``wire.imap`` and found to be OK."""
        if not self._is_greeted:
            self._is_greeted = True
            return b"* OK\r\n"
        return self._stream.readline()

    def read(self, size: int) -> bytes:
        """Return the octets of a literal."""
        return self._stream.read(size)

    def send(self, data: Any) -> None:
        """Send part of a command."""
        self._stream.sendall(data)

    def shutdown(self) -> None:
        """Close the connection."""
        self._stream.close()

    def _mesg(self, *words: object) -> None:
        """Print nothing: commands hold secrets."""

    def _log(self, line: object) -> None:
        """Keep nothing for a traceback either."""


class Client(IMAPClient):  # type: ignore[misc]  # imapclient has few types
    """A client to a server that has greeted, and was asked what it can do."""

    def __init__(self, stream: Stream) -> None:
        """Raise MailErrors, or whatever ``understood`` knows."""
        self.bounded = stream  # ``stream`` is another thing to the library.
        super().__init__("", ssl=False)
        self._imap.debug = 0

    def _create_IMAP4(self) -> Connection:  # noqa: N802 - the library's name
        return Connection(self.bounded)

    def _set_read_timeout(self) -> None:
        """Leave time to the stream."""

    @property
    def offers(self) -> frozenset[str]:
        """Return what the server announced last, in upper case."""
        return frozenset(map(str, self._imap.capabilities))

    def learn(self) -> None:
        """Replace what is known of the server by what it has just announced."""
        with understood():
            told = b" ".join(self.take("CAPABILITY")).decode("ascii").upper()
        self._imap.capabilities = tuple(told.split())

    def command(self, name: str, *words: str | bytes) -> Response:
        """Give a command and return how it was answered. Raise MailErrors for what is no answer.

        What came untagged before is forgotten: nobody asked for it.
        """
        self._imap.untagged_responses.clear()
        with understood():
            try:
                # The public way raises for BAD what it returns for NO; to us both are a refusal.
                tag = self._imap._command(name, *words)  # noqa: SLF001
                answered: Response = self._imap._get_tagged_response(tag)  # noqa: SLF001
            except imaplib.IMAP4.abort:
                if farewell := self.take("BYE"):
                    raise _farewell(farewell[-1]) from None
                raise
        return answered

    def authenticate(self, mechanism: str, answer: Callable[[bytes], bytes]) -> Response:
        """Sign in by SASL; ``answer`` is given each challenge in base64 and returns ours."""
        self._imap.literal = _Answers(answer).give
        return self.command("AUTHENTICATE", mechanism)

    def enter(self) -> None:
        """Go on as somebody who has signed in."""
        self._imap.state = "AUTH"

    def examine(self, mailbox: str) -> Response:
        """Open a mailbox for reading only, so that nothing changes there."""
        self._imap.is_readonly = True
        answered = self.command("EXAMINE", mailbox)
        if answered[0] == "OK":
            self._imap.state = "SELECTED"
        return answered

    def take(self, kind: str) -> list[Any]:
        """Return the untagged data of one kind that came, and forget it."""
        return list(self._imap.untagged_responses.pop(kind, []))


class _Answers:
    """Answers to challenges; imaplib asks for a method."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._answer = answer

    def give(self, challenge: bytes) -> bytes:
        return self._answer(challenge)


def _farewell(words: bytes) -> MailError:
    """Say why the server took its leave before it was asked to."""
    said = passing(refusal(words.decode("utf-8", "replace"), ""))
    return said or ConnectionFailed("conn.lost")


@contextmanager
def understood() -> Iterator[None]:
    """Turn what the libraries raise for an answer that they cannot read into a ProtocolError."""
    try:
        yield
    except CONFUSED as error:
        raise ProtocolError("server.protocol") from error
