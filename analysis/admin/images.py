"""Admin pages of images and unclaimed blobs."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from analysis import formatting, permissions, pipeline
from analysis.admin import display, image_actions, image_rows, list_filters, reanalyze_action
from analysis.admin.audited import DELETED
from analysis.admin.base import PageAdmin, ReadOnlyAdmin
from analysis.admin.image_changelist import ImageChangeList
from analysis.admin.image_query import ANYONE, InvalidFilter, parse_search
from analysis.admin.image_rows import ImageFacts
from analysis.curation import bulk, metadata_edits
from analysis.curation.bulk import Selection
from analysis.library import images
from analysis.models import Analysis, BulkChange, Call, Image, ImageLabel, PendingBlob, Verdict
from analysis.search import results

EDITABLE = ("owner", "visibility", "title")
MAX_LABELS = 100
MAX_LISTED = 20
MAX_COMPLETIONS = 200


class ImageForm(forms.ModelForm):
    def clean(self) -> dict[str, Any] | None:
        """Check the unique constraint: one upload per owner and file."""
        data = super().clean()
        owner = self.cleaned_data.get("owner")
        is_upload = self.instance.bucket_id is None and self.instance.trashed_at is None
        # Django only checks constraints whose fields are all in the form, which sha256 is not.
        existing = is_upload and owner and images.find_active(self.instance.sha256, owner_id=owner.pk)
        if existing and existing.pk != self.instance.pk:
            raise forms.ValidationError(gettext("%(owner)s already has this picture.") % {"owner": owner})
        return data


@admin.register(Image)
class ImageAdmin(PageAdmin):
    recorded_elsewhere = frozenset({DELETED})
    form = ImageForm
    list_display = ("thumb", "name", "top_labels", "analyzed", "failures", "owner", "added_at")
    list_display_links = ("thumb", "name")
    list_filter = (
        list_filters.StateFilter,
        ("image_labels__label", list_filters.LabelFilter),
        list_filters.ConfidenceFilter,
        ("owner", list_filters.ChoiceFilter),
        ("bucket", list_filters.ChoiceFilter),
        list_filters.VisibilityFilter,
        ("added_at", list_filters.AddedFilter),
        list_filters.RecognizerFilter,
        list_filters.ModelFilter,
        list_filters.HasFilter,
        list_filters.FormatFilter,
        list_filters.SortFilter,
    )
    list_select_related = ("owner",)
    search_fields = ("filename",)  # for the search box; ImageChangeList searches with the library's engine
    search_help_text = _("Library search: dog -cat, owner:anna, is:failed …")
    autocomplete_fields = ("owner",)
    sortable_by = ()
    actions = (reanalyze_action.reanalyze, *image_actions.ACTIONS)
    fieldsets = (
        (None, {"fields": ("preview", *EDITABLE, "filename", "state")}),
        (_("Results"), {"fields": ("labels", "verdicts", "analyses", "calls")}),
        (
            _("File"),
            {
                "fields": (
                    ("format", "size"),
                    ("width", "height"),
                    "sha256",
                    ("bucket", "key"),
                    "taken",
                    ("camera_make", "camera_model"),
                    "lens",
                    ("exposure", "aperture", "iso", "focal_length"),
                    "description",
                    ("place", "creator", "copyright"),
                    ("latitude", "longitude"),
                    ("added_at", "trashed_at"),
                )
            },
        ),
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ImageChangeList

    def get_readonly_fields(self, request: HttpRequest, obj: Image | None = None) -> list[str]:
        rows = [row for _, options in self.fieldsets for row in options["fields"]]
        flat = [name for row in rows for name in (row if isinstance(row, tuple) else (row,))]
        return [name for name in flat if name not in EDITABLE]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """For autocomplete fields only; the list searches in ImageChangeList."""
        try:
            query = parse_search(search_term)
        except InvalidFilter:
            return queryset.none(), False
        ids = results.image_ids(query, viewer=ANYONE, limit=MAX_COMPLETIONS)
        return queryset.filter(pk__in=ids).order_by("-added_at", "-pk"), False

    def has_analyze_permission(self, request: HttpRequest) -> bool:
        """The permission for bulk runs over all owners, since analyses cost money."""
        return permissions.can_analyze_all_images(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # pictures are added with their file, by /upload/ or import_images

    def save_model(self, request: HttpRequest, obj: Image, form: Any, change: bool) -> None:
        if "title" in form.changed_data:
            selection = Selection(cast(AbstractBaseUser, request.user), ids=(obj.pk,), all_owners=True)
            bulk.apply(selection, BulkChange.Action.EDIT, edit=metadata_edits.text_edit(title=obj.title))
        images.save_settings(obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, set[str], Any]:
        """Skip the permission check of related rows (analyses, labels, verdicts)."""
        # The admins of related rows allow no deletion, so Django would refuse to delete any analyzed picture.
        deleted = list(objs)
        return [str(image) for image in deleted], {gettext("pictures"): len(deleted)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Image) -> None:
        pipeline.delete_now(Image.objects.filter(pk=obj.pk), by_id=request.user.pk or 0)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Image]) -> None:
        pipeline.delete_now(Image.objects.filter(pk__in=list(queryset)), by_id=request.user.pk or 0)

    @admin.display(description=_("Picture"))
    def thumb(self, image: Image) -> SafeString | str:
        return display.picture(image)

    @admin.display(description=_("Picture"))
    def preview(self, image: Image) -> SafeString:
        page = format_html('<a class="link" href="{}">{}</a>', image.get_absolute_url(), gettext("Open in library"))
        return format_html("{}<br>{}", display.picture(image, "preview", height=320), page)

    @admin.display(description=_("Name"))
    def name(self, image: Image) -> SafeString | str:
        if image.trashed_at is None:
            return image.filename
        return format_html('{} <span class="badge warning">{}</span>', image.filename, gettext("In trash"))

    # ImageMatches sets `facts` for all pictures of a page, so that rows need no queries.
    @admin.display(description=_("Labels"))
    def top_labels(self, image: Image) -> str:
        return image_rows.labels_column(getattr(image, "facts", ImageFacts()))

    @admin.display(description=_("Analyzed"))
    def analyzed(self, image: Image) -> SafeString | str:
        return image_rows.analyzed_column(getattr(image, "facts", ImageFacts()))

    @admin.display(description=_("Failures"))
    def failures(self, image: Image) -> SafeString | str:
        return image_rows.failures_column(image, getattr(image, "facts", ImageFacts()))

    @display.badge(_("State"))
    def state(self, image: Image) -> tuple[str, str]:
        return ("gone", gettext("In trash")) if image.trashed_at else ("done", gettext("In library"))

    @admin.display(description=_("Visibility"))
    def visibility(self, image: Image) -> str:
        return Image.Visibility(image.visibility).short_label

    @admin.display(description=_("Dimensions"))
    def dimensions(self, image: Image) -> str:
        return f"{image.width} × {image.height}"

    @admin.display(description=_("Taken"))
    def taken(self, image: Image) -> str:
        return formatting.taken_exact(image.taken_at, image.taken_offset) if image.taken_at else display.EMPTY

    @admin.display(description=_("Labels"))
    def labels(self, image: Image) -> SafeString | str:
        rows = ImageLabel.objects.filter(image=image).select_related("label").order_by("-confidence")[:MAX_LABELS]
        return display.value_list(display.label_text(row.label, row.percent) for row in rows)

    @admin.display(description=_("Verdicts"))
    def verdicts(self, image: Image) -> SafeString | str:
        rows = Verdict.objects.filter(image=image).select_related("label", "by").order_by("-decided_at")[:MAX_LISTED]
        return display.value_list(
            format_html("{} · {} · {}", display.link(row.label), display.link(row, row.get_decision_display()), row.by)
            for row in rows
        )

    @admin.display(description=_("Analyses, newest first"))
    def analyses(self, image: Image) -> SafeString | str:
        rows = Analysis.objects.filter(image=image).defer("answer").order_by("-pk")[:MAX_LISTED]
        return display.value_list(
            format_html("{} · {} {}", display.link(row, row.get_api_display()), row.get_state_display(), row.error_code)
            for row in rows
        )

    @admin.display(description=_("Calls, newest first"))
    def calls(self, image: Image) -> SafeString | str:
        rows = Call.objects.filter(analysis__image=image).order_by("-pk")[:MAX_LISTED]
        return display.value_list(display.link(row) for row in rows)


@admin.register(PendingBlob)
class UnclaimedBlobAdmin(ReadOnlyAdmin):
    list_display = ("key", "since")
    search_fields = ("key__startswith",)
    search_help_text = _("Start of the key")
    ordering = ("-pk",)
