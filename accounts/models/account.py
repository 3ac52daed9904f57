"""An account that a person has elsewhere, and the servers it is reached by."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from wire.endpoint import STANDARD_PORTS, Endpoint, Protocol, Security

if TYPE_CHECKING:
    from accounts.models.user import User


class State(models.TextChoices):
    """The states of the machine in ``accounts.lifecycle``; nothing else writes them."""

    PREPARED = "prepared", _("Prepared")
    ACTIVE = "active", _("Active")
    NEEDS_SIGN_IN = "needs_sign_in", _("Needs sign-in")
    PAUSED = "paused", _("Paused")
    DISABLED = "disabled", _("Disabled")
    ARCHIVED = "archived", _("Archived")
    REMOVED = "removed", _("Removed")


GONE = (State.ARCHIVED, State.REMOVED)


class Color(models.TextChoices):
    """The eight account colours, given in turn."""

    BLUE = "blue", _("Blue")
    TEAL = "teal", _("Teal")
    GREEN = "green", _("Green")
    AMBER = "amber", _("Amber")
    RED = "red", _("Red")
    PINK = "pink", _("Pink")
    VIOLET = "violet", _("Violet")
    SLATE = "slate", _("Slate")


class AccountQuerySet(models.QuerySet["ExternalAccount"]):
    """Questions that are asked more than once."""

    def for_user(self, user: User) -> AccountQuerySet:
        """Keep a person's own accounts, in that person's order; removed ones are hidden."""
        return self.filter(owner=user).exclude(state=State.REMOVED).order_by("position", "id")

    def due(self, now: object) -> AccountQuerySet:
        """Keep accounts whose time has come and that no dispatcher has claimed."""
        unclaimed = Q(dispatched_until=None) | Q(dispatched_until__lt=now)
        return self.filter(unclaimed, state=State.ACTIVE, next_fetch_at__lte=now)


class ExternalAccount(models.Model):
    """One account elsewhere. Times are UTC, sizes bytes, intervals minutes.

    ``last_*``, ``waiting`` and the progress columns are the outcome that the last run left here,
    so that the card can be drawn without asking the fetcher. A rate is bytes a second.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    address = models.EmailField(_("email address"), max_length=254)
    name = models.CharField(_("account name"), max_length=80)
    badge = models.CharField(_("letters"), max_length=2)
    color = models.CharField(_("colour"), max_length=8, choices=Color)
    position = models.PositiveIntegerField(default=0)
    is_default = models.BooleanField(_("default account"), default=False)
    in_all_inboxes = models.BooleanField(_("Show in All inboxes"), default=True)
    state = models.CharField(max_length=16, choices=State, default=State.PREPARED, editable=False)
    state_since = models.DateTimeField(default=timezone.now, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    interval_minutes = models.PositiveSmallIntegerField(_("interval"), default=5)
    max_per_cycle = models.PositiveIntegerField(_("messages per fetch"), null=True, blank=True)
    next_fetch_at = models.DateTimeField(null=True, blank=True)
    dispatched_until = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    refusals = models.PositiveSmallIntegerField(default=0)

    last_checked_at = models.DateTimeField(null=True, blank=True)
    last_code = models.CharField(max_length=40, blank=True)
    last_facts = models.JSONField(default=dict, blank=True)
    progress_done = models.PositiveIntegerField(default=0)
    progress_total = models.PositiveIntegerField(default=0)
    progress_octets = models.PositiveBigIntegerField(default=0)
    progress_octets_total = models.PositiveBigIntegerField(default=0)
    progress_rate = models.PositiveBigIntegerField(default=0)
    progress_ends_at = models.DateTimeField(null=True, blank=True)

    objects = AccountQuerySet.as_manager()

    class Meta:
        verbose_name = _("mail account")
        verbose_name_plural = _("mail accounts")
        indexes: ClassVar = [
            models.Index(
                fields=["next_fetch_at"],
                condition=Q(state=State.ACTIVE),
                name="account_due",
            ),
            models.Index(
                fields=["dispatched_until"],
                condition=Q(dispatched_until__isnull=False),
                name="account_under_way",
            ),
            # Few accounts are in trouble: whoever looks after these need not pass the rest.
            models.Index(
                fields=["state", "last_code"],
                condition=~Q(state=State.ACTIVE) | ~Q(last_code=""),
                name="account_in_trouble",
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="account_state_known"),
            models.UniqueConstraint(
                "owner",
                Lower("address"),
                condition=~Q(state__in=GONE),
                name="one_live_account_per_address",
            ),
            models.UniqueConstraint(
                fields=["owner"],
                condition=Q(is_default=True),
                name="one_default_account_per_owner",
            ),
            models.CheckConstraint(
                condition=~Q(state=State.ACTIVE) | Q(next_fetch_at__isnull=False),
                name="active_account_has_next_fetch",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=GONE) | Q(is_default=False),
                name="gone_account_is_not_default",
            ),
            models.CheckConstraint(
                condition=Q(interval_minutes__gte=1) & Q(interval_minutes__lte=60),
                name="account_interval_is_1_to_60_minutes",
            ),
        ]

    def __str__(self) -> str:
        return self.name


