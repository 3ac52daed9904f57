"""The tables of messages, their parts and their conversations."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import ExternalAccount, User
from mailstore.models.folder import Folder, Label
from mailstore.models.pack import SHA256_HEX, Blob


class Thread(models.Model):
    """Messages of one conversation, across the accounts of one owner (RFC 8621 §3)."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")

    def __str__(self) -> str:
        return str(self.public_id)


class ThreadLink(models.Model):
    """A Message-ID seen in a conversation, be it of a message, a reply or a reference to one.

    ``digest`` is the SHA-256 of the id, since an id may be longer than an index entry.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    digest = models.CharField(max_length=SHA256_HEX)
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE)

    class Meta:
        verbose_name = _("conversation link")
        verbose_name_plural = _("conversation links")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["owner", "digest"], name="one_thread_per_owner_and_message_id"
            )
        ]

    def __str__(self) -> str:
        return self.digest


class MessageQuerySet(models.QuerySet["Message"]):
    """Questions that are asked more than once."""

    def for_user(self, user: User) -> MessageQuerySet:
        """Keep a person's own messages."""
        return self.filter(owner=user)


class Message(models.Model):
    """One stored RFC 5322 message with its keywords (RFC 8621 §4).

    ``sent_at`` is the Date header in UTC, or the arrival time where ``sent_at_is_guess``;
    ``sent_offset`` keeps the sender's distance from UTC in minutes. ``sender``, ``to`` and ``cc``
    are as parsed: a list of ``[name, address]`` pairs for the latter two. ``defects`` names what
    was wrong with the message. ``discarded_at`` is when a message came to Trash or Spam,
    which are emptied after a while. ``same_as`` is a number that all copies of one letter in
    several accounts share, the id of one that was there; None where no other account has it.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # These begin indexes of their own below.
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False)
    account = models.ForeignKey(ExternalAccount, on_delete=models.CASCADE)
    folder = models.ForeignKey(Folder, on_delete=models.PROTECT, db_index=False)
    thread = models.ForeignKey(
        Thread, on_delete=models.PROTECT, related_name="messages", db_index=False
    )
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT)
    labels = models.ManyToManyField(Label, blank=True)
    size = models.PositiveBigIntegerField()

    subject = models.TextField(blank=True)
    sender_name = models.TextField(blank=True)
    sender_address = models.TextField(blank=True)
    to = models.JSONField(default=list)
    cc = models.JSONField(default=list)
    message_id = models.TextField(blank=True)
    preview = models.CharField(max_length=200, blank=True)
    sent_at = models.DateTimeField()
    sent_offset = models.SmallIntegerField(default=0)
    sent_at_is_guess = models.BooleanField(default=False)
    received_at = models.DateTimeField()
    has_attachments = models.BooleanField(default=False)
    defects = models.JSONField(default=list)
    same_as = models.BigIntegerField(null=True, blank=True, editable=False)

    seen = models.BooleanField(default=False)
    flagged = models.BooleanField(default=False)
    answered = models.BooleanField(default=False)
    draft = models.BooleanField(default=False)
    discarded_at = models.DateTimeField(null=True, blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["same_as", "account"],
                condition=Q(same_as__isnull=False),
                name="one_copy_per_letter_and_account",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["owner", "sent_at", "id"], name="message_by_owner"),
            models.Index(fields=["folder", "sent_at", "id"], name="message_by_folder"),
            models.Index(
                fields=["folder", "sent_at", "id"], condition=Q(seen=False), name="message_unread"
            ),
            models.Index(fields=["thread", "folder", "sent_at", "id"], name="message_by_thread"),
            models.Index(
                fields=["owner", "sent_at", "id"], condition=Q(flagged=True), name="message_starred"
            ),
            # To whom one has written.
            models.Index(
                fields=["owner", "sender_address"],
                condition=Q(answered=True),
                name="message_answered_sender",
            ),
            models.Index(
                fields=["owner", "discarded_at"],
                condition=Q(discarded_at__isnull=False),
                name="message_discarded",
            ),
            models.Index(
                fields=["folder", "same_as"],
                condition=Q(same_as__isnull=False, seen=False),
                name="message_unread_copy",
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)


class Part(models.Model):
    """One MIME part that can be shown or downloaded, found by its number (RFC 3501 §6.4.5).

    ``size`` is that of the decoded content.
    """

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="parts")
    number = models.CharField(max_length=60)
    content_type = models.CharField(max_length=120)
    filename = models.CharField(max_length=255, blank=True)
    content_id = models.CharField(max_length=255, blank=True)
    is_attachment = models.BooleanField(default=False)
    size = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name = _("part")
        verbose_name_plural = _("parts")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["message", "number"], name="one_part_per_message_and_number"
            )
        ]

    def __str__(self) -> str:
        return self.filename or self.number
