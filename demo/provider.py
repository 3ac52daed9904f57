"""A small POP3 server over TLS on loopback (RFC 1939, 2449, 5034), for the demo's mailboxes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

IDLE_SECONDS = 600
LINE_BYTES = 1024  # RFC 2449 section 4 asks for 255; SASL answers are longer
CAPABILITIES = ("USER", "SASL PLAIN", "UIDL", "TOP", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE")


@dataclass(frozen=True, slots=True)
class Letter:
    """One raw message, lines ended by CRLF, and the moment it lies in the mailbox."""

    uid: str
    arrives_at: datetime
    raw: bytes = field(repr=False)


@dataclass(slots=True)
class Mailbox:
    """One person's mail; deleted letters are gone for as long as the provider runs."""

    address: str
    password: str = field(repr=False)
    letters: Sequence[Letter]
    deleted: set[str] = field(default_factory=set)

    def arrived(self, now: datetime) -> list[Letter]:
        """Return the letters that lie here at ``now``, oldest first."""
        here = [x for x in self.letters if x.arrives_at <= now and x.uid not in self.deleted]
        return sorted(here, key=lambda letter: letter.arrives_at)


class Refused(Exception):
    """The command cannot be done; its text becomes the -ERR answer."""


class Provider(socketserver.ThreadingTCPServer):
    """Serves mailboxes on a free loopback port until ``stop``."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, mailboxes: Sequence[Mailbox], chain: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.mailboxes = {mailbox.address: mailbox for mailbox in mailboxes}
        self.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.tls.load_cert_chain(chain)

    @property
    def port(self) -> int:
        """Return the port that was free."""
        return int(self.server_address[1])

    def start(self) -> None:
        """Serve from a thread of its own."""
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}).start()

    def stop(self) -> None:
        """End the serving thread and close the port."""
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep quiet: a visitor who hangs up is no news in a demo."""