def _standard_port(protocols: tuple[Protocol, ...]) -> Q:
    """Allow just the port that belongs to each protocol and kind of encryption (RFC 8314)."""
    rule = Q()
    for (protocol, security), port in STANDARD_PORTS.items():
        if protocol in protocols:
            pair = Q(security=security.value, port=port)
            rule |= pair & Q(protocol=protocol.value) if len(protocols) > 1 else pair
    return rule


PROTOCOLS = [(Protocol.POP3.value, "POP3"), (Protocol.IMAP.value, "IMAP")]
SECURITIES = [
    (Security.TLS.value, "SSL/TLS"),
    (Security.STARTTLS.value, "STARTTLS"),
    (Security.PLAIN.value, _("None (plain)")),
]


class IncomingServer(models.Model):
    """Where mail is fetched from.

    ``delete_after_days``: empty = never delete at the provider, 0 = as soon as it is stored.
    """

    account = models.OneToOneField(
        ExternalAccount, on_delete=models.CASCADE, related_name="incoming"
    )
    protocol = models.CharField(_("account type"), max_length=4, choices=PROTOCOLS)
    host = models.CharField(_("server"), max_length=253)
    port = models.PositiveIntegerField(_("port"))
    security = models.CharField(_("encryption"), max_length=8, choices=SECURITIES)
    username = models.CharField(_("user name"), max_length=254)
    delete_after_days = models.PositiveSmallIntegerField(
        _("delete from server after"), null=True, blank=True
    )

    class Meta:
        verbose_name = _("incoming server")
        verbose_name_plural = _("incoming servers")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=_standard_port((Protocol.POP3, Protocol.IMAP)),
                name="incoming_port_is_standard",
            )
        ]

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def endpoint(self) -> Endpoint:
        """Return what ``wire`` connects to."""
        return Endpoint(self.host, self.port, Security(self.security))


class OutgoingServer(models.Model):
    """Where mail is submitted; an account without one sends through the house relay.

    ``last_code`` and ``last_facts`` say what was refused when it was tried last, if anything was.
    """

    account = models.OneToOneField(
        ExternalAccount, on_delete=models.CASCADE, related_name="outgoing"
    )
    host = models.CharField(_("server"), max_length=253)
    port = models.PositiveIntegerField(_("port"))
    security = models.CharField(_("encryption"), max_length=8, choices=SECURITIES)
    username = models.CharField(_("user name"), max_length=254)

    last_code = models.CharField(max_length=40, blank=True, editable=False)
    last_facts = models.JSONField(default=dict, blank=True, editable=False)

    class Meta:
        verbose_name = _("outgoing server")
        verbose_name_plural = _("outgoing servers")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=_standard_port((Protocol.SMTP,)), name="outgoing_port_is_standard"
            )
        ]

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def endpoint(self) -> Endpoint:
        """Return what ``wire`` connects to."""
        return Endpoint(self.host, self.port, Security(self.security))
