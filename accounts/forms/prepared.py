"""What an administrator types to prepare an account, which its owner then completes."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.explain import explain
from accounts.forms.adding import AccountForm
from accounts.models import ExternalAccount
from accounts.models.account import PROTOCOLS, SECURITIES
from accounts.policy import policy_of
from accounts.refusals import AccountRefused
from accounts.roster import NewAccount, check_room
from wire.endpoint import Protocol


class PreparedForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """An account without its password, held to the rules for its owner."""

    ASKED: ClassVar = ("owner", "address", "name", "protocol", "host", "security", "username")

    protocol = forms.ChoiceField(label=_("Account type"), choices=PROTOCOLS)
    host = forms.CharField(label=_("Incoming server"), max_length=253)
    security = forms.ChoiceField(label=_("Encryption"), choices=SECURITIES)
    username = forms.CharField(label=_("User name"), max_length=254, required=False)

    wanted: NewAccount

    class Meta:
        model = ExternalAccount
        fields = ("owner", "address", "name")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "name" in self.fields:
            self.fields["name"].required = False

    def clean(self) -> dict[str, Any]:
        """Let the form of the person's own page judge, by the rules for that person."""
        values = super().clean() or self.cleaned_data
        if self.errors:
            return values
        owner, protocol = values["owner"], Protocol(values["protocol"])
        own = AccountForm(values, policy=policy_of(owner), protocol=protocol, kept="")
        for name, errors in own.errors.items():
            self.add_error(name if name in self.fields else None, list(errors))
        if own.is_valid():
            self.wanted = own.wanted_for(values["address"])
            self._check_room(self.wanted)
        return values

    def _check_room(self, wanted: NewAccount) -> None:
        try:
            check_room(self.cleaned_data["owner"], wanted.address)
        except AccountRefused as error:
            words = explain(error.code, error.facts)
            raise ValidationError(f"{words.title} {words.advice}") from error
