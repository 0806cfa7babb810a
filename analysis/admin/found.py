"""What is derived from answers, in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString

from analysis.admin import filters, shown
from analysis.admin.base import ReadOnlyAdmin
from analysis.admin.of_pictures import OfPictures
from analysis.models import Face, ImageIndex, ImageText


class DerivedAdmin(OfPictures, ReadOnlyAdmin):
    list_select_related: tuple[str, ...] = ("image",)
    sortable_by = ()

    @admin.display(description="Picture")
    def thumb(self, row: Face | ImageText | ImageIndex) -> SafeString | str:
        return shown.picture(row.image, height=40)

    @admin.display(description="Of")
    def of(self, row: Face | ImageText | ImageIndex) -> SafeString | str:
        return shown.link(row.image)


@admin.register(Face)
class FaceAdmin(DerivedAdmin):
    list_display = ("thumb", "of", "sureness", "age_low", "age_high", "gender", "attributes", "emotions")
    list_filter = (("confidence", filters.NumberFilter),)
    ordering = ("-pk",)
    sureness = shown.number("confidence", "Confidence", unit=" %")


@admin.register(ImageText)
class ImageTextAdmin(DerivedAdmin):
    list_display = ("thumb", "of", "content")
    exclude = ("words",)
    ordering = ("-pk",)


@admin.register(ImageIndex)
class ImageIndexAdmin(DerivedAdmin):
    list_display = ("thumb", "of", "added_at", "owner", "openness", "bright", "sharp", "contrasting")
    list_select_related = ("image", "owner")
    ordering = ("-pk",)
    bright = shown.number("brightness", "Brightness")
    sharp = shown.number("sharpness", "Sharpness")
    contrasting = shown.number("contrast", "Contrast")
