"""The addresses of what is stored, below /settings/."""

from django.urls import path

from mailstore import account_views, folder_views, label_views, privacy
from mailstore.transfers import views as transfers

ACCOUNT = "mail-accounts/<uuid:account>"

urlpatterns = [
    path("privacy/", privacy.settings_privacy, name="settings_privacy"),
    path("privacy/forget-sender/", privacy.forget_sender, name="privacy_forget_sender"),
    path("folders/", folder_views.show_folders, name="folders"),
    path("folders/keeping/", folder_views.keep_discarded, name="keep_discarded"),
    path("folders/empty/<str:role>/", folder_views.empty_now, name="empty_now"),
    path("folders/<uuid:folder>/", folder_views.folder_edit, name="folder_edit"),
    path("folders/<uuid:folder>/remove/", folder_views.folder_remove, name="folder_remove"),
    path("folders/of/<uuid:account>/add/", folder_views.folder_add, name="folder_add"),
    path("labels/", label_views.show_labels, name="labels"),
    path("labels/<uuid:label>/", label_views.label_edit, name="label_edit"),
    path("labels/<uuid:label>/remove/", label_views.label_remove, name="label_remove"),
    path("storage/", account_views.show_storage, name="storage"),
    path(f"{ACCOUNT}/storage/", account_views.account_storage, name="account_storage"),
    path("transfers/", transfers.transfers, name="transfers"),
    path("transfers/list/", transfers.transfer_list, name="transfer_list"),
    path("transfers/export/", transfers.transfer_export, name="transfer_export"),
    path("transfers/import/", transfers.transfer_import, name="transfer_import"),
    path("transfers/<uuid:transfer>/file/", transfers.transfer_file, name="transfer_file"),
    path("transfers/<uuid:transfer>/remove/", transfers.transfer_remove, name="transfer_remove"),
]
