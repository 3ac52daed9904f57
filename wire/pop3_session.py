"""A signed-in POP3 session: list, retrieve, delete, finish (RFC 1939, 2449)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

from wire.endpoint import Endpoint
from wire.errors import MailError, MessageTooLarge, ProtocolError, Scope, about
from wire.lines import Lines
from wire.login import PasswordLogin
from wire.pop3_replies import (
    Reply,
    message_refusal,
    read_capabilities,
    read_reply,
    read_sizes,
    read_totals,
    read_uids,
    refusal,
)
from wire.window import Window

MIB = 1024 * 1024
# A RETR line is about ten octets: this many fit into any socket's buffer, so that sending them
# never waits for a server that in turn waits for us to read.
IN_FLIGHT = 200
CAPABILITIES_BYTES = 64 * 1024
# What a line of a list may have on average.
LISTED_BYTES = 100
OVERLAP = "the answers to other commands are still being read"

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class RemoteItem:
    """One message as the server lists it.

    ``uid`` is its UIDL, empty where the server gives none; ``size`` is a hint in octets.
    """

    number: int
    uid: str
    size: int


Answered = tuple[RemoteItem, bytes | MailError]


@dataclass(frozen=True, slots=True)
class Limits:
    """What we are willing to wait for and to read, in seconds, octets and messages."""

    session_seconds: float = 3600
    connect_seconds: float = 15
    answer_seconds: float = 60
    sign_in_seconds: float = 30
    line_bytes: int = MIB
    listed: int = 500_000
    message_bytes: int = 50 * MIB
    window_bytes: int = 16 * MIB


class Pop3Session:
    """A session as ``wire.pop3.open_pop3`` makes it, signed in.

    Every method may raise MailErrors of account scope, after which the session is of no more use.
    Leaving the context closes the connection without QUIT, so that nothing is deleted.
    """

    def __init__(
        self, lines: Lines, login: PasswordLogin, limits: Limits, endpoint: Endpoint
    ) -> None:
        """Talk over ``lines``, on which the server has sent its greeting."""
        self.lines = lines
        self.endpoint = endpoint
        self.limits = limits
        self.offers: dict[str, frozenset[str]] = {}
        self._login = login
        self._reading = False
        self._abandoned = False
        self._deleting = False

    def __enter__(self) -> Self:
        """Return the session itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection without a word."""
        self.lines.close()

    @property
    def capabilities(self) -> frozenset[str]:
        """Return the names of what the server can do, in upper case (RFC 2449)."""
        return frozenset(self.offers)

    def stat(self) -> tuple[int, int]:
        """Return how many messages there are, and their octets together as a hint."""
        with about(self.endpoint):
            return read_totals(self.demand("STAT").text)

    def list_items(self) -> list[RemoteItem]:
        """Return all messages in the server's order. Raise ProtocolError for an unreadable list.

        A message that only one of the server's two lists names is there all the same.
        """
        with about(self.endpoint):
            sizes_block, uids_block = self._lists()
            sizes, uids = read_sizes(sizes_block), read_uids(uids_block)
        numbers = sorted(sizes.keys() | uids.keys())
        return [
            RemoteItem(number, uids.get(number, ""), sizes.get(number, 0)) for number in numbers
        ]

    def headers(
        self, items: Iterable[RemoteItem]
    ) -> Iterator[tuple[RemoteItem, bytes | MailError]]:
        """Yield the header block of each message (TOP n 0), or why it could not be had."""
        return self._stream("TOP {} 0", items, math.inf, self._read_message)

    def retrieve(self, items: Iterable[RemoteItem]) -> Iterator[Answered]:
        """Yield each message byte for byte, in the order asked, or the error that is its own.

        Commands are sent ahead where the server allows it (RFC 2449 section 6.6). No other command
        may be given meanwhile, and leaving early closes the connection if answers are outstanding.
        """
        return self._stream("RETR {}", items, self.limits.window_bytes, self._read_message)

    def delete(self, items: Iterable[RemoteItem]) -> list[RemoteItem]:
        """Mark messages for deletion and return those marked; only ``finish`` deletes them."""
        self._deleting = True
        answers = self._stream("DELE {}", items, math.inf, lambda reply: reply.ok)
        return [item for item, agreed in answers if agreed]

    def finish(self) -> None:
        """Say QUIT, which deletes what is marked (RFC 1939 section 6); raise if that is in doubt.

        After answers were left unread there is nobody to ask, which matters only to deletions.
        """
        if self._abandoned and not self._deleting:
            return
        with about(self.endpoint):
            self.demand("QUIT")
        self.close()

    def ask(self, command: str | bytes, *, seconds: float | None = None) -> Reply:
        """Send one command and return the first line of its answer."""
        if self._reading:
            raise RuntimeError(OVERLAP)
        self._expect_silence()
        self._send(command if isinstance(command, bytes) else command.encode(), seconds)
        return self._reply(seconds)

    def demand(self, command: str) -> Reply:
        """Send one command and raise unless the server agrees."""
        reply = self.ask(command)
        if not reply.ok:
            raise refusal(reply, self.words(reply))
        return reply

    def ask_capabilities(self) -> None:
        """Learn what the server can do; where it has no CAPA what was known stays (RFC 2449)."""
        if self.ask("CAPA").ok:
            self.offers = read_capabilities(self.lines.read_list(CAPABILITIES_BYTES))

    def words(self, reply: Reply) -> str:
        """Return the server's own words for a person; nothing if anybody could have said them."""
        return self._login.redact(reply.text) if self.lines.is_encrypted else ""

    def _expect_silence(self) -> None:
        # What came without having been asked for would be taken for the next answer.
        if self.lines.waiting:
            raise ProtocolError("server.protocol")

    def _send(self, data: bytes, seconds: float | None = None) -> None:
        self.lines.deadline.allow(seconds or self.limits.answer_seconds)
        self.lines.send(data + b"\r\n")

    def _reply(self, seconds: float | None = None) -> Reply:
        self.lines.deadline.allow(seconds or self.limits.answer_seconds)
        return read_reply(self.lines.read_line())

    def _lists(self) -> tuple[bytes, bytes]:
        """Ask for both lists, in one flight where the server allows it; UIDL may be missing."""
        together = "PIPELINING" in self.offers
        listed = self.ask("LIST\r\nUIDL" if together else "LIST")
        if not listed.ok:
            raise refusal(listed, self.words(listed))
        sizes = self._read_list()
        reply = self._reply() if together else self.ask("UIDL")
        return sizes, self._read_list() if reply.ok else b""

    def _read_list(self) -> bytes:
        block = self.lines.read_list(self.limits.listed * LISTED_BYTES)
        if block.count(b"\n") > self.limits.listed:
            raise ProtocolError("server.protocol")
        return block

    def _stream(
        self,
        command: str,
        items: Iterable[RemoteItem],
        octets: float,
        read: Callable[[Reply], Value],
    ) -> Iterator[tuple[RemoteItem, Value]]:
        count = IN_FLIGHT if "PIPELINING" in self.offers else 1
        window = Window(items, count=count, octets=octets)
        with about(self.endpoint), self._alone(window):
            while window:
                if not window.in_flight:
                    self._expect_silence()
                if batch := window.refill():
                    self._send("\r\n".join(command.format(item.number) for item in batch).encode())
                value = read(self._reply())
                yield window.land(), value

    @contextmanager
    def _alone(self, window: Window[RemoteItem]) -> Iterator[None]:
        """Keep other commands out until all answers are read, and for ever if they are not."""
        if self._reading:
            raise RuntimeError(OVERLAP)
        self._reading = True
        try:
            yield
        finally:
            self._reading = False
            if window.in_flight:
                self._abandoned = True
                self.close()

    def _read_message(self, reply: Reply) -> bytes | MailError:
        if not reply.ok:
            error = message_refusal(reply, self.words(reply))
            if error.scope is Scope.ACCOUNT:
                raise error
            return error
        raw = self.lines.read_message(self.limits.message_bytes)
        if raw is None:
            return MessageTooLarge("message.toolarge", limit=self.limits.message_bytes)
        return raw
