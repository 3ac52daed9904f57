"""Many accounts added at once: which rows of a file were tested, and why others were not."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from accounts.models.user import User


class BatchQuerySet(models.QuerySet["Batch"]):
    """Questions that are asked more than once."""

    def for_user(self, user: User) -> BatchQuerySet:
        """Keep what a person has sent in."""
        return self.filter(owner=user)


class Batch(models.Model):
    """One file of accounts, which itself is never kept; the rows that were tested are Probes.

    ``refused`` lists the others: ``row``, ``address`` and ``problems``, pairs of a column and words
    in the language of whoever sent the file, who reads them at once.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    created_at = models.DateTimeField()
    refused = models.JSONField(default=list, blank=True)

    objects = BatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("accounts added at once")
        verbose_name_plural = _("accounts added at once")

    def __str__(self) -> str:
        return str(self.public_id)
