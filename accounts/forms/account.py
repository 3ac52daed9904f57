"""What people choose for an account that is there: its look, its pace, and its end."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import ExternalAccount, Plan, State
from accounts.models.account import Color
from accounts.pace import LONGEST_MINUTES, pace_of

MOST_PER_CYCLE = 1_000_000
KEEP, ERASE = "keep", "erase"


class AccountSettingsForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """How an account is called and shown."""

    color = forms.ChoiceField(label=_("Colour"), choices=Color.choices)

    class Meta:
        model = ExternalAccount
        fields = ("name", "badge", "color", "in_all_inboxes")


class FetchingForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """How often an account is fetched and how much at once."""

    class Meta:
        model = ExternalAccount
        fields = ("interval_minutes", "max_per_cycle")

    def __init__(self, *args: Any, plan: Plan, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial["max_per_cycle"] = pace_of(self.instance, plan).at_most
        self.fields["interval_minutes"] = _interval(plan.min_interval_minutes)
        self.fields["max_per_cycle"] = _limit(plan.max_per_cycle)


def _interval(shortest: int) -> forms.IntegerField:
    is_free = shortest == 1
    said = {"shortest": shortest, "longest": LONGEST_MINUTES}
    return forms.IntegerField(
        label=_("Minutes between two checks"),
        min_value=shortest,
        max_value=LONGEST_MINUTES,
        help_text=(
            _("From 1 to %(longest)s; most people are well served with 5.")
            if is_free
            else _("From %(shortest)s to %(longest)s; your plan does not allow less.")
        )
        % said,
        error_messages={
            "min_value": (
                _("It takes at least 1 minute.")
                if is_free
                else _("Your plan allows no less than %(limit_value)s minutes.")
            ),
            "max_value": _("An account is checked at least every %(limit_value)s minutes."),
        },
    )


def _limit(most: int | None) -> forms.IntegerField:
    return forms.IntegerField(
        label=_("Messages per check at most"),
        required=False,
        min_value=1,
        max_value=most or MOST_PER_CYCLE,
        widget=forms.NumberInput(attrs={"placeholder": _("As many as there are")}),
        help_text=(
            _("Your plan allows at most %(most)s; the rest follows at the next check.")
            % {"most": intcomma(most)}
            if most
            else _("Leave it empty to fetch as many as there are.")
        ),
        error_messages={
            "min_value": _("Fetch at least 1 message, or leave it empty."),
            "max_value": _("At most %(most)s messages can be fetched per check.")
            % {"most": intcomma(most or MOST_PER_CYCLE)},
        },
    )


class RemoveForm(forms.Form):
    """What becomes of the mail of an account that shall go, and the typed confirmation."""

    mail = forms.ChoiceField(
        label=_("The mail fetched from it"),
        choices=[
            (KEEP, _("Keep it here to read; only fetching and sending end")),
            (ERASE, _("Erase it here for good")),
        ],
        widget=forms.RadioSelect,
    )
    typed = forms.CharField(
        label=_("Type the address of the account"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )

    def __init__(self, *args: Any, account: ExternalAccount, **options: Any) -> None:
        super().__init__(*args, **options)
        self.address = account.address
        if account.state == State.ARCHIVED:
            # Its mail was kept once already: all that is left is to erase it.
            self.fields["mail"] = forms.ChoiceField(
                choices=[(ERASE, ERASE)], widget=forms.HiddenInput, initial=ERASE
            )

    def clean_typed(self) -> str:
        """Accept the address only, whatever its case."""
        typed: str = self.cleaned_data["typed"].strip()
        if typed.casefold() != self.address.casefold():
            raise ValidationError(_("This is not the address of the account."))
        return typed
