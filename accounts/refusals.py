"""The refusal of an account, by which no server has been troubled."""

from __future__ import annotations

from wire.errors import MailError, Retry


class AccountRefused(MailError):
    """The account cannot be tested, added or visited; no connection was made."""

    codes = frozenset(
        {
            "conn.port",
            "limit.tests",
            "limit.host",
            "limit.protocol",
            "policy.outside",
            "policy.pop3",
            "policy.imap",
            "policy.plain",
            "policy.delete",
            "policy.host",
            "policy.port",
            "policy.accounts",
            "account.exists",
        }
    )
    retry = Retry.NEVER
