"""Signs in at a submission server and asks whom it lets us send as (RFC 6409, 4954, 3207)."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from wire.dial import Step, ignore
from wire.endpoint import Endpoint, Security
from wire.errors import (
    ConnectionFailed,
    MailError,
    MechanismMissing,
    ProtocolError,
    SenderRefused,
    TlsUnavailable,
    about,
)
from wire.guard import Guard
from wire.limits import Limits
from wire.lines import Lines
from wire.login import Login, TokenLogin, refused_token_facts
from wire.meeting import Manners, meet_to_sign_in
from wire.refusals import Refusal, passing, sign_in_error, token_error
from wire.smtp_ways import Way, choose_way
from wire.stream import Stream

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

DEFAULT_LIMITS = Limits()
# What one answer may have: EHLO's are a few hundred octets.
ANSWER_BYTES = 64 * 1024
# Servers of submission look at the sign-in instead of this name (RFC 6409 section 6.2), which
# should not tell the address of a machine behind a router.
OUR_NAME = "[127.0.0.1]"
READY, MORE = 220, 334
TRANSIENT, PERMANENT = range(400, 500), range(500, 600)
# RFC 4954 sections 4 and 6: sign in after TLS only, and the mechanism is not known.
NEEDS_TLS, NO_SUCH_WAY = {530, 538}, {502, 503, 504}
WRONG = "smtp.auth"


class _Client(smtplib.SMTP):
    """The standard library's client over a connection that is made already."""

    def __init__(self, stream: Stream) -> None:
        super().__init__(local_hostname=OUR_NAME)
        self._stream = stream
        self.sock = stream  # type: ignore[assignment]  # as far as it is used
        self.file = stream

    def send(self, s: str | ReadableBuffer) -> None:
        """Send a command, unless something came that nobody asked for: it would be the answer."""
        if self._stream.lines.waiting:
            raise ProtocolError("server.protocol")
        super().send(s)


class SmtpSession:
    """A session as ``open_smtp`` makes it, signed in.

    Every method may raise MailErrors, after which the session is of no more use, except where they
    say otherwise. Leaving the context closes the connection.
    """

    def __init__(self, lines: Lines, login: Login, limits: Limits, endpoint: Endpoint) -> None:
        """Talk over ``lines``; the greeting is read first unless it was already."""
        self.lines = lines
        self.endpoint = endpoint
        self._login = login
        self._limits = limits
        self._stream = Stream(lines, seconds=limits.answer_seconds, octets=ANSWER_BYTES)
        self._client = _Client(self._stream)

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
    def abilities(self) -> dict[str, str]:
        """Return what EHLO announced, in lower case, with the words after each (RFC 1869)."""
        return dict(self._client.esmtp_features)

    @property
    def most_octets(self) -> int | None:
        """Return how large a message may be (RFC 1870), None where the server does not tell."""
        told = self.abilities.get("size", "")
        octets = int(told) if told.isascii() and told.isdecimal() and len(told) < 20 else 0
        return octets or None

    def introduce(self) -> None:
        """Say EHLO, and HELO to a server that knows no other."""
        with _understood():
            code, words = self._client.ehlo()
            if code in PERMANENT:
                code, words = self._client.helo()
        if not _agrees(code):
            raise self._refused(code, words)

    def sign_in(self) -> None:
        """Say who we are, in one way only: a secret that was judged is not sent again."""
        way = self._way()
        with _understood():
            self._stream.allow(self._limits.sign_in_seconds)
            code, words = self._client.docmd("AUTH", way.mechanism)
            facts: dict[str, str | int] = {}
            for answer in way.answers:
                if code != MORE:
                    break
                facts = refused_token_facts(words.decode("utf-8", "replace"))
                code, words = self._client.docmd(answer)
            self._stream.allow(self._limits.answer_seconds)
        if code == MORE:
            raise ProtocolError("server.protocol")
        if not _agrees(code):
            raise self._sign_in_error(code, words, facts)

    def try_sender(self, sender: str, recipient: str | None = None) -> None:
        """Ask whether mail may be sent from an address, and to one; nothing is sent.

        Raise SenderRefused if not, after which the session goes on, or another MailError.
        """
        with about(self.endpoint), _understood():
            code, words = self._client.mail(sender)
            if _agrees(code) and recipient is not None:
                code, words = self._client.rcpt(recipient)
            self._client.rset()
            if not _agrees(code):
                refusal = _refusal(code, words, self._words(words))
                raise passing(refusal) or SenderRefused(
                    "smtp.sender", detail=refusal.detail, address=sender
                )

    def finish(self) -> None:
        """Say QUIT, which nobody need answer, and close the connection."""
        with suppress(ConnectionFailed):
            self._stream.sendall(b"QUIT\r\n")
        self.close()

    def _sign_in_error(self, code: int, words: bytes, facts: dict[str, str | int]) -> MailError:
        refusal = _refusal(code, words, self._words(words))
        if isinstance(self._login, TokenLogin):
            return token_error(refusal, facts)
        if code in NO_SUCH_WAY:
            return MechanismMissing("auth.mechanism", detail=refusal.detail)
        if code in NEEDS_TLS and not self.lines.is_encrypted:
            return TlsUnavailable("tls.required")
        return sign_in_error(refusal, wrong=WRONG)

    def _way(self) -> Way:
        try:
            return choose_way(self._login, self.abilities.get("auth", ""), self.endpoint)
        except MechanismMissing:
            if "starttls" in self.abilities and not self.lines.is_encrypted:
                raise TlsUnavailable("tls.required") from None
            raise

    def _refused(self, code: int, words: bytes) -> MailError:
        refusal = _refusal(code, words, self._words(words))
        return passing(refusal) or ProtocolError("server.protocol", detail=refusal.detail)

    def _words(self, words: bytes) -> str:
        """Return the server's own words for a person; nothing if anybody could have said them."""
        text = words.decode("utf-8", "replace")
        return self._login.redact(text) if self.lines.is_encrypted else ""


