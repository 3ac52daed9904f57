"""What a person chooses about the mail that stays at, or goes from, the provider."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.explain import explain
from accounts.refusals import AccountRefused

NEVER, AT_ONCE, LATER = "never", "at_once", "later"
SHORTEST, LONGEST = 1, 3650
CHOICES = {
    NEVER: _("Never"),
    AT_ONCE: _("As soon as it is stored here"),
    LATER: _("Some days after it was stored here"),
}


class DeletionForm(forms.Form):
    """When mail is deleted at the provider, if ever."""

    when = forms.ChoiceField(
        label=_("Delete email from server"),
        choices=list(CHOICES.items()),
        widget=forms.RadioSelect,
    )
    days = forms.IntegerField(
        label=_("Days"),
        min_value=SHORTEST,
        max_value=LONGEST,
        required=False,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
        help_text=_("Only for the last choice. Until then you can still change your mind."),
    )

    def __init__(self, *args: Any, objection: AccountRefused | None = None, **options: Any) -> None:
        """Begin; ``objection`` is what administrators have against deleting."""
        super().__init__(*args, **options)
        self.objection = objection
        span = {"shortest": SHORTEST, "longest": intcomma(LONGEST)}
        self.span = _("Give a whole number from %(shortest)s to %(longest)s.") % span
        self.fields["when"].error_messages["invalid_choice"] = _("Choose one of these.")
        number = self.fields["days"]
        number.error_messages["invalid"] = self.span
        # The browser keeps to these limits too, and the words are the same for each.
        number.validators = [
            MinValueValidator(SHORTEST, self.span),
            MaxValueValidator(LONGEST, self.span),
        ]

    def clean(self) -> dict[str, Any]:
        """Ask for the days where they count, and whether it is allowed."""
        values = super().clean() or self.cleaned_data
        if self.objection and values.get("when") in {AT_ONCE, LATER}:
            words = explain(self.objection.code, self.objection.facts)
            raise ValidationError({"when": f"{words.title} {words.advice}"})
        if values.get("when") == LATER and not (values.get("days") or self.errors):
            raise ValidationError({"days": self.span})
        return values

    @property
    def delete_after_days(self) -> int | None:
        """Return what was chosen as the account holds it."""
        values = self.cleaned_data
        return {NEVER: None, AT_ONCE: 0}.get(values["when"], values["days"])

    @property
    def words(self) -> str:
        """Say what was chosen."""
        days = self.delete_after_days
        if not days:
            return str(CHOICES[self.cleaned_data["when"]])
        return ngettext(
            "%(days)d day after it was stored here", "%(days)d days after it was stored here", days
        ) % {"days": days}


def chosen(delete_after_days: int | None) -> dict[str, str | int]:
    """Return what the form shows for what the account holds."""
    if not delete_after_days:
        return {"when": NEVER if delete_after_days is None else AT_ONCE}
    return {"when": LATER, "days": delete_after_days}
