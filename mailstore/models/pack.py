"""The tables of raw bytes and of where they lie."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.utils.translation import gettext_lazy as _

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
