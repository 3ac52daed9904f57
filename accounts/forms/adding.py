"""What people type while they add an account, page by page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import setups
from accounts.forms.connection import ConnectionForm, no_controls
from accounts.forms.identities import AddressField
from accounts.models import Setup
from accounts.onboarding import NewAccount
from wire.endpoint import Protocol

Words = str | Promise
NAMES = {Protocol.IMAP: "IMAP", Protocol.POP3: "POP3"}
DELETE_AFTER = [
    (0, _("at once")),
    (7, _("after 7 days")),
    (14, _("after 14 days")),
    (30, _("after 30 days")),
]
ABOUT: dict[Protocol, tuple[Words, Words]] = {
    Protocol.IMAP: (
        _("Made to stay in step with your other devices, with folders and marks (recommended)."),
        _("For now only the inbox is fetched here, one way; the rest follows later."),
    ),
    Protocol.POP3: (
        _("Copies new mail from the inbox here, one way: what you do here changes nothing there."),
        _("It cannot choose by folder, by date or by what you have read."),
    ),
}


class AddressForm(forms.Form):
    """The first page: the one thing that everything else follows from."""

    address = AddressField(
        label=_("Email address"),
        help_text=_("The address of the mailbox whose mail you want to read here."),
    )


class TypeForm(forms.Form):
    """The second page: account type and provider; only what was offered is taken."""

    protocol = forms.ChoiceField(label=_("Account type"), widget=forms.RadioSelect)
    provider = forms.ChoiceField(label=_("Provider"), widget=forms.RadioSelect)

    def __init__(self, *args: Any, setup: Setup, protocols: list[Protocol], **options: Any) -> None:
        super().__init__(*args, **options)
        self.setup, self.protocols, self.offers = setup, protocols, setups.offers(setup)
        types = [(protocol.value, NAMES[protocol]) for protocol in protocols]
        names = [(offer.key, offer.name) for offer in self.offers]
        for field, choices in (("protocol", types), ("provider", names)):
            self.fields[field].choices = choices  # type: ignore[attr-defined]  # both have them

    @property
    def types(self) -> list[tuple[Any, tuple[Words, Words]]]:
        """Return each type of account with two honest lines about it."""
        return list(zip(self["protocol"], map(ABOUT.__getitem__, self.protocols), strict=True))

    @property
    def providers(self) -> list[tuple[Any, str]]:
        """Return each provider with the words on who told of it."""
        words = [offer.words for offer in self.offers]
        return list(zip(self["provider"], words, strict=True))

    def clean(self) -> dict[str, Any]:
        """Refuse a type of account that the provider does not offer."""
        values = super().clean() or self.cleaned_data
        if not {"protocol", "provider"} <= values.keys():
            return values
        protocol, provider = Protocol(values["protocol"]), values["provider"]
        if not setups.has(self.setup, provider, protocol):
            names = {offer.key: offer.name for offer in self.offers}
            said = _("%(provider)s does not offer %(protocol)s.")
            named = {"provider": names[provider], "protocol": NAMES[protocol]}
            self.add_error("protocol", ValidationError(said, params=named))
        return values


class IncomingForm(ConnectionForm):
    """The third page: how the account is called, and how its mail is fetched."""

    name = forms.CharField(
        label=_("Account name"),
        max_length=80,
        required=False,
        validators=[no_controls],
        help_text=_("How it is called here, for example Work. Leave it empty to use the address."),
    )
    from_address = AddressField(
        label=_("Default From email"),
        required=False,
        help_text=_("Mail that you write is sent from this address, once it is known to be yours."),
    )
    reply_to = AddressField(
        label=_("Reply-to email"),
        required=False,
        help_text=_("Where answers should go, if elsewhere. Another address is proved by a code."),
    )
    is_default = forms.BooleanField(
        label=_("Set this as default account"),
        required=False,
        help_text=_("The default account opens first after you sign in."),
    )

    delete_from_server = forms.BooleanField(label=_("Delete email from server"), required=False)
    delete_after_days = forms.TypedChoiceField(
        label=_("Delete"), choices=DELETE_AFTER, coerce=int, empty_value="", required=False
    )

    def wanted_for(self, address: str) -> NewAccount:
        """Return the account that was asked for."""
        chosen = ("from_address", "reply_to", "is_default")
        more = {name: self.cleaned_data[name] for name in chosen}
        return self.wanted(address, self.cleaned_data["name"], **more)


class AccountForm(IncomingForm):
    """All of it at once, for those who do not walk through pages."""

    address = AddressForm.base_fields["address"]
