"""How allauth fits in: who may sign up, and sealed second factors."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.http import HttpRequest

from accounts import vault

SECOND_FACTOR = "second-factor"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Open or close sign-up by ``MUARA_SIGNUP``."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 - allauth's signature
        """Tell whether strangers may make an account here."""
        return bool(settings.SIGNUP_OPEN)


class SealedMfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth ships no types
    """Keep TOTP secrets and recovery seeds in the vault.

    allauth gives no row here, so these are bound to their purpose only.
    """

    def encrypt(self, text: str) -> str:
        """Seal a second factor's secret as text."""
        return vault.seal(text, belongs_to=SECOND_FACTOR).hex()

    def decrypt(self, encrypted_text: str) -> str:
        """Open what ``encrypt`` made."""
        return vault.unseal(bytes.fromhex(encrypted_text), belongs_to=SECOND_FACTOR)
