"""The fetcher app: visits to other servers and what was found there."""

from django.apps import AppConfig


class FetcherConfig(AppConfig):
    """Register the app."""

    name = "fetcher"
    default_auto_field = "django.db.models.BigAutoField"
