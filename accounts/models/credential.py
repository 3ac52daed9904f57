"""A sealed secret for one side of an account."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.account import ExternalAccount
from accounts.models.oauth_app import OAuthApp


class Purpose(models.TextChoices):
    """Which side a secret opens; no outgoing one means: the same as incoming."""

    INCOMING = "incoming", _("Incoming")
    OUTGOING = "outgoing", _("Outgoing")


class Credential(models.Model):
    """One sealed secret; only ``accounts.credentials`` opens it.

    ``key_id`` repeats the name of the key inside ``sealed`` so that a rotation can find the rest.
    Without ``app`` the secret is a password. With it, it is that provider's grant: the access token
    lives until ``expires_at``, was last renewed at ``renewed_at``, and the whole grant ends at
    ``lapses_at`` where that is known. Whoever renews it holds ``lease`` until ``lease_until``;
    after a trouble of the provider nobody tries before then.
    """

    account = models.ForeignKey(
        ExternalAccount, on_delete=models.CASCADE, related_name="credentials"
    )
    purpose = models.CharField(max_length=8, choices=Purpose)
    sealed = models.BinaryField()
    key_id = models.CharField(max_length=32)
    changed_at = models.DateTimeField(auto_now=True)
    app = models.ForeignKey(OAuthApp, on_delete=models.PROTECT, null=True)
    expires_at = models.DateTimeField(null=True)
    renewed_at = models.DateTimeField(null=True)
    lapses_at = models.DateTimeField(null=True)
    lease = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("credential")
        verbose_name_plural = _("credentials")
        indexes: ClassVar = [
            models.Index(
                fields=["renewed_at"], condition=Q(app__isnull=False), name="grant_renewed"
            ),
            models.Index(
                fields=["lapses_at"], condition=Q(lapses_at__isnull=False), name="grant_lapses"
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(app=None, expires_at=None, renewed_at=None, lapses_at=None)
                | Q(app__isnull=False, expires_at__isnull=False, renewed_at__isnull=False),
                name="grant_has_times_and_password_none",
            ),
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
        kind = ":grant" if self.app_id else ""
        return f"credential:{self.account.public_id}:{self.purpose}{kind}"
