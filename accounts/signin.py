"""How allauth fits in: who may sign up, and sealed second factors."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.usersessions.middleware import UserSessionsMiddleware
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse

from accounts import vault

SECOND_FACTOR = "second-factor"
NOTE_EVERY_SECONDS = 60


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Open or close sign-up by ``MUARA_SIGNUP``."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 - allauth's signature
        """Tell whether strangers may make an account here."""
        return bool(settings.SIGNUP_OPEN)


class CalmSessionsMiddleware(UserSessionsMiddleware):  # type: ignore[misc]  # allauth ships no types
    """Note when a session was last used, once a minute: open pages ask every few seconds."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass most requests on without writing anything."""
        key = request.session.session_key
        if key and cache.add(f"session-used:{key}", 1, NOTE_EVERY_SECONDS):
            answer: HttpResponse = super().__call__(request)
        else:
            answer = self.get_response(request)
        return answer


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
