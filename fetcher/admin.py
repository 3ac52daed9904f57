"""Runs as an administrator sees them: outcome and counts, nothing to change."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from fetcher.models import FetchRun


@admin.register(FetchRun)
class FetchRunAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """The journal of visits, newest first."""

    list_display = ("account_id", "opened_at", "closed_at", "code", "messages", "octets", "deleted")
    list_filter = ("code",)
    ordering = ("-opened_at",)
    list_select_related = False

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        """Leave it to the workers to make runs."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: FetchRun | None = None) -> bool:  # noqa: ARG002
        """Tell that history is not edited."""
        return False

    has_delete_permission = has_change_permission
