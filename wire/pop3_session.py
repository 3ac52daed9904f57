"""A signed-in POP3 session: list, retrieve, delete, finish (RFC 1939, 2449)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self, TypeVar

from wire import crowd
from wire.endpoint import Endpoint, Security
from wire.errors import (
    ConnectionFailed,
    MailError,
    MessageTooLarge,
    ProtocolError,
    Scope,
    ServerBusy,
    about,
)
from wire.limits import Limits
from wire.lines import Lines
from wire.login import Login
from wire.pop3_memory import (
    Capabilities,
    Position,
    item_questions,
    read_answered_totals,
    read_items,
)
from wire.pop3_replies import (
    RemoteItem,
    Reply,
    message_refusal,
    read_capabilities,
    read_login_delay,
    read_reply,
    read_sizes,
    read_totals,
    read_uids,
    refusal,
)
from wire.session import Answered
from wire.window import Window

# A RETR line is about ten octets: this many fit into any socket's buffer, so that sending them
# never waits for a server that in turn waits for us to read.
IN_FLIGHT = 200
# Asking for LIST and UIDL of more new messages than this is dearer than the whole lists.
TAIL, TAIL_IN_LOCK_STEP = IN_FLIGHT // 2, 3
CAPABILITIES_BYTES = 64 * 1024
# What a line of a list may have on average.
LISTED_BYTES = 100
OVERLAP = "the answers to other commands are still being read"

Value = TypeVar("Value")


class Pop3Session:
    """A session as ``wire.pop3.open_pop3`` makes it, signed in.

    Every method may raise MailErrors of account scope, after which the session is of no more use.
    Leaving the context closes the connection without QUIT, so that nothing is deleted.
    ``learnt`` may be handed to the next visit, and so may ``octets``, which STAT told, in a
    Position; ``answered`` holds first answers that came with the sign-in.
    """

    def __init__(self, lines: Lines, login: Login, limits: Limits, endpoint: Endpoint) -> None:
        """Talk over ``lines``; the greeting is read before anything else unless it was already."""
        self.lines = lines
        self.endpoint = endpoint
        self.limits = limits
        self.offers: dict[str, frozenset[str]] = {}
        self.learnt = Capabilities()
        self.answered: dict[str, Reply] = {}
        self.octets: int | None = None
        self._login = login
        self._is_greeted = endpoint.security is Security.STARTTLS
        self._reading = False
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

    @property
    def octets_in(self) -> int:
        """Return how many octets the server has sent, without what TLS adds."""
        return self.lines.octets_in

    @property
    def round_trips(self) -> int:
        """Return how many flights were sent and waited for, those of TCP and TLS among them."""
        return self.lines.round_trips

    @property
    def pipelines(self) -> bool:
        """Tell whether commands may be sent before their turn (RFC 2449 section 6.6)."""
        return "PIPELINING" in self.offers

    @property
    def login_delay(self) -> int:
        """Return how many seconds the server wants between two sign-ins, 0 where it says none."""
        return read_login_delay(self.offers)

    def greet(self) -> None:
        """Hear the greeting, once; after STLS it lies behind us."""
        if not self._is_greeted:
            self._is_greeted = True
            read_greeting(self.lines, self.limits)

    def stat(self) -> tuple[int, int]:
        """Return how many messages there are, and their octets together as a hint."""
        with about(self.endpoint):
            return read_totals(self.demand("STAT").text)

    def gives_uids(self, count: int) -> bool:
        """Tell whether the server names its messages, of which there are so many (UIDL)."""
        if not count:
            return "UIDL" in self.offers or not self.offers
        with about(self.endpoint):
            return self.ask(f"UIDL {count}").ok

    def list_items(self) -> list[RemoteItem]:
        """Return all messages in the server's order. Raise ProtocolError for an unreadable list.

        Whoever got a long one holds up all other long ones until the next command or the end. A
        message that only one of the server's two lists names is there all the same.
        """
        with about(self.endpoint):
            sizes_block, uids_block = self._lists()
            sizes, uids = read_sizes(sizes_block), read_uids(uids_block)
        numbers = sorted(sizes.keys() | uids.keys())
        return [RemoteItem(n, uids.get(n, ""), sizes.get(n, 0)) for n in numbers]

    def changes_since(self, position: Position) -> list[RemoteItem] | None:
        """Return the messages that came after a known position, as the server numbers them.

        None means that only ``list_items`` can tell: messages went, moved, or came in numbers.
        """
        with about(self.endpoint):
            stat, *last = self._answers_to(position.questions())
            totals = read_answered_totals(stat)
            if totals is None:
                return None
            count, self.octets = totals
            most = TAIL if self.pipelines else TAIL_IN_LOCK_STEP
            if not (0 <= count - position.count <= most and position.is_confirmed(last)):
                return None
            numbers = range(position.count + 1, count + 1)
            items = read_items(numbers, list(self.flight(item_questions(numbers))))
        return items if items is not None and position.explains(self.octets, items) else None

    def headers(self, items: Iterable[RemoteItem]) -> Iterator[Answered]:
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
        doomed = list(items)
        self._deleting |= bool(doomed)
        answers = self._stream("DELE {}", doomed, math.inf, lambda reply: reply.ok)
        return [item for item, agreed in answers if agreed]

    def release(self) -> None:
        """Let others read what is large: the last answer has had its use."""
        self.lines.release()

    def finish(self) -> None:
        """Say QUIT, which deletes what is marked (RFC 1939 section 6); raise if that is in doubt.

        Where nothing was to be deleted it is mere politeness, and its answer is not waited for.
        """
        if self._deleting:
            with about(self.endpoint):
                self.demand("QUIT")
        else:
            with suppress(ConnectionFailed):
                self._send(b"QUIT")
        self.close()

    def ask(self, command: str | bytes, *, seconds: float | None = None) -> Reply:
        """Send one command and return the first line of its answer."""
        if self._reading:
            raise RuntimeError(OVERLAP)
        self._expect_silence()
        self._send(command if isinstance(command, bytes) else command.encode(), seconds)
        return self._reply(seconds)

    def flight(self, commands: Sequence[str], *, seconds: float | None = None) -> Iterator[Reply]:
        """Yield the first lines of the answers to commands, few and short.

        They are sent in one flight where the server allows it, else each when its turn comes.
        """
        if not self.pipelines:
            yield from (self.ask(command, seconds=seconds) for command in commands)
        elif commands:
            yield self.ask("\r\n".join(commands), seconds=seconds)
            yield from (self._reply(seconds) for _ in commands[1:])

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
        self.greet()
        self.lines.deadline.allow(seconds or self.limits.answer_seconds)
        return read_reply(self.lines.read_line())

    def _answers_to(self, questions: list[str]) -> list[Reply]:
        if all(question in self.answered for question in questions):
            return [self.answered[question] for question in questions]
        return list(self.flight(questions))

    def _lists(self) -> tuple[bytes, bytes]:
        """Ask for both lists, in one flight where the server allows it; UIDL may be missing."""
        listed = self.ask("LIST\r\nUIDL" if self.pipelines else "LIST")
        if not listed.ok:
            raise refusal(listed, self.words(listed))
        sizes = self._read_list()
        reply = self._reply() if self.pipelines else self.ask("UIDL")
        uids = self._read_list() if reply.ok else b""
        if len(sizes) + len(uids) > crowd.LONG_LIST:
            self.lines.take_turn()
        return sizes, uids

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
        count = IN_FLIGHT if self.pipelines else 1
        window = Window(items, count=count, octets=octets)
        with about(self.endpoint), self._alone(window):
            while window:
                if not window.in_flight:
                    self._expect_silence()
                if batch := window.refill():
                    self._send("\r\n".join(command.format(item.number) for item in batch).encode())
                value = read(self._reply())
                yield window.land(), value
                del value  # Lest a large one lie here while the next is waited for.

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


def read_greeting(lines: Lines, limits: Limits) -> None:
    """Read the greeting. Its words are kept from people: anybody's port could have sent them."""
    lines.deadline.allow(limits.answer_seconds)
    if not read_reply(lines.read_line()).ok:
        raise ServerBusy("server.busy")
