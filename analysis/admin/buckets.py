"""Buckets, what lies in them, and uploads on their way in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from analysis import pipeline
from analysis.admin import display, filters
from analysis.admin.base import PageAdmin, ReadOnlyAdmin
from analysis.models import Bucket, BucketObject, Image, Upload

FOUND = ("links", "trouble", "paused_until", "sync_started_at", "sync_ended_at", "sync_claimed_until", "cursor")


@admin.register(Bucket)
class BucketAdmin(PageAdmin):
    list_display = ("name", "prefix", "region", "owner", "visibility", "may_delete", "sync_ended_at", "trouble")
    list_filter = (
        ("visibility", filters.ChoicesDropdownFilter),
        ("may_delete", filters.BooleanRadioFilter),
        ("owner", filters.AutocompleteSelectFilter),
    )
    list_select_related = ("owner",)
    search_fields = ("name", "prefix")
    autocomplete_fields = ("owner",)
    ordering = ("name", "prefix")
    readonly_fields = (*FOUND, "report_shown")
    actions = ("sync",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    *("name", "prefix", "region", "owner", "visibility", "include", "exclude", "apis", "may_delete"),
                )
            },
        ),
        ("How its sync stands", {"fields": (*FOUND, "report_shown")}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Bucket | None = None) -> Any:
        return self.fieldsets if obj else self.fieldsets[:1]

    @admin.action(description="Compare with the library now (sync)", permissions=["change"])
    def sync(self, request: HttpRequest, queryset: QuerySet[Bucket]) -> None:
        for bucket_id in queryset.order_by("pk").values_list("pk", flat=True):
            pipeline.start_sync(bucket_id)
        messages.success(request, "It goes on in the background; the bucket's own page shows how it stands.")

    @admin.display(description="See also")
    def links(self, bucket: Bucket) -> SafeString | str:
        if bucket.pk is None:
            return display.EMPTY
        pictures = display.rows_link(Image, "Its pictures", bucket__id__exact=bucket.pk)
        objects = display.rows_link(BucketObject, "What was seen in it", bucket__id__exact=bucket.pk)
        return format_html("{} · {}", pictures, objects)

    @admin.display(description="Report")
    def report_shown(self, bucket: Bucket) -> SafeString | str:
        return display.json_block(bucket.report, summary="What the present or the last sync found")

    def has_delete_permission(self, request: HttpRequest, obj: Bucket | None = None) -> bool:
        """Its pictures come first."""
        allowed: Any = super().has_delete_permission(request, obj)
        return bool(allowed and (obj is None or not obj.images.exists()))


@admin.register(BucketObject)
class BucketObjectAdmin(ReadOnlyAdmin):
    list_display = ("key", "bucket", "state_shown", "size", "picture", "reason")
    list_filter = (
        ("state", filters.ChoicesDropdownFilter),
        ("bucket", filters.AutocompleteSelectFilter),
    )
    list_select_related = ("bucket", "image")
    search_fields = ("key__startswith",)
    search_help_text = "How the key begins: photos/2024/"
    ordering = ("-pk",)
    sortable_by = ()

    @display.badge("State")
    def state_shown(self, seen: BucketObject) -> tuple[str, str]:
        return seen.state, seen.get_state_display()

    @admin.display(description="Picture")
    def picture(self, seen: BucketObject) -> SafeString | str:
        return display.link(seen.image)


@admin.register(Upload)
class UploadAdmin(ReadOnlyAdmin):
    list_display = ("filename", "owner", "state_shown", "size", "issued_at", "expires_at", "picture", "reason")
    list_filter = (
        ("state", filters.ChoicesDropdownFilter),
        ("owner", filters.AutocompleteSelectFilter),
        ("issued_at", filters.DayFilter),
    )
    list_select_related = ("owner", "image")
    search_fields = ("filename__istartswith",)
    search_help_text = "How the filename begins"
    ordering = ("-issued_at",)
    sortable_by = ()

    @display.badge("State")
    def state_shown(self, ticket: Upload) -> tuple[str, str]:
        return ticket.state, ticket.get_state_display()

    @admin.display(description="Picture")
    def picture(self, ticket: Upload) -> SafeString | str:
        return display.link(ticket.image)
