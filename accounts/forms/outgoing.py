"""What people type about the way their mail is sent."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts import providers, setups
from accounts.forms.connection import ConnectionForm
from accounts.ladder import connection_of
from accounts.models import ExternalAccount, Probe, Purpose, Setup
from accounts.outgoing import NewOutgoing
from wire.endpoint import STANDARD_PORTS, Protocol, Security

SAME, OWN = "same", "own"


class OutgoingForm(ConnectionForm):
    """An outgoing server and its sign-in, or none: then this service sends.

    ``kept`` is the password of a failed test, as for incoming mail.
    """

    field_order = ("use_smtp", "host", "security", "port", "authentication")
    use_smtp = forms.BooleanField(
        label=_("Use custom SMTP server"),
        required=False,
        help_text=_(
            "Without it this service sends, where whoever runs it allows that; your address is "
            "then verified by a code."
        ),
    )
    authentication = forms.ChoiceField(
        label=_("Authentication"),
        choices=[
            (SAME, _("Use same as incoming credentials")),
            (OWN, _("Use below credentials")),
        ],
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, account: ExternalAccount, **options: Any) -> None:
        super().__init__(*args, protocol=Protocol.SMTP, **options)
        self.account = account
        self.fields["host"].label = _("Outgoing server")
        self.fields["host"].help_text = _("For example smtp.example.org; your provider knows it.")
        # What is needed depends on what is ticked and chosen.
        self.fields["password"].required = False
        if self.is_bound and not self["use_smtp"].data:
            for field in self.fields.values():
                field.required = False

    def clean_host(self) -> str:
        """Judge the name where it is used."""
        return super().clean_host() if self.cleaned_data["use_smtp"] else ""

    def clean(self) -> dict[str, Any]:
        """Ask for a password where the incoming one is not to be used."""
        if not self.cleaned_data["use_smtp"]:
            return self.cleaned_data
        values = super().clean()
        if values.get("authentication") == OWN and not (values.get("password") or self.kept):
            self.add_error("password", self.fields["password"].error_messages["required"])
        return values

    def outgoing(self) -> NewOutgoing | None:
        """Return what was asked for; None where this service is to send."""
        values = self.cleaned_data
        if not values["use_smtp"]:
            return None
        is_own = values["authentication"] == OWN
        own_name = values["username"] or self.account.address
        return NewOutgoing(
            host=values["host"],
            port=values["port"],
            security=Security(values["security"]),
            username=own_name if is_own else self.account.incoming.username,
            password=(values["password"] or self.kept) if is_own else None,
        )


def typed_before(
    account: ExternalAccount, failed: Probe | None, setup: Setup | None = None
) -> dict[str, Any]:
    """Return the values of a failed test, else what is kept, was typed or is proposed.

    The password is never among them. ``setup`` is the walk of which this is a step.
    """
    if failed is not None:
        is_same = failed.username == account.incoming.username
        way = {"use_smtp": True, "authentication": SAME if is_same else OWN}
        return {**way, **connection_of(failed)}
    server = getattr(account, "outgoing", None)
    if server is None and setup and (typed := setups.outgoing_typed(setup)):
        return typed
    if server is None:
        found = proposed(account)
        is_same = found.get("username", "") in {"", account.incoming.username}
        usual = {"port": STANDARD_PORTS[Protocol.SMTP, Security.TLS]}
        way = {"use_smtp": bool(found), "authentication": SAME if is_same else OWN}
        return usual | way | found
    has_own = account.credentials.filter(purpose=Purpose.OUTGOING).exists()
    return {"use_smtp": True, "authentication": OWN if has_own else SAME, **connection_of(server)}


def proposed(account: ExternalAccount) -> dict[str, Any]:
    """Return the server found when the account was added, else one that our table names."""
    domain = account.address.rpartition("@")[2]
    provider = providers.by_domain(domain) or providers.by_mx(account.incoming.host)
    server = providers.best(provider.servers, Protocol.SMTP) if provider else None
    server = setups.proposed_outgoing(account) or server
    if server is None:
        return {}
    found = server.for_address(account.address)
    return {name: getattr(found, name) for name in ("host", "security", "port", "username")}