def open_smtp(
    endpoint: Endpoint,
    login: Login,
    *,
    guard: Guard,
    limits: Limits = DEFAULT_LIMITS,
    on_step: Step = ignore,
) -> SmtpSession:
    """Connect, check who the server is, and sign in; the caller closes the session.

    ``on_step`` hears "resolve", "connect", "tls", "greeting" and "sign_in" before each is tried.
    Nothing secret is sent before the server's certificate was checked, unless the endpoint says
    PLAIN, where only a password is. Raise a MailError of account scope for whatever goes wrong.
    """
    with meet_to_sign_in(
        endpoint, login, MANNERS, guard=guard, limits=limits, on_step=on_step
    ) as lines:
        session = SmtpSession(lines, login, limits, endpoint)
        if endpoint.security is not Security.STARTTLS:
            _hear_greeting(lines, limits)
        session.introduce()
        on_step("sign_in")
        session.sign_in()
    return session


def _hear_greeting(lines: Lines, limits: Limits) -> None:
    """Hear the greeting. Its words are kept from people: anybody's port could have sent them."""
    client = _Client(Stream(lines, seconds=limits.answer_seconds, octets=ANSWER_BYTES))
    lines.deadline.allow(limits.answer_seconds)
    with _understood():
        code, words = client.getreply()
    if code != READY:
        raise passing(_refusal(code, words, "")) or ProtocolError("server.protocol")


def _ask_for_tls(lines: Lines) -> None:
    # What EHLO says in the clear proves nothing and is not looked at, but some servers want it.
    client = _Client(Stream(lines, seconds=DEFAULT_LIMITS.answer_seconds, octets=ANSWER_BYTES))
    with _understood():
        client.ehlo()
        code, words = client.docmd("STARTTLS")
    if code != READY:
        raise passing(_refusal(code, words, "")) or TlsUnavailable("tls.missing")


MANNERS = Manners(_hear_greeting, _ask_for_tls, WRONG)


def _agrees(code: int) -> bool:
    return 200 <= code < 300


def _refusal(code: int, words: bytes, detail: str) -> Refusal:
    return Refusal(words.decode("utf-8", "replace"), detail, is_passing=code in TRANSIENT)


@contextmanager
def _understood() -> Iterator[None]:
    """Turn what smtplib raises for an answer that it cannot read into a ProtocolError."""
    try:
        yield
    except (smtplib.SMTPException, ValueError) as error:
        raise ProtocolError("server.protocol") from error
