"""Seal every secret again with the newest key, or forget those whose key is gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import Model, QuerySet

from accounts import lifecycle, quotas, vault
from accounts.lifecycle import Event
from accounts.models import Authorization, Credential, OAuthApp, Probe, State
from accounts.signin import SECOND_FACTOR


@dataclass(slots=True)
class Outcome:
    """How many rows were sealed again, were fine already, do not open, and were forgotten."""

    resealed: int = 0
    current: int = 0
    unreadable: int = 0
    forgotten: int = 0


def rotate(*, lost: bool, now: datetime) -> Outcome:
    """Give every secret the newest key, each in a transaction of its own, under load if need be.

    With ``lost``, secrets that do not open are forgotten and their accounts ask for a sign-in.
    """

    def forget_credential(row: Credential) -> None:
        _forget_credential(row, now)

    outcome = Outcome()
    kinds: tuple[tuple[QuerySet[Any], Callable[[Any], bool], Callable[[Any], None]], ...] = (
        (Credential.objects.all(), _renew_credential, forget_credential),
        (Probe.objects.exclude(sealed_password=None), _renew_probe, _delete),
        (Authenticator.objects.exclude(type="webauthn"), _renew_factor, _delete),
        (OAuthApp.objects.exclude(sealed_secret=None), _renew_app, _forget_app_secret),
        (Authorization.objects.exclude(sealed_flow=None), _renew_trip, _delete),
    )
    for rows, renew, forget in kinds:
        for key in list(rows.values_list("pk", flat=True)):
            result = _settle(rows, key, renew, forget if lost else None)
            setattr(outcome, result, getattr(outcome, result) + 1)
    return outcome


def _settle(
    rows: QuerySet[Any],
    key: int,
    renew: Callable[[Any], bool],
    forget: Callable[[Any], None] | None,
) -> str:
    """Handle one row under its lock; it may have been changed or deleted since it was listed."""
    with transaction.atomic():
        row = rows.select_for_update().filter(pk=key).first()
        if row is None:
            return "current"
        try:
            return "resealed" if renew(row) else "current"
        except vault.SealBroken:
            if forget is None:
                return "unreadable"
            forget(row)
            return "forgotten"


def _renew_credential(row: Credential) -> bool:
    before = bytes(row.sealed)
    row.sealed = _renewed(before, row.belongs_to)
    row.key_id = vault.newest_key_id()
    row.save(update_fields=["sealed", "key_id"])
    return bytes(row.sealed) != before


def _renew_probe(row: Probe) -> bool:
    before = bytes(row.sealed_password or b"")
    row.sealed_password = _renewed(before, row.belongs_to)
    row.save(update_fields=["sealed_password"])
    return bytes(row.sealed_password) != before


def _renew_factor(row: Authenticator) -> bool:
    before = dict(row.data)
    for name in ("secret", "seed"):
        if name in row.data:
            row.data[name] = _renewed_text(row.data[name])
    if "migrated_codes" in row.data:
        row.data["migrated_codes"] = [_renewed_text(code) for code in row.data["migrated_codes"]]
    row.save(update_fields=["data"])
    return bool(row.data != before)


def _renew_app(row: OAuthApp) -> bool:
    before = bytes(row.sealed_secret or b"")
    row.sealed_secret = _renewed(before, row.belongs_to)
    row.key_id = vault.newest_key_id()
    row.save(update_fields=["sealed_secret", "key_id"])
    return bytes(row.sealed_secret) != before


def _renew_trip(row: Authorization) -> bool:
    before = bytes(row.sealed_flow or b"")
    row.sealed_flow = _renewed(before, row.belongs_to)
    if row.sealed_answer is not None:
        row.sealed_answer = _renewed(bytes(row.sealed_answer), row.belongs_to)
    row.save(update_fields=["sealed_flow", "sealed_answer"])
    return bytes(row.sealed_flow) != before


def _renewed(sealed: bytes, belongs_to: str) -> bytes:
    """Return the secret under the newest key, the same bytes where it is already."""
    secret = vault.unseal(sealed, belongs_to=belongs_to)
    if vault.sealing_key_id(sealed) == vault.newest_key_id():
        return bytes(sealed)
    return vault.seal(secret, belongs_to=belongs_to)


def _renewed_text(text: str) -> str:
    return _renewed(bytes.fromhex(text), SECOND_FACTOR).hex()


def _forget_credential(row: Credential, now: datetime) -> None:
    account = row.account
    row.delete()
    if account.state == State.ACTIVE:
        lifecycle.advance(account, Event.SIGN_IN_REFUSED, now=now)
    account.last_code, account.last_facts = "auth.sealed", {}
    account.save(update_fields=["last_code", "last_facts"])
    quotas.touch(account.owner_id)


def _forget_app_secret(row: OAuthApp) -> None:
    row.sealed_secret, row.key_id = None, ""
    row.save(update_fields=["sealed_secret", "key_id"])


def _delete(row: Model) -> None:
    row.delete()
