"""Addresses a person sends as or has answers sent to, and the proof that they are their own."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.account import ExternalAccount

MAX_CODE_ATTEMPTS = 5


class Identity(models.Model):
    """Send Mail As: a From with its name, Reply-To and signature (RFC 8621 section 6).

    ``server_accepted_at`` is set while the account's own outgoing server vouches for the address.
    ``accounts.identities`` alone tells whether this, or a confirmed code, allows to send.
    ``alignment`` is what was found out last about sending through ``alignment_server``, and
    ``alignment_due_at`` when that is looked at again.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    account = models.ForeignKey(ExternalAccount, on_delete=models.CASCADE)
    name = models.CharField(_("display name"), max_length=150, blank=True)
    address = models.EmailField(_("email address"), max_length=254)
    reply_to = models.EmailField(_("reply-to"), max_length=254, blank=True)
    signature = models.TextField(_("signature"), blank=True)
    is_default = models.BooleanField(_("default"), default=False)
    server_accepted_at = models.DateTimeField(null=True, blank=True)
    alignment = models.CharField(max_length=8, blank=True, editable=False)
    alignment_server = models.CharField(max_length=253, blank=True, editable=False)
    alignment_due_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("identity")
        verbose_name_plural = _("identities")
        indexes: ClassVar = [
            models.Index(fields=["alignment_due_at"], name="identity_alignment_due")
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                "account", Lower("address"), name="one_identity_per_account_and_address"
            ),
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(is_default=True),
                name="one_default_identity_per_account",
            ),
        ]

    def __str__(self) -> str:
        return self.address


class Use(models.TextChoices):
    """What an address is proved for; whoever may send as it may have answers go there too."""

    SEND_AS = "send_as", _("Send as")
    REPLY_TO = "reply_to", _("Reply-To")


class OwnedAddress(models.Model):
    """An address that its owner has proved, by a code, to receive mail at, for one use."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    address = models.EmailField(_("email address"), max_length=254)
    use = models.CharField(max_length=8, choices=Use)
    proved_at = models.DateTimeField()

    class Meta:
        verbose_name = _("verified address")
        verbose_name_plural = _("verified addresses")
        constraints: ClassVar = [
            models.UniqueConstraint(
                "owner", Lower("address"), "use", name="one_owned_address_per_owner_and_use"
            ),
            models.CheckConstraint(condition=Q(use__in=Use.values), name="owned_address_use_known"),
        ]

    def __str__(self) -> str:
        return self.address


class CodeRecipient(models.Model):
    """A mailbox that codes go to, whoever asks: the lock under which its limits are counted."""

    mailbox = models.CharField(max_length=254, unique=True)

    class Meta:
        verbose_name = _("recipient of codes")
        verbose_name_plural = _("recipients of codes")

    def __str__(self) -> str:
        return self.mailbox


class VerificationCode(models.Model):
    """A code asked for, mailed by a worker and tried: only its keyed hash, with a limit on tries.

    It is open until it was ``used_at`` or ``replaced_at`` by a newer one; ``code_hash`` is blank
    until the mail with the code is written. ``mail_due_at`` is when a worker shall mail it, and
    empty once that is done with; ``mails`` counts those that went out or may have.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    address = models.EmailField(max_length=254)
    use = models.CharField(max_length=8, choices=Use)
    recipient = models.ForeignKey(CodeRecipient, on_delete=models.PROTECT, null=True)
    asked_at = models.DateTimeField()
    mail_due_at = models.DateTimeField(null=True)
    mails = models.PositiveSmallIntegerField(default=0)
    code_hash = models.CharField(max_length=64, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    replaced_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("verification code")
        verbose_name_plural = _("verification codes")
        indexes: ClassVar = [
            models.Index(
                fields=["mail_due_at"],
                condition=Q(mail_due_at__isnull=False),
                name="code_mail_due",
            ),
            models.Index(fields=["recipient", "sent_at"], name="code_recipient_sent"),
            models.Index(fields=["asked_at"], name="code_asked"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(attempts__gte=0) & Q(attempts__lte=MAX_CODE_ATTEMPTS),
                name="code_is_tried_five_times_at_most",
            ),
            models.CheckConstraint(condition=Q(use__in=Use.values), name="code_use_known"),
            models.CheckConstraint(
                condition=Q(code_hash="")
                | Q(sent_at__isnull=False, expires_at__isnull=False, recipient__isnull=False),
                name="code_with_a_hash_expires",
            ),
            models.UniqueConstraint(
                "owner",
                Lower("address"),
                "use",
                condition=Q(used_at=None, replaced_at=None),
                name="one_open_code_per_owner_address_and_use",
            ),
        ]

    def __str__(self) -> str:
        return self.address

    @property
    def belongs_to(self) -> str:
        """Name the row, person, address and use that the code is bound to."""
        return f"code:{self.pk}:{self.owner_id}:{self.use}:{self.address.lower()}"
