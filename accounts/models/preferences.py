"""What a person likes: how pages look and behave, what is asked, what is told."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Density(models.TextChoices):
    """How much room a row of a list takes."""

    COMFORTABLE = "comfortable", _("Comfortable")
    COMPACT = "compact", _("Compact")


class ReadingPane(models.TextChoices):
    """Where a message opens on a wide screen."""

    RIGHT = "right", _("Beside the list")
    OFF = "off", _("In place of the list")


class Duplicates(models.TextChoices):
    """What becomes of one message that reached two accounts."""

    COLLAPSE = "collapse", _("One row that names the other accounts")
    BOTH = "both", _("A row for each account")


class RemoteImages(models.TextChoices):
    """Whose messages may load pictures; always through this site, never from the reader."""

    ASK = "ask", _("Ask each time")
    KNOWN = "known", _("Show for senders I know, ask for others")
    NEVER = "never", _("Never, and do not ask")


class Notify(models.TextChoices):
    """Which new mail the browser tells of."""

    NOTHING = "nothing", _("Nothing")
    DEFAULT = "default", _("New mail of the default account")
    ALL = "all", _("New mail of all accounts in All inboxes")


UNDO_SECONDS = (5, 10, 20, 30)
PURGE_DAYS = (7, 30, 90)


class Preferences(models.Model):
    """A person's choices, on the person's own row, so that no page asks for them apart.

    ``purge_days`` is after how many days trash and spam are emptied, None for never;
    ``undo_seconds`` how long a thing done can be taken back.
    """

    conversations = models.BooleanField(_("Group messages into conversations"), default=True)
    duplicates = models.CharField(
        _("The same message in two accounts"),
        max_length=10,
        choices=Duplicates.choices,
        default=Duplicates.COLLAPSE,
    )
    density = models.CharField(
        _("Density"), max_length=12, choices=Density.choices, default=Density.COMFORTABLE
    )
    reading_pane = models.CharField(
        _("Open messages"), max_length=8, choices=ReadingPane.choices, default=ReadingPane.RIGHT
    )
    remote_images = models.CharField(
        _("Remote images"), max_length=8, choices=RemoteImages.choices, default=RemoteImages.ASK
    )
    undo_seconds = models.PositiveSmallIntegerField(
        _("Time to undo"),
        choices=[(seconds, seconds) for seconds in UNDO_SECONDS],
        default=10,
    )
    purge_days = models.PositiveSmallIntegerField(
        _("Empty trash and spam"),
        choices=[(days, days) for days in PURGE_DAYS],
        null=True,
        blank=True,
        default=30,
    )
    shortcuts = models.BooleanField(_("Keyboard shortcuts"), default=True)
    notify = models.CharField(
        _("Browser notifications"), max_length=8, choices=Notify.choices, default=Notify.NOTHING
    )

    class Meta:
        abstract = True


RULES = [
    models.CheckConstraint(
        condition=Q(duplicates__in=Duplicates.values), name="user_duplicates_known"
    ),
    models.CheckConstraint(condition=Q(density__in=Density.values), name="user_density_known"),
    models.CheckConstraint(
        condition=Q(reading_pane__in=ReadingPane.values), name="user_reading_pane_known"
    ),
    models.CheckConstraint(
        condition=Q(remote_images__in=RemoteImages.values), name="user_remote_images_known"
    ),
    models.CheckConstraint(
        condition=Q(undo_seconds__in=UNDO_SECONDS), name="user_undo_seconds_offered"
    ),
    models.CheckConstraint(
        condition=Q(purge_days__isnull=True) | Q(purge_days__in=PURGE_DAYS),
        name="user_purge_days_offered",
    ),
    models.CheckConstraint(condition=Q(notify__in=Notify.values), name="user_notify_known"),
]
