"""The tables of the message store: raw bytes, where they lie, and the index over them.

The raw message is the truth; every other column here can be rebuilt from it. Sizes are bytes of
the raw message, times are UTC.
"""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Coalesce, Length, Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Color, ExternalAccount, User
from mailstore.transfers.models import Transfer  # noqa: F401 - Django looks for tables here

models.CharField.register_lookup(Length)
SHA256_HEX = 64


class Pack(models.Model):
    """One immutable file with the raw bytes of a batch; ``name`` is its file name."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    name = models.UUIDField(unique=True, editable=False)
    size = models.PositiveBigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("pack")
        verbose_name_plural = _("packs")

    def __str__(self) -> str:
        return str(self.name)


class Blob(models.Model):
    """One message's raw bytes, named by SHA-256 per owner; they lie in a pack (RFC 8620 §6)."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    sha256 = models.CharField(max_length=SHA256_HEX)
    pack = models.ForeignKey(Pack, on_delete=models.PROTECT)
    offset = models.PositiveBigIntegerField()
    size = models.PositiveBigIntegerField()

    class Meta:
        verbose_name = _("blob")
        verbose_name_plural = _("blobs")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["owner", "sha256"], name="one_blob_per_owner_and_digest"
            ),
            # The size belongs to the place, since a message may be empty.
            models.UniqueConstraint(fields=["pack", "offset", "size"], name="one_blob_per_place"),
            models.CheckConstraint(
                condition=Q(sha256__length=SHA256_HEX), name="blob_digest_is_sha256"
            ),
        ]

    def __str__(self) -> str:
        return self.sha256


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
    which are emptied after a while.
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

    seen = models.BooleanField(default=False)
    flagged = models.BooleanField(default=False)
    answered = models.BooleanField(default=False)
    draft = models.BooleanField(default=False)
    discarded_at = models.DateTimeField(null=True, blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
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
        ]

    def __str__(self) -> str:
        return str(self.public_id)


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
