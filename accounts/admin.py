"""What an administrator sees and sets: people, plans, limits, states; no secrets and no mail."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import authorizing, lifecycle, policy, quotas, roster, vault
from accounts.forms.prepared import PreparedForm
from accounts.models import ExternalAccount, GroupPolicy, Notice, OAuthApp, Plan, Quota, State, User
from accounts.models.oauth_app import ENDPOINTS
from accounts.notices import STOPPED
from accounts.pace import hold_to_plans
from accounts.troubles import TROUBLES

WHAT_IS_ALLOWED = (
    *("allow_outside", "allow_pop3", "allow_imap", "allow_plain", "allow_delete", "allow_relay"),
    *("allowed_hosts", "denied_hosts", "ports", "max_accounts"),
)


def hold_to_limits() -> None:
    """Let changed plans and policies act within moments."""
    hold_to_plans()
    policy.look_again(timezone.now())
    quotas.resume_waiting()


@admin.register(User)
class UserAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """People: plan and rights; passwords are set by their owners alone."""

    list_display = ("email", "name", "plan", "is_staff", "is_active", "date_joined", "last_login")
    list_filter = ("is_staff", "is_active", "plan")
    search_fields = ("email", "name")
    fields = ("email", "name", "plan", "language", "time_zone", "is_active", "is_staff", "groups")
    filter_horizontal = ("groups",)
    readonly_fields = ("email",)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Save the groups too, and hold accounts to what their plans and policies allow now."""
        super().save_related(request, form, formsets, change)
        hold_to_limits()

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
        hold_to_limits()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Keep the default plan."""
        default = isinstance(obj, Plan) and obj.is_default
        return not default and super().has_delete_permission(request, obj)


@admin.register(GroupPolicy)
class GroupPolicyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """What the people of a group may do; it can only narrow what their plans allow."""

    list_display = ("group", *WHAT_IS_ALLOWED[:5], "max_accounts")
    list_select_related = ("group",)
    fields = ("group", *WHAT_IS_ALLOWED)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Save, and hold accounts to what is allowed now."""
        super().save_model(request, obj, form, change)
        hold_to_limits()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete, and free the accounts that were held."""
        super().delete_queryset(request, queryset)
        hold_to_limits()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete, and free the accounts that were held."""
        super().delete_model(request, obj)
        hold_to_limits()


@admin.register(Quota)
class QuotaAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Storage of one person, with a limit of their own if wanted."""

    list_display = ("owner", "allowed_bytes", "used_bytes")
    search_fields = ("owner__email",)
    fields = ("owner", "allowed_bytes", "used_bytes")
    readonly_fields = ("owner", "used_bytes")
    list_select_related = ("owner",)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001 - Django's signature
        """Save the limit alone, since fetching moves the rest, and let in what finds room now."""
        obj.save(update_fields=["allowed_bytes"])
        quotas.touch(obj.owner_id)
        hold_to_limits()

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        """Let rows be made on first need."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        """Let a row go with its person only."""
        return False


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Rows to look at, made and changed elsewhere; long tables are not counted as a whole."""

    show_full_result_count = False
    ordering: ClassVar[tuple[str, ...]] = ("-id",)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        """Leave making rows to the program."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        """Change nothing that is somebody's own."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        """Leave removing to owners, and history alone."""
        return False


