"""Admin pages of buckets, their objects, and direct uploads."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from analysis import permissions, pipeline
from analysis.admin import display, list_filters
from analysis.admin.base import PageAdmin, ReadOnlyAdmin
from analysis.models import Analysis, Bucket, BucketObject, Image, Upload
from analysis.recognition import registry

ROLE_FIELDS = ("role_arn", "external_id")
SYNC_FIELDS = (
    "links",
    "last_error",
    "paused_until",
    "sync_started_at",
    "sync_ended_at",
    "sync_claimed_until",
    "cursor",
)


@admin.register(Bucket)
class BucketAdmin(PageAdmin):
    list_display = ("name", "prefix", "region", "owner", "visibility", "may_delete", "sync_ended_at", "last_error")
    list_filter = (
        ("visibility", list_filters.ChoicesDropdownFilter),
        ("may_delete", list_filters.BooleanRadioFilter),
        ("owner", list_filters.AutocompleteSelectFilter),
    )
    list_select_related = ("owner",)
    search_fields = ("name", "prefix")
    autocomplete_fields = ("owner",)
    ordering = ("name", "prefix")
    readonly_fields = ("external_id", *SYNC_FIELDS, "sync_report")
    actions = ("sync",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    *(
                        "name",
                        "prefix",
                        "region",
                        "role_arn",
                        "external_id",
                        "owner",
                        "visibility",
                        "include",
                        "exclude",
                        "apis",
                        "may_delete",
                        "may_tag",
                    ),
                )
            },
        ),
        (_("Sync"), {"fields": (*SYNC_FIELDS, "sync_report")}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Bucket | None = None) -> Any:
        # A new bucket has no sync to show.
        fieldsets = self.fieldsets if obj else self.fieldsets[:1]
        if permissions.can_see_bucket_roles(request.user):
            return fieldsets
        return [
            (title, {"fields": tuple(name for name in options["fields"] if name not in ROLE_FIELDS)})
            for title, options in fieldsets
        ]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        is_hidden = lookup.split(LOOKUP_SEP, maxsplit=1)[0] in ROLE_FIELDS
        if is_hidden and not permissions.can_see_bucket_roles(request.user):
            return False
        return super().lookup_allowed(lookup, value, request)

    def get_form(self, request: HttpRequest, obj: Bucket | None = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if "apis" in form.base_fields and not permissions.can_choose_apis(request.user):
            offered = {*registry.enabled_apis(), *(obj.apis if obj else ())}
            form.base_fields["apis"].base_field.choices = [
                choice for choice in Analysis.Api.choices if choice[0] in offered
            ]
        return form

    @admin.action(description=_("Sync buckets"), permissions=["change"])
    def sync(self, request: HttpRequest, queryset: QuerySet[Bucket]) -> None:
        for bucket_id in queryset.order_by("pk").values_list("pk", flat=True):
            pipeline.start_sync(bucket_id)
        messages.success(request, gettext("Sync started in the background. The bucket's page shows its progress."))

    @admin.display(description=_("See also"))
    def links(self, bucket: Bucket) -> SafeString | str:
        if bucket.pk is None:
            return display.EMPTY
        pictures = display.rows_link(Image, gettext("Pictures"), bucket__id__exact=bucket.pk)
        objects = display.rows_link(BucketObject, gettext("Objects"), bucket__id__exact=bucket.pk)
        return format_html("{} · {}", pictures, objects)

    @admin.display(description=_("Report"))
    def sync_report(self, bucket: Bucket) -> SafeString | str:
        return display.json_block(bucket.report, summary=gettext("Counts of the current or last sync"))

    def has_delete_permission(self, request: HttpRequest, obj: Bucket | None = None) -> bool:
        """False while the bucket has pictures, which have to be deleted first."""
        allowed: Any = super().has_delete_permission(request, obj)
        return bool(allowed and (obj is None or not obj.images.exists()))


@admin.register(BucketObject)
class BucketObjectAdmin(ReadOnlyAdmin):
    list_display = ("key", "bucket", "state_badge", "size", "picture", "reason")
    list_filter = (
        ("state", list_filters.ChoicesDropdownFilter),
        ("bucket", list_filters.AutocompleteSelectFilter),
    )
    list_select_related = ("bucket", "image")
    # By prefix, which with collation C is a range of the key's index; "contains" would read all objects.
    search_fields = ("key__startswith",)
    search_help_text = _("Start of the key: photos/2024/")
    ordering = ("-pk",)
    sortable_by = ()

    @display.badge(_("State"))
    def state_badge(self, bucket_object: BucketObject) -> tuple[str, str]:
        return bucket_object.state, bucket_object.get_state_display()

    @admin.display(description=_("Picture"))
    def picture(self, bucket_object: BucketObject) -> SafeString | str:
        return display.link(bucket_object.image)


@admin.register(Upload)
class UploadAdmin(ReadOnlyAdmin):
    list_display = ("filename", "owner", "state_badge", "size", "issued_at", "expires_at", "picture", "reason")
    list_filter = (
        ("state", list_filters.ChoicesDropdownFilter),
        ("owner", list_filters.AutocompleteSelectFilter),
        ("issued_at", list_filters.DayFilter),
    )
    list_select_related = ("owner", "image")
    search_fields = ("filename__istartswith",)
    search_help_text = _("Start of the file name")
    ordering = ("-issued_at",)
    sortable_by = ()

    @display.badge(_("State"))
    def state_badge(self, upload: Upload) -> tuple[str, str]:
        return upload.state, upload.get_state_display()

    @admin.display(description=_("Picture"))
    def picture(self, upload: Upload) -> SafeString | str:
        return display.link(upload.image)
