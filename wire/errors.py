"""What can go wrong when talking to somebody else's mail server, as facts rather than sentences.

Each error carries a stable code (the words for people live in ``accounts.explain``), how far the
damage reaches, and whether trying again can help.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import ClassVar

from wire.certificates import Certificate
from wire.endpoint import Endpoint

DETAIL_LIMIT = 200


class Scope(StrEnum):
    """How far a failure reaches: skip the one message, or end the whole run."""

    MESSAGE = "message"
    ACCOUNT = "account"


class Retry(StrEnum):
    """When trying again can help; NEVER means that a person must act first."""

    SOON = "soon"
    LATER = "later"
    NEVER = "never"


class MailError(Exception):
    """An expected failure at somebody else's server.

    ``code`` names the kind (stable, for example ``tls.expired``); ``detail`` holds the server's own
    answer, at most 200 characters, given only by servers whose certificate was checked; ``facts``
    holds plain values such as host, port and dates for the sentence that a person reads.
    """

    codes: ClassVar[frozenset[str]]
    scope: ClassVar[Scope] = Scope.ACCOUNT
    retry: ClassVar[Retry] = Retry.LATER

    def __init__(self, code: str, *, detail: str = "", **facts: str | int) -> None:
        if code not in self.codes:
            raise ValueError(f"{type(self).__name__} has no code {code}")
        super().__init__(code)
        self.code = code
        self.detail = printable(detail)
        self.facts = facts


class ConnectionFailed(MailError):
    """No conversation came about: the name, the port, the network or the time ran out."""

    codes = frozenset({"conn.dns", "conn.refused", "conn.timeout", "conn.lost"})


class HostNotAllowed(MailError):
    """The name leads to a private, loopback or otherwise special address."""

    codes = frozenset({"conn.private"})
    retry = Retry.NEVER


class CertificateInvalid(MailError):
    """The server could not prove to be the one it was asked for (RFC 9525).

    ``chain`` holds the certificates it showed, as far as they could be had.
    """

    codes = frozenset(
        {"tls.selfsigned", "tls.expired", "tls.notyet", "tls.name", "tls.issuer", "tls.invalid"}
    )
    retry = Retry.NEVER
    chain: tuple[Certificate, ...] = ()


class TlsUnavailable(MailError):
    """No TLS of an acceptable version (1.2 or later) could be agreed on, or it was not chosen."""

    codes = frozenset({"tls.missing", "tls.required", "tls.version", "tls.failed"})
    retry = Retry.NEVER


class AuthenticationFailed(MailError):
    """The server refused the user name and password or the token."""

    codes = frozenset(
        {"auth.failed", "auth.apppw", "auth.oauth", "auth.locked", "auth.grant", "smtp.auth"}
    )
    retry = Retry.NEVER


class ConsentMissing(MailError):
    """Whoever was asked at the provider did not let us in, or is somebody else."""

    codes = frozenset({"oauth.denied", "oauth.other", "oauth.expired"})
    retry = Retry.NEVER


class ClientRefused(MailError):
    """The provider does not know us, or not for what we ask: a matter of its administrators."""

    codes = frozenset({"oauth.client"})


class MechanismMissing(MailError):
    """The server does not take the kind of secret that we have, which it therefore never heard."""

    codes = frozenset({"auth.mechanism"})


class AccessDisabled(MailError):
    """The mailbox exists, but POP or IMAP is switched off for it."""

    codes = frozenset({"auth.disabled"})
    retry = Retry.NEVER


class ServerBusy(MailError):
    """The server asks us to come back: IN-USE, LOGIN-DELAY (RFC 2449), SYS/TEMP (RFC 3206).

    ``wait`` says after how many seconds, where it announced that.
    """

    codes = frozenset({"server.busy", "server.inuse"})
    retry = Retry.SOON


class LimitReached(MailError):
    """The provider has had enough of us for now, or the mailbox there holds all that it may.

    ``wait`` says for how many seconds at least we should stay away, where that is known.
    """

    codes = frozenset({"server.limit", "server.full"})


class ProtocolError(MailError):
    """An answer that does not fit the protocol, or exceeds what we are willing to read."""

    codes = frozenset({"server.protocol"})


class SenderRefused(MailError):
    """The server lets us in, but not send mail from this address, or not to that one."""

    codes = frozenset({"smtp.sender"})
    retry = Retry.NEVER


class MessageVanished(MailError):
    """A message that was listed is no longer there."""

    codes = frozenset({"message.vanished"})
    scope = Scope.MESSAGE
    retry = Retry.NEVER


class MessageRefused(MailError):
    """The server lists a message and does not hand it out."""

    codes = frozenset({"message.refused"})
    scope = Scope.MESSAGE
    retry = Retry.NEVER


class MessageTooLarge(MailError):
    """A message longer than the limit of its owner's plan."""

    codes = frozenset({"message.toolarge"})
    scope = Scope.MESSAGE
    retry = Retry.NEVER


@contextmanager
def about(endpoint: Endpoint) -> Iterator[None]:
    """Add host and port to the facts of any MailError raised within."""
    try:
        yield
    except MailError as error:
        error.facts.setdefault("host", endpoint.host)
        error.facts.setdefault("port", endpoint.port)
        raise


def printable(text: str) -> str:
    """Cut a server's words to 200 characters and replace control characters."""
    return "".join(c if c.isprintable() else " " for c in text)[:DETAIL_LIMIT].strip()
