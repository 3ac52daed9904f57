"""What people type about the server of an account, and what is refused beside its field."""

from __future__ import annotations

import json
from typing import Any

import idna
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.explain import explain
from accounts.models import ExternalAccount, Purpose
from accounts.models.account import SECURITIES
from accounts.onboarding import AccountRefused, NewAccount
from accounts.policy import DELETE, PLAIN, Policy
from accounts.refusals import wrong_port
from wire.addresses import is_allowed
from wire.endpoint import STANDARD_PORTS, Endpoint, Protocol, Security

FIELDS = {
    "conn.port": "port",
    "conn.private": "host",
    "policy.pop3": "protocol",
    "policy.imap": "protocol",
    "policy.plain": "security",
    "policy.delete": "delete_from_server",
    "policy.host": "host",
    "policy.port": "port",
    "account.exists": "address",
}
LONGEST = 500


def no_controls(value: str) -> None:
    """Refuse line ends and other control characters: they would end a command at the server."""
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValidationError(_("Line breaks and control characters are not allowed."))


class PasswordField(forms.CharField):
    """A password of somebody else's server: exactly as typed, and never sent back."""

    def __init__(self, **options: Any) -> None:
        widget = forms.PasswordInput(attrs={"autocomplete": "new-password"}, render_value=False)
        super().__init__(
            label=_("Password"),
            max_length=500,
            strip=False,
            widget=widget,
            validators=[no_controls],
            help_text=_("If you sign in there with a second step, use an app password."),
            **options,
        )


class ConnectionForm(forms.Form):
    """Server, port, encryption and sign-in of incoming mail.

    ``kept`` is the password of a failed test: it stands in for one not typed again, and is never
    part of a page.
    """

    host = forms.CharField(
        label=_("Incoming server"),
        max_length=253,
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
        help_text=_("For example pop.example.org; your provider knows it."),
    )
    security = forms.ChoiceField(label=_("Encryption"), choices=SECURITIES)
    port = forms.IntegerField(
        label=_("Port"),
        required=False,
        min_value=1,
        max_value=65535,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    username = forms.CharField(
        label=_("User name"),
        max_length=254,
        required=False,
        validators=[no_controls],
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
        help_text=_("Mostly the whole address. Leave it empty to use the address."),
    )
    password = PasswordField()

    def __init__(
        self,
        *args: Any,
        policy: Policy,
        protocol: Protocol = Protocol.POP3,
        kept: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.policy, self.protocol, self.kept = policy, protocol, kept
        self.may_be_plain = policy.allows(PLAIN)
        ports = {way: port for (kind, way), port in STANDARD_PORTS.items() if kind == protocol}
        self.fields["security"].widget.attrs["data-ports"] = json.dumps(ports)
        self.fields["port"].help_text = _("%(tls)s with SSL/TLS, %(other)s otherwise.") % {
            "tls": ports[Security.TLS],
            "other": ports[Security.STARTTLS],
        }
        self.fields["password"].required = kept is None
        if kept is not None:
            self.fields["password"].help_text = _("Leave it empty to use the one you typed before.")
        if not self.may_be_plain:
            # Not offered, yet understood: whoever asks for it all the same is told why not.
            secure = [choice for choice in SECURITIES if choice[0] != Security.PLAIN]
            self.fields["security"].widget = forms.Select(
                choices=secure, attrs=self.fields["security"].widget.attrs
            )

    def typed(self) -> dict[str, Any]:
        """Return what was typed, right or wrong, except the password."""
        return {
            bound.name: bound.data if isinstance(bound.data, bool) else (bound.data or "")[:LONGEST]
            for bound in self
            if bound.name != "password"
        }

    def clean_host(self) -> str:
        """Return the name in lower case, refusing what can be no host name."""
        host: str = self.cleaned_data["host"].lower().rstrip(".")
        try:
            idna.encode(host, uts46=True)
        except idna.IDNAError as error:
            raise ValidationError(_("This is no server name.")) from error
        return host

    def clean(self) -> dict[str, Any]:
        """Let the port follow the encryption, and tell all at once which rules stand against it."""
        values = super().clean() or self.cleaned_data
        if security := values.get("security"):
            standard = STANDARD_PORTS[self.protocol, Security(security)]
            port = values.get("port")
            port = values["port"] = standard if not port or self._follows() else port
            self._ask_policy(values)
            if port != standard:
                refusal = wrong_port(self.protocol)
                self._refuse(refusal.code, **refusal.facts)
        if _is_private(values.get("host", ""), values.get("port")):
            self._refuse("conn.private", host=values["host"])
        return values

    def _follows(self) -> bool:
        """Tell whether another encryption was chosen and the port left as it had been filled in."""
        return "security" in self.changed_data and "port" not in self.changed_data

    def _ask_policy(self, values: dict[str, Any]) -> None:
        server = Endpoint(values.get("host", ""), values["port"], Security(values["security"]))
        objections = self.policy.objections(self.protocol, server)
        if values.get("delete_from_server") and (objection := self.policy.against(DELETE)):
            objections.append(objection)
        for objection in objections:
            self._refuse(objection.code, **objection.facts)

    def _refuse(self, code: str, **facts: str | int) -> None:
        words, field = explain(code, facts), FIELDS.get(code)
        said = ValidationError(f"{words.title} {words.advice}", code=code)
        self.add_error(field if field in self.fields else None, said)

    def wanted(self, address: str, name: str, **more: Any) -> NewAccount:
        """Return what was asked for, with the password typed here or kept from before."""
        values = self.cleaned_data
        return NewAccount(
            address=address,
            name=name,
            protocol=self.protocol,
            host=values["host"],
            port=values["port"],
            security=Security(values["security"]),
            username=values["username"] or address,
            password=values["password"] or self.kept or "",
            delete_after_days=(
                (values["delete_after_days"] or 0) if values.get("delete_from_server") else None
            ),
            **more,
        )


class RenewalForm(ConnectionForm):
    """New settings of an account; whether its new password is for sending too is asked here, once.

    It is not asked where sending uses the incoming password anyway.
    """

    for_sending = forms.BooleanField(
        label=_("Use this password for sending too"),
        required=False,
        initial=True,
        help_text=_("It is tried at the outgoing server before it is kept there."),
    )

    def __init__(self, *args: Any, account: ExternalAccount, **options: Any) -> None:
        super().__init__(*args, **options)
        if not account.credentials.filter(purpose=Purpose.OUTGOING).exists():
            del self.fields["for_sending"]

    def wanted_for(self, account: ExternalAccount) -> NewAccount:
        """Return the settings that were asked for."""
        is_wanted = bool(self.cleaned_data.get("for_sending"))
        return self.wanted(account.address, account.name, for_sending=is_wanted)


def _is_private(host: str, port: int | None) -> bool:
    """Tell an address that may not be dialled; what a name leads to is found by the test."""
    if (host, port) in settings.GUARD.connect_to:
        return False
    try:
        return not is_allowed(host, settings.GUARD)
    except ValueError:
        return False  # A name.


def refuse(form: forms.Form, error: AccountRefused) -> None:
    """Put the reason against a test beside the field that it is about."""
    words = explain(error.code, error.facts)
    field = FIELDS.get(error.code)
    form.add_error(field if field in form.fields else None, f"{words.title} {words.advice}")
