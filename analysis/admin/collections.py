"""Admin pages of collections and share links."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from analysis import formatting, permissions
from analysis.admin import list_filters
from analysis.admin.base import PageAdmin, ReadOnlyAdmin
from analysis.models import Collection, ShareLink
from analysis.permissions import collections as rights
from analysis.sharing import share_links


@admin.register(Collection)
class CollectionAdmin(PageAdmin):
    list_display = ("name", "owner", "is_shared", "shares_private", "created_at", "deleted_at")
    list_select_related = ("owner",)
    list_filter = (("owner", list_filters.AutocompleteSelectFilter), ("is_shared", list_filters.BooleanRadioFilter))
    search_fields = ("name", "owner__username")
    fields = ("owner", "name", "description", "is_shared", "shares_private")
    readonly_fields = ("owner",)
    ordering = ("name", "pk")

    def get_readonly_fields(self, request: HttpRequest, obj: Collection | None = None) -> tuple[str, ...]:
        # By sharing it, one could see the private pictures in it.
        may_share = permissions.can_view_all_images(request.user)
        return self.readonly_fields if may_share else (*self.readonly_fields, "is_shared", "shares_private")

    # Collections are edited on their own page.
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(ShareLink)
class ShareLinkAdmin(ReadOnlyAdmin):
    """Share links without their addresses, with which anyone could see the pictures."""

    list_display = ("__str__", "owner", "views", "created_at", "expires_at", "revoked_at")
    list_select_related = ("owner", "image", "collection", "search")
    list_filter = (("owner", list_filters.AutocompleteSelectFilter),)
    search_fields = ("owner__username", "collection__name", "search__name")
    exclude = ("token", "password")
    ordering = ("-pk",)
    actions = ("revoke",)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return rights.can_revoke_all_links(request.user)

    @admin.action(description=_("Revoke links"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ShareLink]) -> None:
        links = list(queryset.filter(revoked_at=None))
        for link in links:
            share_links.revoke(link, by_id=request.user.pk)
        number = len(links)
        sentence = ngettext("Revoked %(number)s link.", "Revoked %(number)s links.", number)
        messages.success(request, formatting.plural(sentence, number))
