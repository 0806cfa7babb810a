"""Admin pages of users, groups and API tokens in Unfold's look."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.forms import AdminPasswordChangeForm

from analysis import permissions
from analysis.admin import list_filters
from analysis.admin.base import PageAdmin, ReadOnlyAdmin
from analysis.admin.user_forms import AddUserForm, UserForm
from analysis.permissions import accounts as rights
from imagelib.accounts import api_tokens, user_management
from imagelib.accounts.models import ApiToken, User
from imagelib.accounts.roles import LINES

PRIVILEGES = ("is_staff", "is_superuser", "groups", "user_permissions")
ADVANCED = _("A role sets all of these. Change them only if an account needs permissions that its role doesn't have.")
# Registered again below, in Unfold's look.
admin.site.unregister(Group)
# allauth's models: secrets of codes and passkeys, applications from the settings, and addresses that are not used here.
admin.site.unregister([Authenticator, EmailAddress, SocialAccount, SocialApp, SocialToken])


@admin.register(User)
class UserAdmin(DjangoUserAdmin, PageAdmin):  # type: ignore[misc]
    form = UserForm
    add_form = AddUserForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_staff", "is_superuser", "is_active", "last_login")
    list_filter = (
        ("groups", list_filters.AutocompleteSelectFilter),
        ("is_staff", list_filters.BooleanRadioFilter),
        ("is_superuser", list_filters.BooleanRadioFilter),
        ("is_active", list_filters.BooleanRadioFilter),
    )
    autocomplete_fields = ("groups",)
    filter_horizontal = ("user_permissions",)
    add_fieldsets = (
        (None, {"fields": ("username", "usable_password", "password1", "password2")}),
        (_("Access"), {"fields": ("role",)}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        role = "role" if rights.can_change_person(request.user, obj) else "current_role"
        return (
            (None, {"fields": ("username", "password")}),
            (_("Access"), {"fields": (role, "is_active")}),
            (_("Personal info"), {"fields": ("first_name", "last_name", "email")}),
            (_("Display"), {"fields": ("time_zone", "theme")}),
            (_("Important dates"), {"fields": ("last_login", "date_joined")}),
            (_("Advanced"), {"fields": PRIVILEGES, "classes": ("collapse",), "description": ADVANCED}),
        )

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        # The class is created per request, so the change affects no other request.
        may_give = obj is None or rights.can_change_person(request.user, obj)
        form.offered_roles = rights.assignable_roles(request.user) if may_give else []
        return form

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        # Read-only, since staff could otherwise create accounts with more permissions than their own.
        fields = (*super().get_readonly_fields(request, obj), "current_role", "last_login", "date_joined")
        return fields if request.user.is_superuser else (*fields, *PRIVILEGES)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        # Last, since it replaces groups and permissions.
        if role := form.chosen_role():
            user_management.set_role(form.instance, role)

    @admin.display(description=_("Role"))
    def current_role(self, user: User) -> str:
        role = user_management.role_of(user)
        return f"{role.label}: {LINES[role]}" if role else str(_("Custom"))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, set[str], Any]:
        """Refuse to delete all administrators at once; each alone is not the last one."""
        people = list(objs)
        deleted, counts, refused, protected = super().get_deleted_objects(people, request)
        is_refused = any(person.is_superuser for person in people) and not rights.leaves_superuser(people)
        return deleted, counts, {*refused, *([gettext("administrator")] if is_refused else [])}, protected

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _may_change(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and rights.is_last_superuser(obj):
            return False
        return super().has_delete_permission(request, obj) and _may_change(request, obj)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, PageAdmin):  # type: ignore[misc]
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if request.user.is_superuser else (*fields, "permissions")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Groups also restrict: without its group a member could upload.
        return super().has_delete_permission(request, obj) and bool(request.user.is_superuser)


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Everyone's tokens, for revocation; users create their own on the account page."""

    list_display = ("name", "user", "hint", "scopes", "spending_limit", "expires_at", "last_used_at", "revoked_at")
    list_select_related = ("user",)
    list_filter = (("user", list_filters.AutocompleteSelectFilter),)
    search_fields = ("name", "user__username")
    exclude = ("digest",)
    ordering = ("-pk",)
    sortable_by = ()
    actions = ("revoke",)

    @admin.action(description=_("Revoke tokens"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        for token in queryset:
            api_tokens.revoke(token, by_id=request.user.pk or 0)
        self.message_user(request, _("The tokens no longer work."))

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_apitoken")


def _may_change(request: HttpRequest, obj: Any) -> bool:
    return obj is None or permissions.can_edit_user(request.user, obj)
