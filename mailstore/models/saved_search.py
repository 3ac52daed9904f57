"""The table of searches kept under a name."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.models import User


class SavedSearchQuerySet(models.QuerySet["SavedSearch"]):
    """Questions that are asked more than once."""

    def for_user(self, user: User) -> SavedSearchQuerySet:
        """Keep a person's own searches, by name."""
        return self.filter(owner=user).order_by(Lower("name"), "id")


class SavedSearch(models.Model):
    """A search that a person keeps under a name; ``text`` is as it was typed."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    name = models.CharField(_("name"), max_length=80)
    text = models.CharField(max_length=400)

    objects = SavedSearchQuerySet.as_manager()

    class Meta:
        verbose_name = _("saved search")
        verbose_name_plural = _("saved searches")
        constraints: ClassVar = [
            models.UniqueConstraint(
                "owner", Lower("name"), name="one_saved_search_per_owner_and_name"
            ),
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(text=""), name="saved_search_says_something"
            ),
        ]

    def __str__(self) -> str:
        return self.name
