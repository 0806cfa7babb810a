"""What is derived from answers, in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString

from analysis.admin import display, filters
from analysis.admin.base import ReadOnlyAdmin
from analysis.admin.image_search import ImageSearchMixin
from analysis.models import Face, ImageIndex, ImageText


class DerivedAdmin(ImageSearchMixin, ReadOnlyAdmin):
    list_select_related: tuple[str, ...] = ("image",)
    sortable_by = ()

    @admin.display(description="Picture")
    def thumb(self, row: Face | ImageText | ImageIndex) -> SafeString | str:
        return display.picture(row.image, height=40)

    @admin.display(description="Of")
    def of(self, row: Face | ImageText | ImageIndex) -> SafeString | str:
        return display.link(row.image)


@admin.register(Face)
class FaceAdmin(DerivedAdmin):
    list_display = ("thumb", "of", "sureness", "age_low", "age_high", "gender", "attributes", "emotions")
    list_filter = (("confidence", filters.NumberFilter),)
    ordering = ("-pk",)
    sureness = display.number("confidence", "Confidence", unit=" %")


@admin.register(ImageText)
class ImageTextAdmin(DerivedAdmin):
    list_display = ("thumb", "of", "content")
    exclude = ("words",)
    ordering = ("-pk",)


@admin.register(ImageIndex)
class ImageIndexAdmin(DerivedAdmin):
    list_display = ("thumb", "of", "added_at", "owner", "visibility", "bright", "sharp", "contrasting")
    list_select_related = ("image", "owner")
    ordering = ("-pk",)
    bright = display.number("brightness", "Brightness")
    sharp = display.number("sharpness", "Sharpness")
    contrasting = display.number("contrast", "Contrast")
