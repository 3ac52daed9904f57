"""The accounts app: people, their outside accounts, secrets, identities and quotas."""

from importlib import import_module

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Register the app; its label stays clear of allauth's ``account``."""

    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the check of the keys."""
        import_module("accounts.keycheck")
