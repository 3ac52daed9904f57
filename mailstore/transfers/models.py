"""The table of files that are made of a person's mail, or read into it."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import ExternalAccount, User
from mailstore.transfers.words import words_for


class Form(models.TextChoices):
    """In which form messages are taken out; other programs read each of them."""

    MBOX = "mbox", _("mbox: one file a folder, as Thunderbird and many others read it")
    MAILDIR = "maildir", _("Maildir: one file a message, as mail servers read it")
    EML = "eml", _("EML: one file a message, that opens with a double click")


class Phase(models.TextChoices):
    """How far a transfer is."""

    WAITING = "waiting", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


class TransferQuerySet(models.QuerySet["Transfer"]):
    """Questions that are asked more than once."""

    def for_user(self, user: User) -> TransferQuerySet:
        """Keep a person's own, newest first."""
        return self.filter(owner=user).order_by("-created_at", "-id")


class Transfer(models.Model):
    """One export, or one import where ``is_import``; its file has the name of its ``public_id``.

    ``account`` is empty for all accounts or, importing, for those that the archive names; ``role``
    is the folder for messages of which it names none. ``done`` of ``total`` are messages, bytes of
    the file when importing. ``added``, ``known`` and ``left`` count what was put in, was here
    already, and could not be read or was too large. ``tries`` counts how often it was begun.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    account = models.ForeignKey(ExternalAccount, on_delete=models.CASCADE, null=True, blank=True)
    is_import = models.BooleanField(default=False)
    form = models.CharField(max_length=8, choices=Form, blank=True)
    role = models.CharField(max_length=8, blank=True)
    name = models.CharField(max_length=200)
    phase = models.CharField(max_length=8, choices=Phase, default=Phase.WAITING)
    code = models.CharField(max_length=40, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(default=0)
    done = models.PositiveBigIntegerField(default=0)
    added = models.PositiveBigIntegerField(default=0)
    known = models.PositiveBigIntegerField(default=0)
    left = models.PositiveBigIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = TransferQuerySet.as_manager()

    class Meta:
        verbose_name = _("export or import")
        verbose_name_plural = _("exports and imports")
        indexes: ClassVar = [
            models.Index(
                fields=["created_at"],
                condition=Q(phase__in=["waiting", "running"]),
                name="transfer_to_do",
            )
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(phase__in=Phase.values), name="transfer_phase_known"
            ),
            models.CheckConstraint(
                condition=Q(is_import=True, form="") | Q(is_import=False, form__in=Form.values),
                name="export_has_a_form",
            ),
            models.UniqueConstraint(
                fields=["owner"],
                condition=Q(phase="running"),
                name="one_running_transfer_per_owner",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def path(self) -> Path:
        """Return where the file lies."""
        return Path(settings.TRANSFER_FOLDER) / self.public_id.hex

    @property
    def percent(self) -> int:
        """Return how much of it is done."""
        return min(100, 100 * self.done // max(1, self.total))

    @property
    def words(self) -> str | Promise:
        """Say what ended it early, if anything did."""
        return words_for(self.code)

    @property
    def is_under_way(self) -> bool:
        """Tell whether it waits or runs."""
        return self.phase in {Phase.WAITING, Phase.RUNNING}
