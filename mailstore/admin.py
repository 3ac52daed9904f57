"""What an administrator sees of the message store: sizes and owners, never what a mail says."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from mailstore.models import Pack


@admin.register(Pack)
class PackAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """The packs on disk, to look at only."""

    list_display = ("name", "owner", "size", "created_at")
    list_select_related = ("owner",)
    search_fields = ("name", "owner__email")

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        """Packs are written by the program alone."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Packs never change."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Mail is deleted by its owner."""
        return False
