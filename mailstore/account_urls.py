"""The addresses of what is stored, below /settings/."""

from django.urls import path

from mailstore import account_views, privacy

ACCOUNT = "mail-accounts/<uuid:account>"

urlpatterns = [
    path("privacy/", privacy.settings_privacy, name="settings_privacy"),
    path("storage/", account_views.show_storage, name="storage"),
    path(f"{ACCOUNT}/storage/", account_views.account_storage, name="account_storage"),
    path(f"{ACCOUNT}/mail.mbox", account_views.account_export, name="account_export"),
]
