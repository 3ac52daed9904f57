"""The refusal of an account, by which no server has been troubled."""

from __future__ import annotations

from wire.endpoint import STANDARD_PORTS, Protocol, Security
from wire.errors import MailError, Retry


class AccountRefused(MailError):
    """The account cannot be tested, added or visited; no connection was made."""

    codes = frozenset(
        {
            "conn.port",
            "limit.tests",
            "limit.lookups",
            "limit.host",
            "limit.deletion",
            "limit.protocol",
            "limit.refused",
            "policy.outside",
            "policy.pop3",
            "policy.imap",
            "policy.plain",
            "policy.delete",
            "policy.relay",
            "policy.host",
            "policy.port",
            "policy.accounts",
            "account.exists",
        }
    )
    retry = Retry.NEVER


def wrong_port(protocol: Protocol) -> AccountRefused:
    """Return the refusal of a port, with the two that a protocol may have."""
    ports = {way.value: STANDARD_PORTS[protocol, way] for way in (Security.TLS, Security.STARTTLS)}
    return AccountRefused("conn.port", detail="", protocol=protocol.upper(), **ports)
