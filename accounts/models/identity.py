"""Addresses a person sends as, and the proof that they are that person's own."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.models.account import ExternalAccount

MAX_CODE_ATTEMPTS = 5


class Identity(models.Model):
    """Send Mail As: a From with its name, Reply-To and signature (RFC 8621 section 6).

    ``verified_at`` is set once sending as this address was proved; until then it cannot send.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    account = models.ForeignKey(ExternalAccount, on_delete=models.CASCADE)
    name = models.CharField(_("display name"), max_length=150, blank=True)
    address = models.EmailField(_("email address"), max_length=254)
    reply_to = models.EmailField(_("reply-to"), max_length=254, blank=True)
    signature = models.TextField(_("signature"), blank=True)
    is_default = models.BooleanField(_("default"), default=False)
    verified_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("identity")
        verbose_name_plural = _("identities")
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


class OwnedAddress(models.Model):
    """An address that its owner has proved to receive mail at."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    address = models.EmailField(_("email address"), max_length=254)
    proved_at = models.DateTimeField()

    class Meta:
        verbose_name = _("verified address")
        verbose_name_plural = _("verified addresses")
        constraints: ClassVar = [
            models.UniqueConstraint(
                "owner", Lower("address"), name="one_owned_address_per_owner_and_address"
            )
        ]

    def __str__(self) -> str:
        return self.address


class VerificationCode(models.Model):
    """A code that was mailed to an address: only its keyed hash, with a limit on tries."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    address = models.EmailField(max_length=254)
    code_hash = models.CharField(max_length=64)
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("verification code")
        verbose_name_plural = _("verification codes")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(attempts__gte=0) & Q(attempts__lte=MAX_CODE_ATTEMPTS),
                name="code_is_tried_five_times_at_most",
            )
        ]

    def __str__(self) -> str:
        return self.address
