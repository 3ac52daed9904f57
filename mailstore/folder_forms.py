"""What people type about folders and labels: names, places, colours, how long trash is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import PURGE_DAYS, Color
from mailstore.models import Folder, Label

# Three of these are an em: enough to see what stands in what.
STEP = "\u00a0\u00a0\u00a0"
NEVER = "never"


class Place(forms.ModelChoiceField):  # type: ignore[type-arg]  # generic in the stubs only
    """A folder of those given, indented as they nest."""

    def __init__(self, folders: Sequence[Folder], **options: Any) -> None:
        queryset = Folder.objects.filter(pk__in=[folder.pk for folder in folders])
        super().__init__(queryset, to_field_name="public_id", **options)
        self.choices = [
            *([("", self.empty_label)] if self.empty_label else []),
            *((folder.public_id, f"{STEP * folder.depth}{folder}") for folder in folders),
        ]


class FolderForm(forms.Form):
    """A folder's name and the folder that it stands in."""

    name = forms.CharField(label=_("Name"), max_length=120)

    def __init__(self, *args: Any, places: Sequence[Folder], **options: Any) -> None:
        super().__init__(*args, **options)
        top = _("Nowhere: at the top")
        self.fields["parent"] = Place(places, label=_("Inside"), required=False, empty_label=top)

    def clean_name(self) -> str:
        """Refuse what cannot be seen."""
        return _visible(self.cleaned_data["name"])


class RemovalForm(forms.Form):
    """Where the mail of a folder goes that is being removed."""

    def __init__(self, *args: Any, targets: Sequence[Folder], **options: Any) -> None:
        super().__init__(*args, **options)
        label = _("Where its mail goes")
        self.fields["to"] = Place(
            targets, label=label, empty_label=None, initial=targets[0].public_id
        )


class LabelForm(forms.Form):
    """A label's name and colour."""

    name = forms.CharField(label=_("Name"), max_length=Label._meta.get_field("name").max_length)  # noqa: SLF001 - Django documents it
    color = forms.ChoiceField(label=_("Colour"), choices=Color.choices)

    def clean_name(self) -> str:
        """Refuse what cannot be seen."""
        return _visible(self.cleaned_data["name"])


class KeepingForm(forms.Form):
    """How long mail stays in Trash and Spam."""

    days = forms.ChoiceField(label=_("Erase what lies in Trash and Spam"))

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        choices = [
            (
                str(days),
                ngettext("after %(days)d day", "after %(days)d days", days) % {"days": days},
            )
            for days in PURGE_DAYS
        ]
        self.fields["days"] = forms.ChoiceField(
            label=_("Erase what lies in Trash and Spam"), choices=[*choices, (NEVER, _("never"))]
        )

    @property
    def chosen(self) -> int | None:
        """Return the days, None for ever."""
        days: str = self.cleaned_data["days"]
        return None if days == NEVER else int(days)


def _visible(name: str) -> str:
    if not name.isprintable():
        raise ValidationError(_("Use letters, digits and signs that can be seen."))
    return name
