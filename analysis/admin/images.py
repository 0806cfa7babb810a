"""Pictures and stray blobs in the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from analysis.admin.base import ReadOnlyAdmin
from analysis.models import Image, ImageLabel, UnclaimedBlob
from analysis.store import library

EDITABLE = ("owner", "openness", "title")


class ImageForm(forms.ModelForm):  # type: ignore[type-arg]
    def clean(self) -> dict[str, Any] | None:
        """The same bytes once for each person: the constraint, in words."""
        said = super().clean()
        owner = self.cleaned_data.get("owner")
        is_upload = self.instance.bucket_id is None
        present = is_upload and owner and library.known(self.instance.sha256, owner_id=owner.pk)
        if present and present.pk != self.instance.pk:
            raise forms.ValidationError(f"{owner} has this picture already.")
        return said


@admin.register(Image)
class ImageAdmin(ModelAdmin):  # type: ignore[misc]
    form = ImageForm
    list_display = ("thumb", "filename", "owner", "openness", "format", "width", "height", "added_at")
    list_display_links = ("thumb", "filename")
    list_filter = ("openness", "format", "added_at")
    list_select_related = ("owner",)
    search_fields = ("filename", "title")
    autocomplete_fields = ("owner",)
    ordering = ("-added_at", "-pk")
    show_full_result_count = False
    fields = (
        "preview",
        *EDITABLE,
        "filename",
        "labels",
        ("format", "width", "height", "size"),
        "sha256",
        ("bucket", "key"),
        "taken_at",
        ("camera_make", "camera_model", "lens"),
        ("latitude", "longitude"),
        ("added_at", "trashed_at"),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Image | None = None) -> list[str]:
        flat = [name for row in self.fields for name in (row if isinstance(row, tuple) else (row,))]
        return [name for name in flat if name not in EDITABLE]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # a picture begins with its bytes: /upload/ or import_images

    def save_model(self, request: HttpRequest, obj: Image, form: Any, change: bool) -> None:
        library.save_settings(obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, set[str], Any]:
        """What goes along with a picture (its analyses, labels, verdicts) needs no permission of its own."""
        objects, counts, _, protected = super().get_deleted_objects(objs, request)
        return objects, counts, set(), protected

    def delete_model(self, request: HttpRequest, obj: Image) -> None:
        library.remove(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Image]) -> None:
        for image in queryset.iterator():
            library.remove(image)

    @admin.display(description="Picture")
    def thumb(self, image: Image) -> SafeString:
        return _picture(image, "thumb", height=64)

    @admin.display(description="Picture")
    def preview(self, image: Image) -> SafeString:
        page = format_html('<a href="{}">Open in the library</a>', image.get_absolute_url())
        return format_html("{}<br>{}", _picture(image, "preview", height=320), page)

    @admin.display(description="Labels")
    def labels(self, image: Image) -> SafeString | str:
        rows = ImageLabel.objects.filter(image=image).select_related("label").order_by("-confidence")
        return format_html_join(", ", "{} {} %", ((row.label.name, f"{row.percent:.1f}") for row in rows)) or "none yet"


@admin.register(UnclaimedBlob)
class UnclaimedBlobAdmin(ReadOnlyAdmin):
    list_display = ("key", "since")
    search_fields = ("key",)
    show_full_result_count = False


def _picture(image: Image, name: str, *, height: int) -> SafeString:
    source = reverse("rendition", args=[image.pk, name])
    return format_html(
        '<img src="{}?v={}" alt="" height="{}" loading="lazy">', source, image.renditions_id.hex[:8], height
    )
