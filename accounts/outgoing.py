"""The server through which an account sends, kept once a test of it has passed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts import credentials, identities, quotas
from accounts.models import Credential, ExternalAccount, Identity, OutgoingServer, Purpose
from wire.endpoint import Endpoint, Protocol, Security
from wire.errors import MailError

NOTHING_REFUSED: Mapping[str, Any] = {"last_code": "", "last_facts": {}}


@dataclass(frozen=True, slots=True)
class NewOutgoing:
    """What a person tells about an outgoing server.

    Without a password the account's incoming credentials serve both ways, and ``username`` is that
    of the incoming server.
    """

    host: str
    port: int
    security: Security
    username: str
    password: str | None = field(default=None, repr=False)
    protocol = Protocol.SMTP

    def endpoint(self) -> Endpoint:
        """Return what ``wire`` connects to."""
        return Endpoint(self.host, self.port, self.security)


def settle_sending(account: ExternalAccount, proven: NewOutgoing, *, now: datetime) -> None:
    """Keep a proven outgoing server, inside the caller's transaction; it vouches for its user."""
    OutgoingServer.objects.update_or_create(
        account=account,
        defaults={
            "host": proven.host,
            "port": proven.port,
            "security": proven.security,
            "username": proven.username,
            **NOTHING_REFUSED,
        },
    )
    if proven.password is None:
        Credential.objects.filter(account=account, purpose=Purpose.OUTGOING).delete()
    else:
        credentials.keep_password(account, Purpose.OUTGOING, proven.password)
    _prove_again(account, now)


def note_trial(account: ExternalAccount, refused: MailError | None = None) -> None:
    """Note how a trial of an account's outgoing server with what is kept for it has ended."""
    told = {"last_code": refused.code, "last_facts": refused.facts} if refused else NOTHING_REFUSED
    OutgoingServer.objects.filter(account=account).update(**told)
    quotas.touch(account.owner_id)


def leave_for_later(account: ExternalAccount, *, now: datetime) -> None:
    """Leave the way of sending as it is; what no server vouches for is proved by a code."""
    for own in Identity.objects.filter(account=account, address__iexact=account.address):
        identities.ask_for_proofs(own, now=now)


def send_by_house_relay(account: ExternalAccount, *, now: datetime) -> None:
    """Forget an account's outgoing server; what it vouched for is no longer proved."""
    with transaction.atomic():
        OutgoingServer.objects.filter(account=account).delete()
        Credential.objects.filter(account=account, purpose=Purpose.OUTGOING).delete()
        _prove_again(account, now)
        quotas.touch(account.owner_id)


def _prove_again(account: ExternalAccount, now: datetime) -> None:
    """Let the server of now vouch for what it can, and a code prove the account's own address."""
    account.refresh_from_db()
    identities.note_accepted_sign_in(account, now=now)
    leave_for_later(account, now=now)
