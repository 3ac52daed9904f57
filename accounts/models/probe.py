"""A test of a server: asked for by a page, done by a worker, followed by the page."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.account import PROTOCOLS, SECURITIES, ExternalAccount
from accounts.models.batch import Batch
from accounts.models.oauth_app import OAuthApp
from accounts.models.setup import Setup
from wire.endpoint import Endpoint, Protocol, Security

if TYPE_CHECKING:
    from accounts.models.user import User


SMTP = (Protocol.SMTP.value, "SMTP")


class ProbeState(models.TextChoices):
    """Where a test stands."""

    WAITING = "waiting", _("Waiting")
    RUNNING = "running", _("Running")
    PASSED = "passed", _("Passed")
    FAILED = "failed", _("Failed")


class ProbeKind(models.TextChoices):
    """What a test is for, and so what becomes of one that passed.

    Incoming settings become an account or replace those of one, outgoing ones are kept for one,
    and a check-up changes nothing.
    """

    SETTINGS = "settings", _("Incoming server")
    SENDING = "sending", _("Outgoing server")
    DOCTOR = "doctor", _("Connection doctor")


class Step(models.TextChoices):
    """The rungs of the ladder, in order (UI: live list), those of the outgoing server last."""

    RESOLVE = "resolve", _("Find server")
    CONNECT = "connect", _("Connect")
    TLS = "tls", _("Certificate")
    GREETING = "greeting", _("Greeting")
    SIGN_IN = "sign_in", _("Sign in")
    ABILITIES = "abilities", _("Abilities")
    LIST = "list", _("Count messages")
    OUT_RESOLVE = "out_resolve", _("Find outgoing server")
    OUT_CONNECT = "out_connect", _("Connect for sending")
    OUT_TLS = "out_tls", _("Certificate for sending")
    OUT_GREETING = "out_greeting", _("Greeting for sending")
    OUT_SIGN_IN = "out_sign_in", _("Sign in for sending")
    OUT_SENDER = "out_sender", _("Allowed to send")


class ProbeQuerySet(models.QuerySet["Probe"]):
    """Questions that are asked more than once."""

    def for_user(self, user: User) -> ProbeQuerySet:
        """Keep a person's own tests."""
        return self.filter(owner=user)


class Probe(models.Model):
    """What to test and how far the test has come; the only home of a password not yet proven.

    ``kind`` says which server of whom is named here; ``protocol`` is SMTP for an outgoing one. A
    check-up has no secret of its own: the account's are used. ``account`` is set once the test has
    passed and the account was added, or from the start when an account is tested again. With
    ``app`` the sealed password is a grant of that provider instead. ``setup`` is what the pages of
    adding go back to, ``batch`` the table whose ``row`` this was.

    ``step`` is the rung being tried (the failed one once FAILED), ``timings`` are the milliseconds
    that each took, ``chain`` the certificates of a server that could not prove itself. Rows are
    deleted after ``expires_at``.
    """

    kind = models.CharField(max_length=8, choices=ProbeKind, default=ProbeKind.SETTINGS)
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    account = models.ForeignKey(ExternalAccount, on_delete=models.CASCADE, null=True, blank=True)
    setup = models.ForeignKey(Setup, on_delete=models.SET_NULL, null=True, blank=True)
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, null=True, related_name="probes")
    row = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    address = models.EmailField(_("email address"), max_length=254)
    name = models.CharField(_("account name"), max_length=80, blank=True)
    protocol = models.CharField(_("account type"), max_length=4, choices=[*PROTOCOLS, SMTP])
    host = models.CharField(_("server"), max_length=253)
    port = models.PositiveIntegerField(_("port"))
    security = models.CharField(_("encryption"), max_length=8, choices=SECURITIES)
    username = models.CharField(_("user name"), max_length=254)
    delete_after_days = models.PositiveSmallIntegerField(null=True, blank=True)
    from_address = models.EmailField(max_length=254, blank=True)
    reply_to = models.EmailField(max_length=254, blank=True)
    is_default = models.BooleanField(default=False)
    for_sending = models.BooleanField(default=False)
    sealed_password = models.BinaryField(null=True)
    app = models.ForeignKey(OAuthApp, on_delete=models.CASCADE, null=True)

    state = models.CharField(max_length=8, choices=ProbeState, default=ProbeState.WAITING)
    step = models.CharField(max_length=12, choices=Step, blank=True)
    timings = models.JSONField(default=dict, blank=True)
    chain = models.JSONField(default=list, blank=True)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    code = models.CharField(max_length=40, blank=True)
    facts = models.JSONField(default=dict, blank=True)
    detail = models.CharField(max_length=200, blank=True)

    objects = ProbeQuerySet.as_manager()

    class Meta:
        verbose_name = _("connection test")
        verbose_name_plural = _("connection tests")
        indexes: ClassVar = [
            models.Index(
                fields=["id"],
                condition=Q(state__in=[ProbeState.WAITING, ProbeState.RUNNING]),
                name="probe_unfinished",
            )
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state__in=ProbeState.values), name="probe_state_known"
            ),
            models.CheckConstraint(
                condition=Q(kind=ProbeKind.SETTINGS) | Q(account__isnull=False),
                name="only_settings_are_tested_without_an_account",
            ),
            models.CheckConstraint(
                condition=~Q(state=ProbeState.FAILED) | ~Q(code=""), name="failed_probe_has_code"
            ),
            models.CheckConstraint(
                condition=~Q(state=ProbeState.PASSED) | Q(sealed_password=None),
                name="passed_probe_keeps_no_password",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def belongs_to(self) -> str:
        """Name the row and purpose that the password is bound to."""
        return f"probe:{self.public_id}:{'grant' if self.app_id else 'password'}"

    @property
    def is_over(self) -> bool:
        """Tell whether the test has ended, well or not."""
        return self.state in {ProbeState.PASSED, ProbeState.FAILED}

    def tested_account(self) -> ExternalAccount:
        """Return the account that is tested again, which only new settings may lack."""
        if self.account is None:
            raise LookupError("a test without an account")
        return self.account

    def endpoint(self) -> Endpoint:
        """Return what ``wire`` connects to."""
        return Endpoint(self.host, self.port, Security(self.security))
