"""The addresses of the accounts app, below /settings/."""

from django.urls import path

from accounts.views import adding, cards, general

ACCOUNT = "mail-accounts/<uuid:account>"

urlpatterns = [
    path("general/", general.settings_general, name="settings_general"),
    path("mail-accounts/", cards.mail_accounts, name="mail_accounts"),
    path("mail-accounts/cards/", cards.account_cards, name="account_cards"),
    path("mail-accounts/add/", adding.account_add, name="account_add"),
    path("mail-accounts/add/<uuid:probe>/", adding.probe, name="probe"),
    path("mail-accounts/add/<uuid:probe>/again/", adding.probe_again, name="probe_again"),
    path(f"{ACCOUNT}/", cards.account_settings, name="account_settings"),
    path(f"{ACCOUNT}/connection/", adding.account_connection, name="account_connection"),
    path(f"{ACCOUNT}/pause/", cards.account_pause, name="account_pause"),
    path(f"{ACCOUNT}/default/", cards.account_default, name="account_default"),
    path(f"{ACCOUNT}/remove/", cards.account_remove, name="account_remove"),
]