class CodeFilter(admin.SimpleListFilter):
    """Chooses rows by the code of their trouble, from all codes that there are."""

    title = _("code")
    parameter_name = "code"
    column = "code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 - Django's signature
        """List the codes; asking the table for those in use would read all of it."""
        return [(code, code) for code in TROUBLES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002 - Django's signature
        """Keep the rows of the chosen code."""
        return queryset.filter(**{self.column: self.value()}) if self.value() else queryset


class LastCodeFilter(CodeFilter):
    """Chooses accounts by how their last visit ended."""

    column = "last_code"


@admin.register(ExternalAccount)
class ExternalAccountAdmin(ReadOnlyAdmin):
    """Accounts and how they fare; one can be prepared for its owner, who completes it."""

    list_display = (
        *("id", "owner", "address", "state", "state_since"),
        *("last_code", "failing_since", "last_checked_at"),
    )
    list_filter = ("state", LastCodeFilter)
    search_fields = ("owner__email", "address")
    list_select_related = ("owner",)
    actions = ("stop", "check_now")
    form = PreparedForm
    shown = (
        *("owner", "address", "name", "state", "state_since", "created_at", "interval_minutes"),
        *("next_fetch_at", "failing_since", "refusals", "last_checked_at", "last_code"),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let accounts be prepared."""
        return admin.ModelAdmin.has_add_permission(self, request)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ARG002 - Django's signature
        """Show what there is, and ask for what is needed to prepare another."""
        return self.shown if obj else PreparedForm.ASKED

    def has_stop_permission(self, request: HttpRequest) -> bool:
        """Tell whether somebody may stop accounts that are not their own."""
        return request.user.has_perm("accounts.change_externalaccount")

    @admin.action(description=_("Stop fetching; owners are told"), permissions=["stop"])
    def stop(self, request: HttpRequest, queryset: QuerySet[ExternalAccount]) -> None:  # noqa: ARG002 - Django's signature
        """Stop what is being fetched, until its owner tests it again."""
        why: dict[str, Any] = {"last_code": STOPPED, "last_facts": {}}
        for account in queryset.filter(state=State.ACTIVE):
            with suppress(lifecycle.AccountMoved):
                lifecycle.advance(account, lifecycle.Event.STOPPED, now=timezone.now(), **why)

    @admin.action(description=_("Check now"), permissions=["stop"])
    def check_now(self, request: HttpRequest, queryset: QuerySet[ExternalAccount]) -> None:  # noqa: ARG002 - Django's signature
        """Make accounts due at once, though trouble would let them wait."""
        queryset.order_by().filter(state=State.ACTIVE).update(next_fetch_at=timezone.now())

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001 - Django's signature
        """Prepare the account."""
        obj.pk = roster.prepare_account(obj.owner, form.wanted, now=timezone.now()).pk


class OAuthAppForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """An app with its secret, which is sealed and never shown again."""

    secret = forms.CharField(
        label=_("client secret"),
        required=False,
        strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}, render_value=False),
        help_text=_("Leave it empty to keep the one that is there."),
    )

    class Meta:
        model = OAuthApp
        fields = (
            *("name", "slug", "is_enabled", "dialect", "issuer", *ENDPOINTS, "client_id"),
            *("scopes", "extra", "servers", "allow_page", "allow_device", "grant_days"),
        )


@admin.register(OAuthApp)
class OAuthAppAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """How this site is known to OAuth providers; what is saved counts from the next sign-in."""

    form = OAuthAppForm
    list_display = ("name", "slug", "dialect", "is_enabled", "client_id", "has_secret")
    prepopulated_fields: ClassVar = {"slug": ("name",)}
    readonly_fields = ("has_secret", "comes_back_to")

    @admin.display(boolean=True, description=_("secret kept"))
    def has_secret(self, app: OAuthApp) -> bool:
        """Tell whether a secret is kept."""
        return app.sealed_secret is not None

    @admin.display(description=_("address to register at the provider"))
    def comes_back_to(self, app: OAuthApp) -> str:
        """Say where the provider sends people back to."""
        return authorizing.return_address(app) if app.slug else "-"

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Seal a secret that was typed."""
        if secret := form.cleaned_data["secret"]:
            obj.sealed_secret = vault.seal(secret, belongs_to=obj.belongs_to)
            obj.key_id = vault.newest_key_id()
        super().save_model(request, obj, form, change)


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    """What people were told about their accounts, and by which mail."""

    list_display = ("owner", "account_id", "topic", "code", "opened_at", "closed_at", "mailed_at")
    list_filter = (
        "topic",
        CodeFilter,
        ("mail_due_at", admin.EmptyFieldListFilter),
        ("closed_at", admin.EmptyFieldListFilter),
    )
    search_fields = ("owner__email",)
    list_select_related = ("owner",)
    fields = (
        *("owner", "account", "topic", "code", "opened_at", "closed_at"),
        *("mail_due_at", "mailed_at"),
    )
