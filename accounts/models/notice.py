"""What a person is told about an account: one notice for one trouble, as codes and facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.account import ExternalAccount

if TYPE_CHECKING:
    from accounts.models.user import User


class Topic(models.TextChoices):
    """What a notice is about; the trouble's code says why."""

    PREPARED = "prepared", _("Waits for its owner")
    SIGN_IN = "sign_in", _("Sign-in needed")
    STOPPED = "stopped", _("Fetching stopped")
    LAPSING = "lapsing", _("Sign-in ends soon")
    TROUBLE = "trouble", _("Trouble that lasts")
    FILLING = "filling", _("Storage filling up")
    TIGHT = "tight", _("Storage nearly full")
    FULL = "full", _("Storage full")
    ROOM = "room", _("Room again")


class NoticeQuerySet(models.QuerySet["Notice"]):
    """Questions that are asked more than once."""

    def open_for(self, user: User) -> NoticeQuerySet:
        """Keep what a person should know now, oldest first."""
        return self.filter(owner=user, closed_at=None).order_by("opened_at", "id")


class Notice(models.Model):
    """One trouble that its owner is told of, until it is over; without account it is the owner's.

    ``mail_due_at`` is when its mail is due, or due again should the worker that sends it now die;
    None once it was sent or where none is wanted. Notices mailed together share ``mailed_at``.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    account = models.ForeignKey(ExternalAccount, on_delete=models.CASCADE, null=True)
    topic = models.CharField(_("topic"), max_length=8, choices=Topic)
    code = models.CharField(_("code"), max_length=40)
    facts = models.JSONField(default=dict, blank=True)
    opened_at = models.DateTimeField(_("opened"))
    closed_at = models.DateTimeField(_("closed"), null=True)
    mail_due_at = models.DateTimeField(_("mail due"), null=True)
    mailed_at = models.DateTimeField(_("mailed"), null=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        indexes: ClassVar = [
            models.Index(
                fields=["mail_due_at"],
                condition=Q(mail_due_at__isnull=False),
                name="notice_unsent",
            ),
            models.Index(fields=["owner", "mailed_at"], name="notice_mailed"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(topic__in=Topic.values), name="notice_topic_known"),
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(closed_at=None) & ~Q(topic=Topic.LAPSING),
                name="one_open_notice_per_account",
            ),
            # What is to come is told beside what is the matter now.
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(closed_at=None, topic=Topic.LAPSING),
                name="one_open_notice_per_account_that_ends",
            ),
            models.UniqueConstraint(
                fields=["owner", "topic"],
                condition=Q(closed_at=None, account=None),
                name="one_open_notice_per_owner_and_topic",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_topic_display()} ({self.code})"
