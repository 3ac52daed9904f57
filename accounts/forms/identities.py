"""What people type under Send Mail As: an address, its name and Reply-To, and a code."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.addresses import tidy_address, tidy_name
from accounts.models import ExternalAccount, User
from accounts.verification import DIGITS

TYPED_DIGITS = re.compile(rf"[0-9]{{{DIGITS}}}")
PLAIN = {"autocapitalize": "none", "spellcheck": "false"}


class AddressField(forms.CharField):
    """An email address, returned in the one form in which it is kept."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=254, widget=forms.EmailInput(attrs=PLAIN), **options)

    def clean(self, value: Any) -> str:
        """Tidy what was typed; nothing stays nothing."""
        typed: str = super().clean(value)
        return tidy_address(typed) if typed else ""


class AccountChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # generic in the stubs only
    """One of a person's accounts, by name and address."""

    def label_from_instance(self, obj: Any) -> str:
        """Name an account, with its address where that says more."""
        return obj.name if obj.name == obj.address else f"{obj.name} ({obj.address})"


class IdentityForm(forms.Form):
    """The name that others see and where their answers go."""

    name = forms.CharField(
        label=_("Display name"),
        max_length=150,
        required=False,
        help_text=_("What others see beside the address."),
    )
    reply_to = AddressField(
        label=_("Reply-To"),
        required=False,
        help_text=_("Where answers go. Leave it empty for the address itself."),
    )

    def clean_name(self) -> str:
        """Refuse what must not stand in a header."""
        return tidy_name(self.cleaned_data["name"])


class NewIdentityForm(IdentityForm):
    """A further address, and the account it belongs to."""

    field_order = ("address", "name", "reply_to")
    address = AddressField(
        label=_("Email address"),
        help_text=_("An address of yours that you want to send mail as."),
    )

    def __init__(self, *args: Any, owner: User, **options: Any) -> None:
        super().__init__(*args, **options)
        owned = ExternalAccount.objects.for_user(owner)
        self.fields["account"] = AccountChoice(
            label=_("Account"),
            queryset=owned,
            empty_label=None,
            help_text=_("Its outgoing server sends the mail."),
        )


class CodeForm(forms.Form):
    """The six digits of a mail, with or without spaces between them."""

    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        widget=forms.TextInput(
            attrs={"inputmode": "numeric", "autocomplete": "one-time-code", "class": "code"}
        ),
    )

    def clean_code(self) -> str:
        """Return the digits; anything else is no try."""
        typed = re.sub(r"[\s-]", "", self.cleaned_data["code"])
        if not TYPED_DIGITS.fullmatch(typed):
            raise ValidationError(_("The code has 6 digits."))
        return typed
