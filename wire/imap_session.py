"""A signed-in IMAP session that reads INBOX and changes nothing there (RFC 9051, 3501)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Self

from wire.endpoint import Endpoint
from wire.errors import (
    ConnectionFailed,
    MailError,
    MessageTooLarge,
    MessageVanished,
    ProtocolError,
    about,
)
from wire.imap_batches import Batch, in_batches, uid_of
from wire.imap_client import Client, Response, understood
from wire.imap_fetched import (
    Fetched,
    Mailbox,
    is_after,
    read_fetched,
    read_items,
    read_mailbox,
    read_status_size,
)
from wire.imap_replies import refusal
from wire.limits import Limits
from wire.login import Login
from wire.pop3_memory import Capabilities, Position
from wire.pop3_replies import RemoteItem
from wire.refusals import Refusal, message_error, passing
from wire.session import Answered

INBOX = "INBOX"
# So many messages are listed by one command, so that a large list is never in memory twice.
LISTED_AT_A_TIME = 5000
LISTED_BYTES = 200
WHAT_IS_LISTED = "(UID RFC822.SIZE)"
# BODY.PEEK leaves the message unread.
WHOLE, HEADER = "BODY[]", "BODY[HEADER]"


class ImapSession:
    """A session as ``wire.imap.open_imap`` makes it, signed in; a ``wire.session.MailSession``.

    Each message is named by UIDVALIDITY and UID together, which never mean another one (RFC 9051
    section 2.3.1.1). Every method may raise MailErrors of account scope, after which the session
    is of no more use. Leaving the context closes the connection.
    """

    login_delay = 0

    def __init__(self, client: Client, login: Login, limits: Limits, endpoint: Endpoint) -> None:
        """Go on with a client that has signed in."""
        self.endpoint = endpoint
        self.limits = limits
        self.learnt = Capabilities()
        self.octets: int | None = None
        self._client = client
        self._login = login
        self._mailbox: Mailbox | None = None

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
        self._client.bounded.close()

    @property
    def capabilities(self) -> frozenset[str]:
        """Return what the server announced last, in upper case."""
        return self._client.offers

    @property
    def octets_in(self) -> int:
        """Return how many octets the server has sent, without what TLS adds."""
        return self._client.bounded.lines.octets_in

    @property
    def round_trips(self) -> int:
        """Return how many flights were sent and waited for, those of TCP and TLS among them."""
        return self._client.bounded.lines.round_trips

    def ask_capabilities(self) -> None:
        """Learn what the server can do from the sign-in on, which is more than before."""
        with about(self.endpoint):
            self._demand(self._client.command("CAPABILITY"))
            self._client.learn()

    def stat(self) -> tuple[int, int]:
        """Return how many messages there are, and their octets together as a hint."""
        with about(self.endpoint):
            # One number where the server has it (RFC 8438), else the sum of all sizes.
            totals = self._status() if "STATUS=SIZE" in self.capabilities else None
        if totals is not None:
            return totals
        items = self.list_items()
        return len(items), sum(item.size for item in items)

    def list_items(self) -> list[RemoteItem]:
        """Return all messages in the server's order. Raise ProtocolError for an unreadable list."""
        with about(self.endpoint):
            items = self._list(1)
            if len(items) > LISTED_AT_A_TIME:
                self._client.bounded.lines.take_turn()
            return items

    def changes_since(self, position: Position) -> list[RemoteItem] | None:
        """Return the messages that came after a known position.

        None means that only ``list_items`` can tell: messages went, or all were renumbered.
        """
        with about(self.endpoint):
            mailbox = self._examined()
            if mailbox.is_still_at(position):
                return []
            if mailbox.count < position.count:
                return None
            items = self._list(max(position.count, 1))
        return is_after(position, items)

    def headers(self, items: Iterable[RemoteItem]) -> Iterator[Answered]:
        """Yield the header block of each message, or why it could not be had."""
        return self._stream(items, HEADER)

    def retrieve(self, items: Iterable[RemoteItem]) -> Iterator[Answered]:
        """Yield each message byte for byte, in the order asked, or the error that is its own."""
        return self._stream(items, WHOLE)

    def delete(self, items: Iterable[RemoteItem]) -> list[RemoteItem]:  # noqa: ARG002
        """Mark nothing: mail is only read here."""
        return []

    def release(self) -> None:
        """Let others read what is large: the last answer has had its use."""
        self._client.bounded.lines.release()

    def finish(self) -> None:
        """Say LOGOUT, which nobody need answer, and close the connection."""
        with suppress(ConnectionFailed):
            self._client.bounded.sendall(b"bye LOGOUT\r\n")
        self.close()

    def _status(self) -> tuple[int, int] | None:
        self._demand(self._client.command("STATUS", INBOX, "(MESSAGES SIZE)"))
        return read_status_size(self._client.take("STATUS"))

    def _examined(self) -> Mailbox:
        if self._mailbox is None:
            self._demand(self._client.examine(INBOX))
            with understood():
                self._mailbox = read_mailbox(self._client.take)
            if self._mailbox.count > self.limits.listed:
                raise ProtocolError("server.protocol")
        return self._mailbox

    def _list(self, first: int) -> list[RemoteItem]:
        """List from a number on. Numbers stay as they are while nothing but FETCH is said."""
        mailbox = self._examined()
        items: list[RemoteItem] = []
        for start in range(first, mailbox.count + 1, LISTED_AT_A_TIME):
            end = min(start + LISTED_AT_A_TIME - 1, mailbox.count)
            self._client.bounded.octets = LISTED_AT_A_TIME * LISTED_BYTES
            self._demand(self._client.command("FETCH", f"{start}:{end}", WHAT_IS_LISTED))
            with understood():
                items += read_items(self._client.take("FETCH"), mailbox.validity)
        if len({item.uid for item in items}) < len(items):
            raise ProtocolError("server.protocol")
        return items

    def _stream(self, items: Iterable[RemoteItem], what: str) -> Iterator[Answered]:
        with about(self.endpoint):
            for batch in in_batches(items, self.limits):
                yield from self._fetch(batch, what)

    def _fetch(self, batch: Batch, what: str) -> Iterator[Answered]:
        """Fetch a batch; what is refused together is asked for one by one."""
        self._client.bounded.octets = batch.octets
        answered = self._client.command("UID", "FETCH", batch.uids, batch.asked(what))
        if answered[0] == "OK":
            with understood():
                fetched = read_fetched(self._client.take("FETCH"), what)
            for item in batch.items:
                yield self._answer(item, fetched.pop(uid_of(item), None))
        elif len(batch.items) > 1:
            for item in batch.items:
                yield from self._fetch(Batch((item,), self.limits), what)
        else:
            refused = self._refusal(answered)
            if asked_back := passing(refused):
                raise asked_back
            yield batch.items[0], message_error(refused)

    def _answer(self, item: RemoteItem, fetched: Fetched | None) -> Answered:
        if fetched is None:
            return item, MessageVanished("message.vanished")
        if len(fetched.raw) > self.limits.message_bytes:
            return item, MessageTooLarge("message.toolarge", limit=self.limits.message_bytes)
        return replace(item, seen=fetched.seen, arrived_at=fetched.arrived_at), fetched.raw

    def _demand(self, answered: Response) -> None:
        if answered[0] != "OK":
            raise self._refused(answered)

    def _refused(self, answered: Response) -> MailError:
        refused = self._refusal(answered)
        return passing(refused) or ProtocolError("server.protocol", detail=refused.detail)

    def _refusal(self, answered: Response) -> Refusal:
        words = b" ".join(word for word in answered[1] if isinstance(word, bytes))
        text = words.decode("utf-8", "replace")
        detail = self._login.redact(text) if self._client.bounded.lines.is_encrypted else ""
        return refusal(text, detail)
