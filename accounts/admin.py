"""What an administrator sees and sets: people, plans, limits, states; no secrets and no mail."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.models import ExternalAccount, Plan, Quota, User
from accounts.pace import hold_to_plans


@admin.register(User)
class UserAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """People: plan and rights; passwords are set by their owners alone."""

    list_display = ("email", "name", "plan", "is_staff", "is_active", "date_joined", "last_login")
    list_filter = ("is_staff", "is_active", "plan")
    search_fields = ("email", "name")
    fields = ("email", "name", "plan", "language", "time_zone", "is_active", "is_staff", "groups")
    filter_horizontal = ("groups",)
    readonly_fields = ("email",)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Save, and hold accounts to what their plans allow now."""
        super().save_model(request, obj, form, change)
        hold_to_plans()

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        """Leave it to sign-up and ``manage.py adduser``."""
        return False


@admin.register(Plan)
class PlanAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Limits that people share."""

    list_display = ("name", "is_default", "storage_bytes", "max_accounts", "allow_plain")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Save, and hold accounts to what their plans allow now."""
        super().save_model(request, obj, form, change)
        hold_to_plans()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Keep the default plan."""
        default = isinstance(obj, Plan) and obj.is_default
        return not default and super().has_delete_permission(request, obj)


@admin.register(Quota)
class QuotaAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Storage of one person, with a limit of their own if wanted."""

    list_display = ("owner", "allowed_bytes", "used_bytes")
    search_fields = ("owner__email",)
    fields = ("owner", "allowed_bytes", "used_bytes")
    readonly_fields = ("owner", "used_bytes")
    list_select_related = ("owner",)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        """Let rows be made on first need."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        """Let a row go with its person only."""
        return False


@admin.register(ExternalAccount)
class ExternalAccountAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Accounts and how they fare, to look at."""

    list_display = ("id", "owner", "address", "state", "last_code", "last_checked_at")
    list_filter = ("state", "last_code")
    search_fields = ("owner__email", "address")
    list_select_related = ("owner",)
    fields = (
        *("owner", "address", "name", "state", "created_at", "interval_minutes"),
        *("next_fetch_at", "failing_since", "last_checked_at", "last_code"),
    )
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        """Leave adding to owners, who prove what they add."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        """Change nothing that is somebody's own."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        """Leave removing to owners."""
        return False
