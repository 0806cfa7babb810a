"""Admin pages of rows derived from responses: faces, texts, image index."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from analysis.admin import display, list_filters
from analysis.admin.base import ReadOnlyAdmin
from analysis.admin.image_search import ImageSearchMixin
from analysis.models import Face, ImageIndex, ImageText


class DerivedAdmin(ImageSearchMixin, ReadOnlyAdmin):
    list_select_related: tuple[str, ...] = ("image",)
    sortable_by = ()

    @admin.display(description=_("Picture"))
    def thumb(self, row: Face | ImageText | ImageIndex) -> SafeString | str:
        return display.picture(row.image, height=40)

    @admin.display(description=_("File name"))
    def image_link(self, row: Face | ImageText | ImageIndex) -> SafeString | str:
        return display.link(row.image)


@admin.register(Face)
class FaceAdmin(DerivedAdmin):
    list_display = (
        "thumb",
        "image_link",
        "confidence_percent",
        "age_low",
        "age_high",
        "gender",
        "attributes",
        "emotions",
    )
    list_filter = (("confidence", list_filters.NumberFilter),)
    ordering = ("-pk",)
    confidence_percent = display.number("confidence", _("Confidence"), unit=" %")


@admin.register(ImageText)
class ImageTextAdmin(DerivedAdmin):
    list_display = ("thumb", "image_link", "content")
    exclude = ("words",)
    ordering = ("-pk",)


@admin.register(ImageIndex)
class ImageIndexAdmin(DerivedAdmin):
    list_display = (
        "thumb",
        "image_link",
        "sort_time",
        "owner",
        "visibility",
        "rounded_brightness",
        "rounded_sharpness",
        "rounded_contrast",
    )
    list_select_related = ("image", "owner")
    ordering = ("-pk",)
    rounded_brightness = display.number("brightness", _("Brightness"))
    rounded_sharpness = display.number("sharpness", _("Sharpness"))
    rounded_contrast = display.number("contrast", _("Contrast"))
