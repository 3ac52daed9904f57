"""An account that is being added: what was found and typed so far, less every secret."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from accounts.models.user import User


class LookUp(models.TextChoices):
    """Where the look-up of an address's settings stands."""

    WAITING = "waiting", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")


class SetupQuerySet(models.QuerySet["Setup"]):
    """Questions that are asked more than once."""

    def for_user(self, user: User) -> SetupQuerySet:
        """Keep what a person is adding."""
        return self.filter(owner=user)


class Setup(models.Model):
    """One walk through the pages that add an account; deleted a day later.

    ``found`` is a list of findings (``accounts.findings``), best first. ``typed`` holds what was
    typed on each page by field, never a password: those lie sealed in the Probe. ``asks_network``
    tells a look-up that left this machine, which the limits count by owner and domain.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    created_at = models.DateTimeField()
    address = models.EmailField(max_length=254)
    domain = models.CharField(max_length=253)
    asks_network = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=LookUp, default=LookUp.DONE)
    lease_until = models.DateTimeField(null=True)
    found = models.JSONField(default=list, blank=True)
    typed = models.JSONField(default=dict, blank=True)

    objects = SetupQuerySet.as_manager()

    class Meta:
        verbose_name = _("account being added")
        verbose_name_plural = _("accounts being added")
        indexes: ClassVar = [
            models.Index(
                fields=["id"], condition=~Q(state=LookUp.DONE), name="setup_being_looked_up"
            ),
            models.Index(fields=["created_at"], name="setup_created"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(state__in=LookUp.values), name="setup_state_known"),
        ]

    def __str__(self) -> str:
        return self.address
