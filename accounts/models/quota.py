"""How much a person may keep, and how much of it is used."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.policy import Allowances

GIB = 1024**3
MIB = 1024**2


class Plan(Allowances):
    """What a person is allowed: sizes in bytes, intervals in minutes."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    is_default = models.BooleanField(_("for new people"), default=False)
    storage_bytes = models.PositiveBigIntegerField(_("storage"), default=5 * GIB)
    max_accounts = models.PositiveIntegerField(_("accounts at most"), default=20)
    min_interval_minutes = models.PositiveSmallIntegerField(_("shortest interval"), default=1)
    max_per_cycle = models.PositiveIntegerField(_("messages per fetch"), null=True, blank=True)
    max_message_bytes = models.PositiveBigIntegerField(_("largest message"), default=50 * MIB)
    allow_plain = models.BooleanField(_("unencrypted connections allowed"), default=False)

    # Whoever may sign up may not by that alone send mail in the name of this place.
    allow_relay = models.BooleanField(
        _("sending through this service's own server allowed"),
        default=False,
        help_text=_("For accounts without a server for sending, from verified addresses only."),
    )

    class Meta:
        verbose_name = _("plan")
        verbose_name_plural = _("plans")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["is_default"], condition=Q(is_default=True), name="one_default_plan"
            ),
            models.CheckConstraint(
                condition=Q(min_interval_minutes__gte=1) & Q(min_interval_minutes__lte=60),
                name="plan_interval_is_1_to_60_minutes",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Quota(models.Model):
    """One row per owner: bytes used and allowed, and the number that open pages watch.

    ``allowed_bytes`` overrides the plan; ``used_bytes`` is the sum of the sizes of the owner's
    messages; ``change_number`` grows in every commit that a reader would see. There is no rule
    that used stays below allowed, since an administrator may lower a limit.
    """

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True
    )
    allowed_bytes = models.PositiveBigIntegerField(_("allowed"), null=True, blank=True)
    used_bytes = models.PositiveBigIntegerField(_("used"), default=0)
    change_number = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name = _("quota")
        verbose_name_plural = _("quotas")
        # Who uses much is found without passing all the others.
        indexes: ClassVar = [
            models.Index(fields=["used_bytes"], name="quota_by_use"),
            models.Index(
                fields=["allowed_bytes"],
                condition=Q(allowed_bytes__isnull=False),
                name="quota_with_limit_of_its_own",
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(used_bytes__gte=0), name="used_bytes_never_negative")
        ]

    def __str__(self) -> str:
        return f"{self.used_bytes} bytes"
