"""What people choose for themselves: how pages look and behave, what is told, what is shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from django import forms
from django.conf import settings
from django.http import HttpRequest, QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts import themes
from accounts.models import User
from accounts.models.preferences import PURGE_DAYS, UNDO_SECONDS
from accounts.zones import browser_zone, known_zones

THEMES = [
    (themes.SYSTEM, _("As the device")),
    (themes.LIGHT, _("Light")),
    (themes.DARK, _("Dark")),
]


class PreferencesForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """Some of a person's choices; what a form leaves out stays as it is.

    ``sections`` puts fields under headings.
    """

    sections: tuple[tuple[str | Promise, tuple[str, ...]], ...] = ()

    def __init__(self, typed: QueryDict | None = None, *, request: HttpRequest) -> None:
        super().__init__(typed, instance=request.user)
        self.request = request

    def grouped(self) -> Iterator[tuple[str | Promise, list[forms.BoundField]]]:
        """Yield each heading with its fields."""
        for heading, names in self.sections:
            yield heading, [self[name] for name in names]


def _seconds() -> list[tuple[int, str]]:
    word = ngettext_lazy("%(number)d second", "%(number)d seconds", "number")
    return [(number, word % {"number": number}) for number in UNDO_SECONDS]


def _days() -> list[tuple[str, str | Promise]]:
    word = ngettext_lazy("After %(number)d day", "After %(number)d days", "number")
    days = [(str(number), word % {"number": number}) for number in PURGE_DAYS]
    return [*days, ("", _("Never"))]


class GeneralForm(PreferencesForm):
    """Name, language and time, looks, mail and keys; the theme is kept in a cookie."""

    theme = forms.ChoiceField(label=_("Theme"), choices=THEMES, widget=forms.RadioSelect)
    sections = (
        (_("You"), ("name", "language", "time_zone")),
        (_("Looks"), ("theme", "density", "reading_pane")),
        (_("Mail"), ("conversations", "duplicates", "undo_seconds", "purge_days")),
        (_("Keys"), ("shortcuts",)),
    )

    class Meta:
        model = User
        fields = (
            "name",
            "language",
            "time_zone",
            "density",
            "reading_pane",
            "conversations",
            "duplicates",
            "undo_seconds",
            "purge_days",
            "shortcuts",
        )
        widgets: ClassVar = dict.fromkeys(
            ("density", "reading_pane", "duplicates"), forms.RadioSelect
        )
        help_texts: ClassVar = {
            "conversations": _("A question and its answers are one row."),
            "reading_pane": _("Beside the list there must be room for it: on a wide screen."),
            "shortcuts": _("One key archives, the next opens the next message; ? shows them all."),
        }

    def __init__(self, typed: QueryDict | None = None, *, request: HttpRequest) -> None:
        super().__init__(typed, request=request)
        self.initial["theme"] = themes.theme_of(self.request)
        self.fields |= self._choices()

    def _choices(self) -> dict[str, forms.Field]:
        zones = sorted(zone for zone in known_zones() if "/" in zone)
        zone = browser_zone(self.request)
        return {
            "language": forms.ChoiceField(
                label=_("Language"),
                required=False,
                choices=[("", _("As the browser")), *settings.LANGUAGES],
            ),
            "time_zone": forms.ChoiceField(
                label=_("Time zone"),
                required=False,
                choices=[("", _("As the browser")), ("UTC", "UTC"), *((one, one) for one in zones)],
                help_text=_zone_words(self.instance.time_zone, zone),
            ),
            "undo_seconds": forms.TypedChoiceField(
                label=_("Time to undo"), coerce=int, choices=_seconds
            ),
            "purge_days": forms.TypedChoiceField(
                label=_("Empty trash and spam"),
                coerce=int,
                required=False,
                empty_value=None,
                choices=_days,
                help_text=_("Here only: what lies at your provider is not touched by this."),
            ),
        }


class NotificationsForm(PreferencesForm):
    """What a person is told of, and how."""

    class Meta:
        model = User
        fields = ("notify", "mails_notices")
        widgets: ClassVar = {"notify": forms.RadioSelect}
        help_texts: ClassVar = {
            "mails_notices": _("At most a few mails a day, to the address you sign in with.")
        }


class PrivacyForm(PreferencesForm):
    """Whose pictures may be loaded."""

    class Meta:
        model = User
        fields = ("remote_images",)
        widgets: ClassVar = {"remote_images": forms.RadioSelect}


def _zone_words(chosen: str, zone: str) -> str:
    """Say in which zone times are shown now, and who says so."""
    if chosen:
        return gettext("Times are shown in %(zone)s.") % {"zone": chosen}
    if zone:
        return gettext("Times are shown in %(zone)s, as this browser says.") % {"zone": zone}
    return gettext("Times are shown in %(zone)s, as this site is set.") % {
        "zone": settings.TIME_ZONE
    }