class _Conversation(socketserver.BaseRequestHandler):
    """One visit: greeting, sign-in, questions, QUIT (RFC 1939 sections 4 to 6)."""

    server: Provider
    before_sign_in: ClassVar[frozenset[str]] = frozenset({"CAPA", "USER", "PASS", "AUTH", "QUIT"})

    def setup(self) -> None:
        # The handshake happens here, in the visitor's own thread, so a slow one delays nobody.
        self.request.settimeout(IDLE_SECONDS)
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.server.tls.wrap_socket(self.request, server_side=True)
        self.lines = self.stream.makefile("rb")
        self.user = ""
        self.mailbox: Mailbox | None = None
        self.listed: list[Letter] = []
        self.marked: set[int] = set()

    def finish(self) -> None:
        self.lines.close()
        self.stream.close()

    def handle(self) -> None:
        self.say("+OK Muara demo provider ready")
        while line := self.lines.readline(LINE_BYTES):
            verb, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
            try:
                self.do(verb.upper(), rest)
            except Refused as reason:
                self.say(f"-ERR {reason}")
            if verb.upper() == "QUIT":
                return

    def do(self, verb: str, rest: str) -> None:
        command: Callable[[str], None] | None = getattr(self, f"pop_{verb.lower()}", None)
        if command is None:
            raise Refused("unknown command")
        if self.mailbox is None and verb not in self.before_sign_in:
            raise Refused("sign in first")
        command(rest)

    def say(self, line: str) -> None:
        self.stream.sendall(line.encode() + b"\r\n")

    def say_lines(self, first: str, lines: Sequence[str]) -> None:
        self.say("\r\n".join([first, *lines, "."]))

    def pop_capa(self, _rest: str) -> None:
        self.say_lines("+OK", CAPABILITIES)

    def pop_user(self, rest: str) -> None:
        self.user = rest.strip()
        self.say("+OK")

    def pop_pass(self, rest: str) -> None:
        self.sign_in(self.user, rest)

    def pop_auth(self, rest: str) -> None:
        """Take SASL PLAIN, with the answer on the same line or on the next (RFC 5034)."""
        mechanism, _, answer = rest.partition(" ")
        if mechanism.upper() != "PLAIN":
            raise Refused("only PLAIN is known here")
        if not answer:
            self.say("+ ")
            answer = self.lines.readline(LINE_BYTES).decode("ascii", "replace").strip()
        try:
            _identity, user, password = base64.b64decode(answer, validate=True).split(b"\0")
        except (binascii.Error, ValueError):
            raise Refused("that is no PLAIN answer") from None
        self.sign_in(user.decode(errors="replace"), password.decode(errors="replace"))

    def sign_in(self, user: str, password: str) -> None:
        mailbox = self.server.mailboxes.get(user.lower())
        expected = mailbox.password if mailbox else ""
        if not mailbox or not hmac.compare_digest(expected.encode(), password.encode()):
            raise Refused("[AUTH] the user name or password is wrong")
        self.mailbox = mailbox
        self.listed = mailbox.arrived(datetime.now(UTC))
        self.say(f"+OK {len(self.listed)} letters")

    def there(self) -> list[tuple[int, Letter]]:
        """Pair the letters that are not marked as deleted with their numbers."""
        numbered = enumerate(self.listed, start=1)
        return [(number, letter) for number, letter in numbered if number not in self.marked]

    def letter(self, rest: str) -> tuple[int, Letter]:
        for number, letter in self.there():
            if str(number) == rest.strip():
                return number, letter
        raise Refused("no such letter")

    def pop_stat(self, _rest: str) -> None:
        letters = self.there()
        self.say(f"+OK {len(letters)} {sum(len(letter.raw) for _, letter in letters)}")

    def pop_list(self, rest: str) -> None:
        self.tell(rest, lambda letter: str(len(letter.raw)))

    def pop_uidl(self, rest: str) -> None:
        self.tell(rest, lambda letter: letter.uid)

    def tell(self, rest: str, fact: Callable[[Letter], str]) -> None:
        if rest:
            number, letter = self.letter(rest)
            self.say(f"+OK {number} {fact(letter)}")
        else:
            self.say_lines("+OK", [f"{number} {fact(letter)}" for number, letter in self.there()])

    def pop_retr(self, rest: str) -> None:
        _number, letter = self.letter(rest)
        self.send_text(letter.raw)

    def pop_top(self, rest: str) -> None:
        which, _, count = rest.strip().partition(" ")
        _number, letter = self.letter(which)
        if not count.strip().isdigit():
            raise Refused("TOP wants a letter and a number of lines")
        header, _, body = letter.raw.partition(b"\r\n\r\n")
        lines = body.splitlines(keepends=True)[: int(count)]
        self.send_text(header + b"\r\n\r\n" + b"".join(lines))

    def send_text(self, raw: bytes) -> None:
        """Send lines ended by a dot; a line that begins with one gets another (section 3)."""
        stuffed = b"".join(
            b"." + line if line.startswith(b".") else line for line in raw.splitlines(keepends=True)
        )
        end = b".\r\n" if stuffed.endswith(b"\r\n") else b"\r\n.\r\n"
        self.stream.sendall(b"+OK\r\n" + stuffed + end)

    def pop_dele(self, rest: str) -> None:
        number, _letter = self.letter(rest)
        self.marked.add(number)
        self.say("+OK")

    def pop_noop(self, _rest: str) -> None:
        self.say("+OK")

    def pop_rset(self, _rest: str) -> None:
        self.marked.clear()
        self.say("+OK")

    def pop_quit(self, _rest: str) -> None:
        if self.mailbox:
            self.mailbox.deleted.update(self.listed[number - 1].uid for number in self.marked)
        self.say("+OK goodbye")


def uid_for(message_id: str) -> str:
    """Make a unique id that stays the same at the next start (RFC 1939 section 7)."""
    return hashlib.sha256(message_id.encode()).hexdigest()[:24]
