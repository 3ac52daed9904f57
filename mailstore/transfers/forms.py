"""What is asked before mail is taken out or put in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import ExternalAccount, User
from mailstore.models import Role
from mailstore.transfers.models import Form


def _accounts(user: User) -> list[tuple[str, str]]:
    own = ExternalAccount.objects.for_user(user)
    return [(str(one.public_id), f"{one.name} ({one.address})") for one in own]


class ExportForm(forms.Form):
    """Whose mail is taken out, and in which form."""

    account = forms.ChoiceField(label=_("Mail of"), required=False)
    form = forms.ChoiceField(
        label=_("Form"), choices=Form.choices, initial=Form.MBOX, widget=forms.RadioSelect
    )

    def __init__(self, *args: Any, user: User, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["account"].choices = [("", _("All accounts")), *_accounts(user)]  # type: ignore[attr-defined]


class ImportForm(forms.Form):
    """The archive, and where its mail goes."""

    archive = forms.FileField(
        label=_("File"),
        max_length=200,
        help_text=_("An mbox file, or a zip or tar.gz of mbox, Maildir or EML files."),
    )
    account = forms.ChoiceField(
        label=_("Into the account"),
        required=False,
        help_text=_(
            "For accounts that you do not have here, a place to read is made; nothing is fetched "
            "to it or sent from it."
        ),
    )
    role = forms.ChoiceField(
        label=_("Folder, where the file names none"),
        choices=[(role, role.label) for role in (Role.ARCHIVE, Role.INBOX, Role.SENT)],
        initial=Role.ARCHIVE,
    )

    def __init__(self, *args: Any, user: User, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["account"].choices = [("", _("As the file says")), *_accounts(user)]  # type: ignore[attr-defined]
