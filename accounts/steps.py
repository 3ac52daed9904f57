"""Where the one next step about an account leads."""

from __future__ import annotations

from django.urls import reverse

from accounts.models import ExternalAccount
from accounts.troubles import AT_CONNECTION, Step


def place_of(step: Step, account: ExternalAccount | None) -> str:
    """Return the address of the page for a step; without an account, that of all of them."""
    if account is not None and step is Step.AUTHENTICATE:
        return reverse("account_authenticate", args=[account.public_id])
    if account is not None and step in AT_CONNECTION:
        return reverse("account_connection", args=[account.public_id])
    if account is not None and step is Step.PROVIDER:
        return reverse("account_doctor", args=[account.public_id])
    if step is Step.IDENTITIES:
        return reverse("send_mail_as")
    if step is Step.ROOM:
        return reverse("storage")
    cards = reverse("mail_accounts")
    return f"{cards}#account-{account.public_id}" if account and step is Step.LOOK else cards
