"""People and groups, in the admin's own look."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from analysis.admin import filters
from analysis.admin.base import PageAdmin
from imagelib.accounts.models import User

admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, PageAdmin):  # type: ignore[misc, type-arg]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_staff", "is_superuser", "is_active", "last_login")
    list_filter = (
        ("groups", filters.AutocompleteSelectFilter),
        ("is_staff", filters.BooleanRadioFilter),
        ("is_superuser", filters.BooleanRadioFilter),
        ("is_active", filters.BooleanRadioFilter),
    )
    autocomplete_fields = ("groups",)
    filter_horizontal = ("user_permissions",)
    fieldsets = (*(DjangoUserAdmin.fieldsets or ()), (_("Display"), {"fields": ("time_zone", "theme")}))


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, PageAdmin):  # type: ignore[misc]
    pass
