"""What the fetcher remembers: its visits, and which remote messages are stored here."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import ExternalAccount
from mailstore.models import SHA256_HEX, Message
from wire.errors import DETAIL_LIMIT

MAX_UID = 200


class FetchRun(models.Model):
    """One visit to one server. While open it is the lock on its account, and carries a lease.

    ``code`` is empty for a good end; ``messages`` and ``octets`` count what was stored, of the
    ``planned`` ones that the server listed, with the octets it told, ``began_at``. ``received``
    counts every octet that the server sent, known only once the run was closed in order.
    ``by_worker`` tells that a worker opened it, rather than a command in the foreground.
    """

    account = models.ForeignKey(ExternalAccount, on_delete=models.CASCADE, related_name="runs")
    opened_at = models.DateTimeField()
    lease_until = models.DateTimeField()
    by_worker = models.BooleanField(default=False)
    closed_at = models.DateTimeField(null=True)
    code = models.CharField(max_length=40, blank=True)
    facts = models.JSONField(default=dict, blank=True)
    listed = models.PositiveIntegerField(default=0)
    began_at = models.DateTimeField(null=True)
    planned = models.PositiveIntegerField(default=0)
    planned_octets = models.PositiveBigIntegerField(default=0)
    messages = models.PositiveIntegerField(default=0)
    octets = models.PositiveBigIntegerField(default=0)
    received = models.PositiveBigIntegerField(default=0)
    deleted = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("fetch run")
        verbose_name_plural = _("fetch runs")
        indexes: ClassVar = [
            models.Index(fields=["account", "-opened_at"], name="run_by_account"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account"], condition=Q(closed_at=None), name="one_open_run_per_account"
            )
        ]

    def __str__(self) -> str:
        return f"{self.account_id}/{self.pk}"


class RemoteFolder(models.Model):
    """A mailbox at the other server; POP3 has one, named INBOX.

    The other columns are what the last POP3 visit learnt: what the server announced before and
    after the sign-in; how many messages there were, all of them settled, with the uid of the last
    and their octets (``last_count`` is None where that may not be relied on); when it was last
    listed as a whole; and when the oldest message still there was stored here.
    """

    account = models.ForeignKey(ExternalAccount, on_delete=models.CASCADE)
    name = models.TextField()
    offers_before = models.TextField(blank=True, default="")
    offers_after = models.TextField(blank=True, default="")
    last_count = models.PositiveIntegerField(null=True)
    last_uid = models.CharField(max_length=MAX_UID, blank=True, default="")
    last_octets = models.PositiveBigIntegerField(null=True)
    listed_at = models.DateTimeField(null=True)
    oldest_stored_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("remote folder")
        verbose_name_plural = _("remote folders")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "name"], name="one_remote_folder_per_account_and_name"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def stored(self, uids: Collection[str]) -> RemoteUidQuerySet:
        """Return the notes on these POP3 uids; named so that the unique index finds them."""
        return RemoteUid.objects.filter(
            account_id=self.account_id, remote_folder=self, uid_validity=0, uid__in=uids
        )


class RemoteUidQuerySet(models.QuerySet["RemoteUid"]):
    """Questions that are asked more than once."""

    def gone(self) -> RemoteUidQuerySet:
        """Keep the notes on messages that are not listed any more."""
        return self.filter(gone_at__isnull=False)


class RemoteUid(models.Model):
    """The note that a remote message is stored; it outlives the message, which is not refetched.

    ``uid`` is the UIDL (RFC 1939 §7), or IMAP's UIDVALIDITY and UID; where the server gave none it
    is made from the fingerprint of the headers and ``uid_is_made`` is set. ``occurrence`` numbers
    repeats of one UIDL. ``listed_size`` is what the server said of its octets, which need not
    be true. ``deleted_at`` tells when we deleted the message at the server, ``gone_at`` since
    when a whole listing has not named it.
    """

    account = models.ForeignKey(ExternalAccount, on_delete=models.CASCADE)
    remote_folder = models.ForeignKey(RemoteFolder, on_delete=models.CASCADE)
    uid_validity = models.PositiveBigIntegerField(default=0)
    uid = models.CharField(max_length=MAX_UID)
    uid_is_made = models.BooleanField(default=False)
    occurrence = models.PositiveIntegerField(default=0)
    listed_size = models.PositiveBigIntegerField(null=True)
    sha256 = models.CharField(max_length=SHA256_HEX)
    fingerprint = models.CharField(max_length=SHA256_HEX)
    message = models.ForeignKey(Message, on_delete=models.SET_NULL, null=True)
    stored_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)
    gone_at = models.DateTimeField(null=True)

    objects = RemoteUidQuerySet.as_manager()

    class Meta:
        verbose_name = _("remote id")
        verbose_name_plural = _("remote ids")
        indexes: ClassVar = [
            models.Index(fields=["account", "fingerprint"], name="remote_uid_by_fingerprint"),
            models.Index(
                fields=["remote_folder", "listed_size"],
                condition=Q(gone_at__isnull=False),
                name="remote_uid_gone",
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "remote_folder", "uid_validity", "uid", "occurrence"],
                name="one_remote_uid_per_place",
            )
        ]

    def __str__(self) -> str:
        return self.uid


class HourlyCount(models.Model):
    """The visits of one hour (UTC) to one server that ended alike, also those that left no run.

    ``code`` is empty for a good end. Counts only grow, by ``fetcher.tally``.
    """

    hour = models.DateTimeField(_("hour"))
    host = models.CharField(_("server"), max_length=253)
    code = models.CharField(_("code"), max_length=40, blank=True)
    visits = models.PositiveBigIntegerField(_("visits"), default=0)
    messages = models.PositiveBigIntegerField(_("messages"), default=0)
    octets = models.PositiveBigIntegerField(_("octets"), default=0)

    class Meta:
        verbose_name = _("hourly count")
        verbose_name_plural = _("hourly counts")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["hour", "host", "code"], name="one_count_per_hour_host_and_code"
            )
        ]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H} {self.host} {self.code}"


class SetAside(models.Model):
    """A message that could not be had from its server, and so is left there, or not be read.

    ``number`` is its place there at the last try, ``size`` what the server said of its octets, or
    more where more of it was read; ``said`` holds the server's own words, given only under TLS.
    ``is_wanted`` lets the next visit try it whatever was before. ``message`` is the one that could
    be stored, but not be read.
    """

    account = models.ForeignKey(ExternalAccount, on_delete=models.CASCADE)
    remote_folder = models.ForeignKey(RemoteFolder, on_delete=models.CASCADE)
    uid = models.CharField(max_length=MAX_UID)
    occurrence = models.PositiveIntegerField(default=0)
    number = models.PositiveIntegerField(null=True)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, null=True)
    code = models.CharField(max_length=40)
    said = models.CharField(max_length=DETAIL_LIMIT, blank=True, default="")
    is_wanted = models.BooleanField(default=False)
    size = models.PositiveBigIntegerField()
    tries = models.PositiveIntegerField(default=0)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        verbose_name = _("message set aside")
        verbose_name_plural = _("messages set aside")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["remote_folder", "uid", "occurrence"], name="one_set_aside_per_place"
            )
        ]

    def __str__(self) -> str:
        return self.uid


class DayCount(models.Model):
    """The visits of one account that ended on one day of its owner's, also those that left no run.

    Whose zone changes keeps the days that were counted.

    ``idle`` ones found nothing new; ``timely`` ones went well and began when they were due.
    ``missed`` counts visits that the interval promised and that never came.
    """

    account = models.ForeignKey(ExternalAccount, on_delete=models.CASCADE)
    day = models.DateField()
    visits = models.PositiveIntegerField(default=0)
    idle = models.PositiveIntegerField(default=0)
    timely = models.PositiveIntegerField(default=0)
    missed = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("day of visits")
        verbose_name_plural = _("days of visits")
        indexes: ClassVar = [models.Index(fields=["day"], name="day_count_by_day")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "day"], name="one_count_per_account_and_day")
        ]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.day}"


class Heartbeat(models.Model):
    """When a worker last showed signs of life; the source of /healthz."""

    worker = models.CharField(max_length=200, primary_key=True)
    beat_at = models.DateTimeField()

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return self.worker
