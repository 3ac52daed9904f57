"""The addresses of the accounts app, below /settings/."""

from django.urls import path

from accounts.models import Use
from accounts.views import (
    adding,
    authorizing,
    cards,
    doctor,
    identities,
    importing,
    preferences,
    sending,
    verifying,
    wizard,
)

ACCOUNT = "mail-accounts/<uuid:account>"
SETUP = "mail-accounts/add/<uuid:setup>"
TRIP = "mail-accounts/sign-in/<uuid:trip>"
IDENTITY = "send-mail-as/<uuid:identity>"
SEND_AS, REPLY_TO = {"use": Use.SEND_AS}, {"use": Use.REPLY_TO}

urlpatterns = [
    path("general/", preferences.settings_general, name="settings_general"),
    path("notifications/", preferences.settings_notifications, name="settings_notifications"),
    path("mail-accounts/", cards.mail_accounts, name="mail_accounts"),
    path("mail-accounts/cards/", cards.account_cards, name="account_cards"),
    path("mail-accounts/add/", wizard.account_add, name="account_add"),
    path(f"{SETUP}/type/", wizard.account_add_type, name="account_add_type"),
    path(f"{SETUP}/incoming/", wizard.account_add_incoming, name="account_add_incoming"),
    path("mail-accounts/add/<uuid:probe>/", adding.probe, name="probe"),
    path("mail-accounts/add/<uuid:probe>/again/", adding.probe_again, name="probe_again"),
    path("mail-accounts/import/", importing.accounts_import, name="accounts_import"),
    path("mail-accounts/import/<uuid:batch>/", importing.import_verdicts, name="import_verdicts"),
    path(f"{ACCOUNT}/", cards.account_settings, name="account_settings"),
    path(f"{ACCOUNT}/added/", wizard.account_added, name="account_added"),
    path(f"{ACCOUNT}/connection/", adding.account_connection, name="account_connection"),
    path(f"{ACCOUNT}/authenticate/", authorizing.account_authenticate, name="account_authenticate"),
    path(f"{TRIP}/", authorizing.authorization, name="authorization"),
    path(f"{TRIP}/go/", authorizing.authorization_go, name="authorization_go"),
    path(f"{TRIP}/again/", authorizing.authorization_again, name="authorization_again"),
    path(f"{TRIP}/cancel/", authorizing.authorization_cancel, name="authorization_cancel"),
    path(f"{ACCOUNT}/outgoing/", sending.account_outgoing, name="account_outgoing"),
    path(f"{ACCOUNT}/pause/", cards.account_pause, name="account_pause"),
    path(f"{ACCOUNT}/default/", cards.account_default, name="account_default"),
    path("mail-accounts/order/", cards.account_order, name="account_order"),
    path(f"{ACCOUNT}/move/", cards.account_move, name="account_move"),
    path(f"{ACCOUNT}/fetching/", cards.account_fetching, name="account_fetching"),
    path(f"{ACCOUNT}/doctor/", doctor.account_doctor, name="account_doctor"),
    path(f"{ACCOUNT}/remove/", cards.account_remove, name="account_remove"),
    path("send-mail-as/", identities.send_mail_as, name="send_mail_as"),
    path("send-mail-as/add/", identities.identity_add, name="identity_add"),
    path(f"{IDENTITY}/", identities.identity_edit, name="identity_edit"),
    path(f"{IDENTITY}/default/", identities.identity_default, name="identity_default"),
    path(f"{IDENTITY}/remove/", identities.identity_remove, name="identity_remove"),
    path(f"{IDENTITY}/verify/", verifying.identity_verify, SEND_AS, name="identity_verify"),
    path(f"{IDENTITY}/code/", verifying.identity_code, SEND_AS, name="identity_code"),
    path(
        f"{IDENTITY}/reply-to/verify/",
        verifying.identity_verify,
        REPLY_TO,
        name="identity_verify_reply_to",
    ),
    path(
        f"{IDENTITY}/reply-to/code/",
        verifying.identity_code,
        REPLY_TO,
        name="identity_code_reply_to",
    ),
]
