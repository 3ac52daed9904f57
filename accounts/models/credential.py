"""A sealed secret for one side of an account."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.account import ExternalAccount


class Purpose(models.TextChoices):
    """Which side a secret opens; no outgoing one means: the same as incoming."""

    INCOMING = "incoming", _("Incoming")
    OUTGOING = "outgoing", _("Outgoing")


class Credential(models.Model):
    """One sealed secret; only ``accounts.credentials`` opens it.

    ``key_id`` repeats the name of the key inside ``sealed`` so that a rotation can find the rest.
    """

    account = models.ForeignKey(
        ExternalAccount, on_delete=models.CASCADE, related_name="credentials"
    )
    purpose = models.CharField(max_length=8, choices=Purpose)
    sealed = models.BinaryField()
    key_id = models.CharField(max_length=32)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("credential")
        verbose_name_plural = _("credentials")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "purpose"], name="one_credential_per_account_and_purpose"
            ),
            models.CheckConstraint(
                condition=Q(purpose__in=Purpose.values), name="credential_purpose_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()}"

    @property
    def belongs_to(self) -> str:
        """Name the row and purpose that the secret is bound to."""
        return f"credential:{self.account.public_id}:{self.purpose}"
