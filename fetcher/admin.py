"""Visits as an administrator sees them: outcome and counts, nothing to change."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from accounts.admin import CodeFilter, ReadOnlyAdmin
from fetcher.models import FetchRun, HourlyCount


@admin.register(FetchRun)
class FetchRunAdmin(ReadOnlyAdmin):
    """The journal of visits, newest first."""

    list_display = ("account_id", "opened_at", "closed_at", "code", "messages", "octets", "deleted")
    list_filter = (CodeFilter,)
    list_select_related = False
    fields = (
        *("account", "opened_at", "closed_at", "code"),
        *("listed", "messages", "octets", "deleted"),
    )


@admin.register(HourlyCount)
class HourlyCountAdmin(ReadOnlyAdmin):
    """How many visits were made in each hour, by server and result."""

    list_display = ("hour", "host", "code", "visits", "messages", "octets")
    list_filter = (CodeFilter,)
    search_fields = ("host",)
    date_hierarchy = "hour"
    ordering: ClassVar[tuple[str, ...]] = ("-hour", "host", "code")
