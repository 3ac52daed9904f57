"""Whether the configured keys open what was sealed: asked at every start, so it must be cheap."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError

from accounts import vault
from accounts.models import Credential, OAuthApp
from accounts.signin import SECOND_FACTOR


def keys_problem() -> str | None:
    """Say in one sentence which key is missing or wrong; None while all is well.

    It opens one secret of each key, so its cost does not grow with the number of accounts.
    """
    try:
        samples = list(_samples())
    except DatabaseError:
        return None  # No tables yet, hence no secrets.
    for sealed, belongs_to in samples:
        try:
            vault.unseal(sealed, belongs_to=belongs_to)
        except vault.SealBroken:
            return _trouble(vault.sealing_key_id(sealed))
    return None


def _trouble(key_id: str) -> str:
    holder = settings.CREDENTIAL_KEYS_FROM
    if key_id in {key.key_id for key in settings.MUARA_KEYS}:
        return (
            f"Passwords here were sealed with key {key_id}, and what {holder} holds under that id "
            "has been altered; put that line back as it was, from your backup, or run manage.py "
            "rotatekeys --lost to forget what it sealed."
        )
    return (
        f"Passwords here were sealed with key {key_id}, which {holder} does not hold; put that key "
        "back beside the new one, or run manage.py rotatekeys --lost to forget what it sealed."
    )


def _samples() -> Iterator[tuple[bytes, str]]:
    for key_id in Credential.objects.values_list("key_id", flat=True).distinct().order_by():
        one = Credential.objects.select_related("account").filter(key_id=key_id).first()
        if one is not None:
            yield bytes(one.sealed), one.belongs_to
    for app in OAuthApp.objects.exclude(sealed_secret=None):
        yield bytes(app.sealed_secret or b""), app.belongs_to
    factor = Authenticator.objects.filter(type=Authenticator.Type.TOTP).first()
    if factor is not None:
        yield bytes.fromhex(factor.data["secret"]), SECOND_FACTOR


@register(Tags.database)
def check_keys(**kwargs: Any) -> list[CheckMessage]:
    """Report a missing key as a system check."""
    problem = keys_problem() if kwargs.get("databases") else None
    return [Error(problem, id="muara.E001")] if problem else []
