"""The tables of where a message lies, and of the words put on it."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Coalesce, Lower
from django.utils.translation import gettext_lazy as _

from accounts.models import Color, ExternalAccount, User


class Role(models.TextChoices):
    """What a folder is for (RFC 6154, RFC 8621 §2); a folder of one's own has none."""

    INBOX = "inbox", _("Inbox")
    SENT = "sent", _("Sent")
    DRAFTS = "drafts", _("Drafts")
    JUNK = "junk", _("Spam")
    TRASH = "trash", _("Trash")
    ARCHIVE = "archive", _("Archive")
    SNOOZED = "snoozed", _("Snoozed")


# What lies in these goes by itself after a while.
DISCARDED = (Role.JUNK, Role.TRASH)
# Folders stand in folders, five deep.
DEEPEST = 4


class FolderQuerySet(models.QuerySet["Folder"]):
    """Questions that are asked more than once."""

    def for_user(self, user: User) -> FolderQuerySet:
        """Keep a person's own folders."""
        return self.filter(owner=user)


class Folder(models.Model):
    """Where a message lies. The counters move in the transaction that changes what they count.

    ``depth`` is one more than that of the parent, 0 without one; so no folder stands in itself.
    ``empty_before`` asks for all that was discarded until then to be erased.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    account = models.ForeignKey(ExternalAccount, on_delete=models.CASCADE, related_name="folders")
    # Not PROTECT, by which an account with folders in folders could not be erased.
    parent = models.ForeignKey("self", on_delete=models.RESTRICT, null=True, blank=True)
    depth = models.PositiveSmallIntegerField(default=0)
    name = models.CharField(_("name"), max_length=120, blank=True)
    role = models.CharField(max_length=8, choices=Role, blank=True)
    total = models.PositiveIntegerField(default=0)
    unread = models.PositiveIntegerField(default=0)
    size = models.PositiveBigIntegerField(default=0)
    empty_before = models.DateTimeField(null=True, blank=True)

    objects = FolderQuerySet.as_manager()

    class Meta:
        verbose_name = _("folder")
        verbose_name_plural = _("folders")
        indexes: ClassVar = [
            models.Index(
                fields=["id"], condition=Q(empty_before__isnull=False), name="folder_to_empty"
            )
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "role"], condition=~Q(role=""), name="one_folder_per_role"
            ),
            models.UniqueConstraint(
                "account",
                Coalesce("parent", Value(0, models.BigIntegerField())),
                Lower("name"),
                condition=Q(role=""),
                name="folder_name_is_unique_in_its_parent",
            ),
            models.CheckConstraint(
                condition=Q(role__in=["", *Role.values]), name="folder_role_known"
            ),
            models.CheckConstraint(
                condition=~Q(role="") | ~Q(name=""), name="own_folder_has_a_name"
            ),
            models.CheckConstraint(
                condition=Q(unread__lte=models.F("total")), name="unread_is_part_of_total"
            ),
            models.CheckConstraint(
                condition=Q(parent=None, depth=0)
                | Q(parent__isnull=False, role="", depth__gte=1, depth__lte=DEEPEST),
                name="folder_depth_is_that_of_its_place",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.get_role_display()

    @property
    def slug(self) -> str:
        """Return the folder's part of an address."""
        return self.role or str(self.public_id)


class LabelQuerySet(models.QuerySet["Label"]):
    """Questions that are asked more than once."""

    def for_user(self, user: User) -> LabelQuerySet:
        """Keep a person's own labels, by name."""
        return self.filter(owner=user).order_by(Lower("name"), "id")


class Label(models.Model):
    """A word that a person puts on messages, across accounts.

    ``total`` and ``unread`` count its messages outside Trash and Spam; they move in the
    transaction that changes what they count.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    name = models.CharField(_("name"), max_length=80)
    color = models.CharField(_("colour"), max_length=8, choices=Color, default=Color.BLUE)
    total = models.PositiveIntegerField(default=0)
    unread = models.PositiveIntegerField(default=0)

    objects = LabelQuerySet.as_manager()

    class Meta:
        verbose_name = _("label")
        verbose_name_plural = _("labels")
        constraints: ClassVar = [
            models.UniqueConstraint("owner", Lower("name"), name="one_label_per_owner_and_name"),
            models.CheckConstraint(condition=Q(color__in=Color.values), name="label_color_known"),
            models.CheckConstraint(
                condition=Q(unread__lte=models.F("total")), name="unread_is_part_of_labelled"
            ),
        ]

    def __str__(self) -> str:
        return self.name
