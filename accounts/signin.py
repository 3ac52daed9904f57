"""How allauth fits in: who may sign up, how its mails speak of us, and sealed second factors."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.email_verification import (
    consume_email_verification_rate_limit as may_mail_code,
)
from allauth.account.internal.flows.email_verification_by_code import (
    EMAIL_VERIFICATION_CODE_SESSION_KEY,
)
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.usersessions.middleware import UserSessionsMiddleware
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse

from accounts import vault

SECOND_FACTOR = "second-factor"
NOTE_EVERY_SECONDS = 60


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Open or close sign-up by ``MUARA_SIGNUP``, and speak of Muara in mails."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 - allauth's signature
        """Tell whether strangers may make an account here."""
        return bool(settings.SIGNUP_OPEN)

    def send_mail(self, template_prefix: str, email: str, facts: dict[str, Any]) -> None:
        """Send a mail that names Muara and its own address, not what the visitor's browser said."""
        here = SimpleNamespace(name="Muara", domain=urlsplit(settings.MUARA_URL).netloc)
        super().send_mail(template_prefix, email, {**facts, "current_site": here})

    def generate_email_verification_code(self) -> str:
        """Make six digits, or keep the last one where a limit will stop the mail with a new one."""
        request = context.request
        last = request.session.get(EMAIL_VERIFICATION_CODE_SESSION_KEY)
        is_asked_again = request.POST.get("action") == "resend" and last
        if is_asked_again and not may_mail_code(request, last["email"], dry_run=True):
            return str(last["code"])
        return str(super().generate_email_verification_code())


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
