"""What a session with a mailbox can do, whichever protocol it speaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Protocol, Self

from wire.errors import MailError
from wire.pop3_memory import Capabilities, Position
from wire.pop3_replies import RemoteItem

Answered = tuple[RemoteItem, bytes | MailError]


class MailSession(Protocol):
    """A signed-in session. Every method may raise MailErrors, after which it is of no more use.

    Leaving the context closes the connection without a word, so that nothing is deleted.
    ``learnt`` may be handed to the next visit, and so may ``octets`` in a Position, where known.
    """

    learnt: Capabilities
    octets: int | None

    def __enter__(self) -> Self:
        """Return the session itself."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connection."""

    @property
    def capabilities(self) -> frozenset[str]:
        """Return the names of what the server can do, in upper case."""

    @property
    def octets_in(self) -> int:
        """Return how many octets the server has sent, without what TLS adds."""

    @property
    def login_delay(self) -> int:
        """Return how many seconds the server wants between two sign-ins, 0 where it says none."""

    def stat(self) -> tuple[int, int]:
        """Return how many messages there are, and their octets together as a hint."""

    def list_items(self) -> list[RemoteItem]:
        """Return all messages in the server's order, which numbers them from 1."""

    def changes_since(self, position: Position) -> list[RemoteItem] | None:
        """Return the messages that came after a position; None if only the whole list can tell."""

    def headers(self, items: Iterable[RemoteItem]) -> Iterator[Answered]:
        """Yield the header block of each message, or why it could not be had."""

    def retrieve(self, items: Iterable[RemoteItem]) -> Iterator[Answered]:
        """Yield each message byte for byte, in the order asked, or the error that is its own.

        The item that comes back may know more than the one asked for: whether it was read there.
        """

    def delete(self, items: Iterable[RemoteItem]) -> list[RemoteItem]:
        """Mark messages for deletion and return those marked; only ``finish`` deletes them."""

    def release(self) -> None:
        """Let others read what is large: the last answer has had its use."""

    def finish(self) -> None:
        """Take leave, which deletes what is marked; raise if that is in doubt."""
