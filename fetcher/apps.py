"""The fetcher app: visits to other servers and what was found there."""

import sys

from django.apps import AppConfig

# Who reads gives the interpreter up for every record of a few KB, and would get it back only after
# Python's usual 5 ms while another thread stores.
SWITCH_SECONDS = 0.0005


class FetcherConfig(AppConfig):
    """Register the app."""

    name = "fetcher"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let threads take turns often, so that reading goes on while mail is stored."""
        sys.setswitchinterval(SWITCH_SECONDS)
