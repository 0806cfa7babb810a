"""What people keep for themselves, in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString

from analysis.admin import display, filters
from analysis.admin.base import PageAdmin
from analysis.admin.image_search import ImageSearchMixin
from analysis.models import Rating, SavedSearch


@admin.register(Rating)
class RatingAdmin(ImageSearchMixin, PageAdmin):
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
    def thumb(self, mark: Rating) -> SafeString | str:
        return display.picture(mark.image, height=40)


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
