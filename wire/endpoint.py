"""Where a mail service listens: protocol, host, port and kind of encryption."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Protocol(StrEnum):
    """The protocols in which Muara talks to other servers."""

    POP3 = "pop3"
    IMAP = "imap"
    SMTP = "smtp"


class Security(StrEnum):
    """TLS from the first byte, TLS after STARTTLS or STLS, or none at all (RFC 8314)."""

    TLS = "tls"
    STARTTLS = "starttls"
    PLAIN = "plain"


# RFC 8314 section 7 and RFC 6409: the only ports Muara connects to.
STANDARD_PORTS: dict[tuple[Protocol, Security], int] = {
    (Protocol.POP3, Security.TLS): 995,
    (Protocol.POP3, Security.STARTTLS): 110,
    (Protocol.POP3, Security.PLAIN): 110,
    (Protocol.IMAP, Security.TLS): 993,
    (Protocol.IMAP, Security.STARTTLS): 143,
    (Protocol.IMAP, Security.PLAIN): 143,
    (Protocol.SMTP, Security.TLS): 465,
    (Protocol.SMTP, Security.STARTTLS): 587,
    (Protocol.SMTP, Security.PLAIN): 587,
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One service to connect to; ``port`` is the public one, whatever ``Guard.connect_to`` says."""

    host: str
    port: int
    security: Security
