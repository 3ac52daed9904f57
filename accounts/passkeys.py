"""The forms in which a passkey gets its name, with a label that can be translated."""

from __future__ import annotations

from allauth.mfa.webauthn import forms as allauth_forms
from django import forms
from django.utils.translation import gettext_lazy as _


class AddPasskeyForm(allauth_forms.AddWebAuthnForm):  # type: ignore[misc]  # allauth ships no types
    """Add a passkey; without a name it gets one."""

    name = forms.CharField(label=_("Name"), required=False)


class RenamePasskeyForm(allauth_forms.EditWebAuthnForm):  # type: ignore[misc]  # as above
    """Give a passkey another name."""

    name = forms.CharField(label=_("Name"))
