"""What is derived from answers, in the admin."""

from __future__ import annotations

from django.contrib import admin

from analysis.admin.base import ReadOnlyAdmin
from analysis.models import Face, ImageIndex, ImageText


@admin.register(Face)
class FaceAdmin(ReadOnlyAdmin):
    list_display = ("image", "confidence", "age_low", "age_high", "gender", "attributes", "emotions")
    list_select_related = ("image",)
    list_filter = ("gender",)
    search_fields = ("image__filename",)
    ordering = ("-pk",)
    show_full_result_count = False


@admin.register(ImageText)
class ImageTextAdmin(ReadOnlyAdmin):
    list_display = ("image", "content")
    list_select_related = ("image",)
    search_fields = ("content",)
    exclude = ("words",)
    show_full_result_count = False


@admin.register(ImageIndex)
class ImageIndexAdmin(ReadOnlyAdmin):
    list_display = ("image", "added_at", "owner", "openness", "brightness", "sharpness", "contrast")
    list_select_related = ("image", "owner")
    search_fields = ("image__filename",)
    ordering = ("-pk",)
    show_full_result_count = False
