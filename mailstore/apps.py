"""The mailstore app: the raw mail, its index and the pages that read it."""

from django.apps import AppConfig


class MailstoreConfig(AppConfig):
    """Register the app."""

    name = "mailstore"
    default_auto_field = "django.db.models.BigAutoField"
