"""The tables of what a person does to messages and can take back, or waits for."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mailstore.models.folder import Folder
from mailstore.models.message import Message


class Snooze(models.Model):
    """A message that is out of sight until ``until`` and then is back in ``folder``, on top.

    While it is away it lies in the folder of its account with that role; ``is_back`` once it has
    returned and still stands on top.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    message = models.OneToOneField(Message, on_delete=models.CASCADE)
    folder = models.ForeignKey(Folder, on_delete=models.RESTRICT)
    until = models.DateTimeField()
    is_back = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("snoozed message")
        verbose_name_plural = _("snoozed messages")
        indexes: ClassVar = [
            models.Index(fields=["until"], condition=Q(is_back=False), name="snooze_due"),
            models.Index(fields=["owner"], condition=Q(is_back=True), name="snooze_back"),
        ]

    def __str__(self) -> str:
        return str(self.message_id)


class Undo(models.Model):
    """How to take back, once, what a person did to messages.

    ``changes`` are rows of column, value before, value after and the ids of the messages.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    changes = models.JSONField()
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("undo")
        verbose_name_plural = _("undos")

    def __str__(self) -> str:
        return str(self.public_id)


class ImageSender(models.Model):
    """A sender whose remote pictures a person always wants to see; the address in lower case."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    address = models.CharField(max_length=320)

    class Meta:
        verbose_name = _("sender with pictures")
        verbose_name_plural = _("senders with pictures")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["owner", "address"], name="one_image_sender_per_owner_and_address"
            )
        ]

    def __str__(self) -> str:
        return self.address


class Unsubscribing(models.TextChoices):
    """How far leaving a list has come."""

    WAITING = "waiting", _("waiting")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")


class Unsubscription(models.Model):
    """A person's wish to leave the list that a message came from, with one request (RFC 8058).

    A worker that tries holds it until ``leased_until``; ``tries`` counts how often one began.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    message = models.OneToOneField(Message, on_delete=models.CASCADE)
    state = models.CharField(
        max_length=8, choices=Unsubscribing, default=Unsubscribing.WAITING, editable=False
    )
    tries = models.PositiveSmallIntegerField(default=0)
    leased_until = models.DateTimeField(null=True, blank=True)
    asked_at = models.DateTimeField()

    class Meta:
        verbose_name = _("unsubscription")
        verbose_name_plural = _("unsubscriptions")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state__in=Unsubscribing.values), name="unsubscription_state_known"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=Q(state="waiting"), name="unsubscription_waiting")
        ]

    def __str__(self) -> str:
        return str(self.pk)
