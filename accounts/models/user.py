"""The person who signs in here, by e-mail address."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.preferences import RULES, Preferences


class UserManager(BaseUserManager["User"]):
    """Make people; the interface that Django's own commands expect."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Make a person who can sign in; without a password only by a reset code."""
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Make an administrator."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        """Find a person by address, whatever the case it was typed in."""
        return self.get(email__iexact=username)


class User(Preferences, AbstractBaseUser, PermissionsMixin):
    """A person. Blank ``language`` and ``time_zone`` follow the browser and the site.

    ``seen_language`` and ``seen_zone`` are those that the latest page was shown in.
    """

    email = models.EmailField(_("email address"), max_length=254)
    name = models.CharField(_("name"), max_length=150, blank=True)
    language = models.CharField(
        _("language"), max_length=10, blank=True, choices=settings.LANGUAGES
    )
    seen_language = models.CharField(max_length=10, blank=True, editable=False)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    seen_zone = models.CharField(max_length=64, blank=True, editable=False)
    mails_notices = models.BooleanField(_("Mail me when an account needs me"), default=True)
    plan = models.ForeignKey(
        "accounts.Plan", on_delete=models.PROTECT, null=True, blank=True, verbose_name=_("plan")
    )
    is_staff = models.BooleanField(_("administrator"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    date_joined = models.DateTimeField(_("joined"), default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("email"), name="one_user_per_email_address"),
            *RULES,
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def mail_language(self) -> str:
        """Return the language of what is mailed to this person, who has no browser there."""
        return self.language or self.seen_language or settings.LANGUAGE_CODE

    def get_short_name(self) -> str:
        """Return what the corner of the page shows."""
        return self.name or self.email
