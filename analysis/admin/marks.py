"""What people keep for themselves, in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString

from analysis.admin import filters, shown
from analysis.admin.base import PageAdmin
from analysis.admin.of_pictures import OfPictures
from analysis.models import Mark, SavedSearch


@admin.register(Mark)
class MarkAdmin(OfPictures, PageAdmin):
    list_display = ("thumb", "image", "person", "is_favorite", "rating")
    list_display_links = ("image",)
    list_select_related = ("image", "person")
    list_filter = (
        ("person", filters.AutocompleteSelectFilter),
        ("is_favorite", filters.BooleanRadioFilter),
        ("rating", filters.NumberFilter),
    )
    autocomplete_fields = ("image", "person")
    ordering = ("-pk",)
    sortable_by = ()

    @admin.display(description="Picture")
    def thumb(self, mark: Mark) -> SafeString | str:
        return shown.picture(mark.image, height=40)


@admin.register(SavedSearch)
class SavedSearchAdmin(PageAdmin):
    list_display = ("name", "owner", "query", "is_shared", "saved_at")
    list_select_related = ("owner",)
    list_filter = (
        ("owner", filters.AutocompleteSelectFilter),
        ("is_shared", filters.BooleanRadioFilter),
    )
    autocomplete_fields = ("owner",)
    search_fields = ("name", "query", "owner__username")
    exclude = ("saved_at",)
    ordering = ("name", "pk")
