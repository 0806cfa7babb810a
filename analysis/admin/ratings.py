"""Admin pages of ratings and saved searches."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from analysis.admin import display, list_filters
from analysis.admin.base import PageAdmin
from analysis.admin.image_search import ImageSearchMixin
from analysis.models import Rating, SavedSearch


@admin.register(Rating)
class RatingAdmin(ImageSearchMixin, PageAdmin):
    list_display = ("thumb", "image", "person", "is_favorite", "rating")
    list_display_links = ("image",)
    list_select_related = ("image", "person")
    list_filter = (
        ("person", list_filters.AutocompleteSelectFilter),
        ("is_favorite", list_filters.BooleanRadioFilter),
        ("rating", list_filters.NumberFilter),
    )
    autocomplete_fields = ("image", "person")
    ordering = ("-pk",)
    sortable_by = ()

    @admin.display(description=_("Picture"))
    def thumb(self, rating: Rating) -> SafeString | str:
        return display.picture(rating.image, height=40)


@admin.register(SavedSearch)
class SavedSearchAdmin(PageAdmin):
    list_display = ("name", "owner", "query", "is_shared", "saved_at")
    list_select_related = ("owner",)
    list_filter = (
        ("owner", list_filters.AutocompleteSelectFilter),
        ("is_shared", list_filters.BooleanRadioFilter),
    )
    autocomplete_fields = ("owner",)
    search_fields = ("name", "query", "owner__username")
    exclude = ("saved_at",)
    ordering = ("name", "pk")
