"""An OAuth 2.0 provider of mail, and how this site is known to it."""

from __future__ import annotations

import re
import uuid
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, URLValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from wire.oauth import Dialect

DIALECTS = [
    (Dialect.MICROSOFT.value, "Microsoft"),
    (Dialect.STANDARD.value, _("Google or any other provider")),
]
HTTPS = URLValidator(schemes=["https"])
SERVER_NAME = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


class OAuthApp(models.Model):
    """How people sign in at one provider, set by administrators; it counts from the next sign-in.

    ``servers`` are the mail servers that its tokens are for, and that alone ever see one: exact
    names, or a domain with a leading dot for all names in it. ``grant_days`` is after how many
    days a consent lapses for certain, where that is known.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    slug = models.SlugField(
        _("short name"),
        max_length=30,
        unique=True,
        help_text=_("Part of the address that the provider sends people back to."),
    )
    name = models.CharField(_("name"), max_length=80, help_text=_("As people know the provider."))
    is_enabled = models.BooleanField(_("in use"), default=True)
    dialect = models.CharField(_("kind"), max_length=10, choices=DIALECTS)
    issuer = models.CharField(
        _("issuer"),
        max_length=300,
        blank=True,
        validators=[HTTPS],
        help_text=_(
            "Where the provider publishes its endpoints: https://accounts.google.com, or "
            "https://login.microsoftonline.com/common for Microsoft."
        ),
    )
    authorization_endpoint = models.CharField(
        _("authorisation endpoint"), max_length=300, blank=True, validators=[HTTPS]
    )
    token_endpoint = models.CharField(
        _("token endpoint"), max_length=300, blank=True, validators=[HTTPS]
    )
    userinfo_endpoint = models.CharField(
        _("user info endpoint"), max_length=300, blank=True, validators=[HTTPS]
    )
    device_authorization_endpoint = models.CharField(
        _("device endpoint"), max_length=300, blank=True, validators=[HTTPS]
    )
    client_id = models.CharField(_("client ID"), max_length=200)
    sealed_secret = models.BinaryField(null=True, editable=False)
    key_id = models.CharField(max_length=32, blank=True, editable=False)
    scopes = models.TextField(_("scopes"), help_text=_("What is asked for, separated by spaces."))
    extra = models.JSONField(
        _("further parameters"),
        default=dict,
        blank=True,
        help_text=_('For Google: {"access_type": "offline", "prompt": "consent"}.'),
    )
    servers = models.TextField(
        _("mail servers"),
        help_text=_(
            "Names that tokens may be shown to, separated by spaces; .example.org for all."
        ),
    )
    allow_page = models.BooleanField(_("sign-in at the provider's page"), default=True)
    allow_device = models.BooleanField(
        _("sign-in with a code on another device"),
        default=False,
        help_text=_("Needs neither a secret nor an address that the provider can send people to."),
    )
    grant_days = models.PositiveSmallIntegerField(
        _("consent lapses after days"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text=_("7 for an app that Google still calls testing. People are warned in time."),
    )

    class Meta:
        verbose_name = _("OAuth app")
        verbose_name_plural = _("OAuth apps")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(dialect__in=[one.value for one in Dialect]), name="oauth_dialect_known"
            ),
            models.CheckConstraint(
                condition=~Q(issuer="") | (~Q(token_endpoint="") & ~Q(dialect="microsoft")),
                name="oauth_app_has_issuer_or_endpoints",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def belongs_to(self) -> str:
        """Name the row and purpose that the secret is bound to."""
        return f"oauth-app:{self.public_id}:secret"

    @property
    def asked(self) -> list[str]:
        """Return the scopes one by one, as people are shown them."""
        return self.scopes.split()

    def clean(self) -> None:
        """Refuse what cannot work: no endpoints, another scheme, names that are none."""
        if not self.issuer and (not self.token_endpoint or self.dialect == Dialect.MICROSOFT):
            raise ValidationError({"issuer": _("Give an issuer, or the endpoints by hand.")})
        for server in self.servers.split():
            if not SERVER_NAME.fullmatch(server.removeprefix(".")):
                raise ValidationError({"servers": _("This is no server name.")})
        texts = isinstance(self.extra, dict) and all(
            isinstance(one, str) for one in self.extra.values()
        )
        if not texts:
            raise ValidationError({"extra": _("These must be names and texts.")})

    def serves(self, host: str) -> bool:
        """Tell whether a mail server may see tokens of this provider."""
        name = host.lower()
        return any(
            name.endswith(one) if one.startswith(".") else name == one
            for one in self.servers.lower().split()
        )


ENDPOINTS = (
    "authorization_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
    "device_authorization_endpoint",
)
