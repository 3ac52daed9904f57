"""One trip of a person to an OAuth provider and back: single-use, of ten minutes."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.account import ExternalAccount
from accounts.models.oauth_app import OAuthApp
from accounts.models.probe import Probe
from accounts.models.setup import Setup

if TYPE_CHECKING:
    from accounts.models.user import User


class TripState(models.TextChoices):
    """Where a trip stands; a worker takes it on from PREPARING and RETURNED."""

    PREPARING = "preparing", _("Preparing")
    AWAITED = "awaited", _("Waiting")
    RETURNED = "returned", _("Returned")
    GRANTED = "granted", _("Granted")
    FAILED = "failed", _("Failed")


class AuthorizationQuerySet(models.QuerySet["Authorization"]):
    """Questions that are asked more than once."""

    def for_user(self, user: User) -> AuthorizationQuerySet:
        """Keep a person's own trips."""
        return self.filter(owner=user)


class Authorization(models.Model):
    """What is asked of a provider for whom, and how far that has come.

    ``account`` is the one signed in again; without it a new one is added as ``wanted`` says, for
    whom ``setup`` is what the pages of adding go back to.
    ``browser`` stands for the session that began it, and ``state_digest`` for what the provider
    hands back (RFC 6749 section 10.12). ``sealed_flow`` and ``sealed_answer`` hold what must stay
    secret on the way, and are cleared at its end. Rows are deleted after ``expires_at``.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    app = models.ForeignKey(OAuthApp, on_delete=models.CASCADE)
    account = models.ForeignKey(ExternalAccount, on_delete=models.CASCADE, null=True)
    setup = models.ForeignKey(Setup, on_delete=models.SET_NULL, null=True)
    address = models.EmailField(max_length=254)
    wanted = models.JSONField(default=dict)
    browser = models.CharField(max_length=64)
    state_digest = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001 - none yet
    by_device = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    state = models.CharField(max_length=10, choices=TripState, default=TripState.PREPARING)
    sealed_flow = models.BinaryField(null=True)
    sealed_answer = models.BinaryField(null=True)
    user_code = models.CharField(max_length=40, blank=True)
    verification_uri = models.CharField(max_length=400, blank=True)
    next_poll_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    probe = models.ForeignKey(Probe, on_delete=models.SET_NULL, null=True)
    code = models.CharField(max_length=40, blank=True)
    facts = models.JSONField(default=dict)

    objects = AuthorizationQuerySet.as_manager()

    class Meta:
        verbose_name = _("authorisation")
        verbose_name_plural = _("authorisations")
        indexes: ClassVar = [
            models.Index(
                fields=["id"],
                condition=Q(state__in=[TripState.PREPARING, TripState.RETURNED])
                | Q(next_poll_at__isnull=False),
                name="authorization_unfinished",
            )
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state__in=TripState.values), name="authorization_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(state=TripState.FAILED) | ~Q(code=""),
                name="failed_authorization_has_code",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[TripState.GRANTED, TripState.FAILED])
                | Q(sealed_flow=None, sealed_answer=None),
                name="finished_authorization_keeps_no_secret",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.address}: {self.get_state_display()}"

    @property
    def belongs_to(self) -> str:
        """Name the row that the secrets are bound to."""
        return f"authorization:{self.public_id}"

    @property
    def is_over(self) -> bool:
        """Tell whether the trip has ended, well or not."""
        return self.state in {TripState.GRANTED, TripState.FAILED}
