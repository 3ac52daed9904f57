"""What administrators allow: the columns of plans and group policies alike."""

from __future__ import annotations

from typing import ClassVar

import idna
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from wire.endpoint import STANDARD_PORTS


def host_name(typed: str) -> str:
    """Return a server name as it is compared: in ASCII, lower case and without a wildcard.

    Raise ValidationError for what can be no name.
    """
    try:
        return idna.encode(typed.strip().removeprefix("*.").rstrip("."), uts46=True).decode()
    except idna.IDNAError as error:
        raise ValidationError(_("“%(name)s” is no server name.") % {"name": typed}) from error


def validate_hosts(typed: str) -> None:
    """Refuse a list with a line that is no server name."""
    for name in typed.split():
        host_name(name)


def validate_ports(typed: str) -> None:
    """Refuse a list with a port that is not a standard one: it can be narrowed only."""
    if wrong := [port for port in _items(typed) if port not in map(str, STANDARD_PORTS.values())]:
        raise ValidationError(_("“%(port)s” is no standard mail port.") % {"port": wrong[0]})


def _items(typed: str) -> list[str]:
    return typed.replace(",", " ").split()


class Allowances(models.Model):
    """What a plan or the policy of a group allows; a thing must be allowed by all that hold.

    Lists that are empty allow everything; a server name stands for everything below it too.
    """

    allow_outside = models.BooleanField(_("mail accounts elsewhere allowed"), default=True)
    allow_pop3 = models.BooleanField(_("POP3 allowed"), default=True)
    allow_imap = models.BooleanField(_("IMAP allowed"), default=True)
    allow_plain = models.BooleanField(_("unencrypted connections allowed"), default=True)
    allow_delete = models.BooleanField(_("deleting at the provider allowed"), default=True)
    allow_relay = models.BooleanField(
        _("sending through this service's own server allowed"),
        default=True,
        help_text=_("For accounts without a server for sending, from verified addresses only."),
    )
    allowed_hosts = models.TextField(
        _("only these servers"),
        blank=True,
        validators=[validate_hosts],
        help_text=_("One name a line; example.org stands for pop.example.org too. Empty: any."),
    )
    denied_hosts = models.TextField(
        _("none of these servers"), blank=True, validators=[validate_hosts]
    )
    ports = models.CharField(
        _("only these ports"),
        max_length=60,
        blank=True,
        validators=[validate_ports],
        help_text=_("Some of 110, 143, 465, 587, 993 and 995. Empty: all of them."),
    )

    class Meta:
        abstract = True

    @property
    def allowed_names(self) -> frozenset[str]:
        """Return the servers that alone are allowed; none where all are."""
        return frozenset(map(host_name, self.allowed_hosts.split()))

    @property
    def denied_names(self) -> frozenset[str]:
        """Return the servers that are not allowed."""
        return frozenset(map(host_name, self.denied_hosts.split()))

    @property
    def port_numbers(self) -> frozenset[int]:
        """Return the ports that alone are allowed; none where all are."""
        return frozenset(map(int, _items(self.ports)))


class GroupPolicy(Allowances):
    """What the people of one group may do, within their plans."""

    group = models.OneToOneField(
        Group, on_delete=models.CASCADE, related_name="policy", verbose_name=_("group")
    )
    max_accounts = models.PositiveIntegerField(
        _("accounts at most"), null=True, blank=True, help_text=_("Empty: as the plan says.")
    )

    class Meta:
        verbose_name = _("policy")
        verbose_name_plural = _("policies")
        ordering: ClassVar = ["group__name"]

    def __str__(self) -> str:
        return self.group.name
