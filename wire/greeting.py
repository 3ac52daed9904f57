"""Tells whether a mail server that was only guessed is really there."""

from __future__ import annotations

from wire.deadline import Deadline
from wire.dial import dial
from wire.endpoint import Endpoint, Protocol, Security
from wire.errors import MailError, ProtocolError, TlsUnavailable
from wire.guard import Guard
from wire.limits import Limits
from wire.lines import Lines
from wire.tls import checked_context

GREETING = {Protocol.POP3: b"+OK", Protocol.IMAP: b"* OK", Protocol.SMTP: b"220"}
REPLY_LINES = 50


def greets(protocol: Protocol, endpoint: Endpoint, *, guard: Guard, seconds: float) -> bool:
    """Tell whether a server of the protocol greets there with a valid certificate.

    Nobody signs in. Only encrypted ways are tried: TLS for all, STARTTLS for SMTP.
    """
    if endpoint.security is Security.PLAIN:
        return False
    try:
        connection = dial(endpoint, guard=guard, deadline=Deadline(seconds), seconds=seconds)
        lines = Lines(connection, Deadline(seconds), Limits().line_bytes)
        try:
            _hear(lines, protocol, endpoint)
        finally:
            lines.close()
    except MailError:
        return False
    return True


def _hear(lines: Lines, protocol: Protocol, endpoint: Endpoint) -> None:
    if endpoint.security is Security.STARTTLS:
        _ask_for_tls(lines)
    lines.encrypt(checked_context(), endpoint.host)
    if endpoint.security is Security.TLS and not lines.read_line().startswith(GREETING[protocol]):
        raise ProtocolError("server.protocol")


def _ask_for_tls(lines: Lines) -> None:
    """Greet an SMTP server and ask for TLS (RFC 3207)."""
    _reply(lines, b"220")
    lines.send(b"EHLO [127.0.0.1]\r\n")
    _reply(lines, b"250")
    lines.send(b"STARTTLS\r\n")
    _reply(lines, b"220")
    if lines.waiting:
        raise ProtocolError("server.protocol")


def _reply(lines: Lines, code: bytes) -> None:
    for _ in range(REPLY_LINES):
        line = lines.read_line()
        if not line.startswith(code):
            raise TlsUnavailable("tls.missing")
        if line[3:4] != b"-":
            return
    raise ProtocolError("server.protocol")
