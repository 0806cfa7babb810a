"""Pictures and stray blobs in the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from analysis import formatting, permissions
from analysis.admin import display, filters, image_actions, reanalyze_action
from analysis.admin.base import PageAdmin, ReadOnlyAdmin
from analysis.admin.image_changelist import ImageChangeList
from analysis.admin.image_query import ANYONE
from analysis.library import images
from analysis.models import Analysis, Call, Image, ImageLabel, PendingBlob, Verdict
from analysis.search import results
from analysis.search.syntax.parser import InvalidQuery, parse

EDITABLE = ("owner", "visibility", "title")
MOST_LISTED = 20
MOST_COMPLETED = 200
SEARCH_HELP = "As in the library: dog -cat, owner:anna, is:failed …"


class ImageForm(forms.ModelForm):  # type: ignore[type-arg]
    def clean(self) -> dict[str, Any] | None:
        """The same bytes once for each person: the constraint, in words."""
        said = super().clean()
        owner = self.cleaned_data.get("owner")
        is_upload = self.instance.bucket_id is None and self.instance.trashed_at is None
        known = is_upload and owner and images.find_active(self.instance.sha256, owner_id=owner.pk)
        if known and known.pk != self.instance.pk:
            raise forms.ValidationError(f"{owner} has this picture already.")
        return said


@admin.register(Image)
class ImageAdmin(PageAdmin):
    form = ImageForm
    list_display = ("thumb", "filename", "state", "owner", "visibility", "format", "extent", "bucket", "added_at")
    list_display_links = ("thumb", "filename")
    list_filter = (
        filters.StateFilter,
        ("image_labels__label", filters.LabelFilter),
        filters.ConfidenceFilter,
        ("owner", filters.ChoiceFilter),
        ("bucket", filters.ChoiceFilter),
        filters.VisibilityFilter,
        ("added_at", filters.AddedFilter),
        filters.RecognizerFilter,
        filters.ModelFilter,
        filters.HasFilter,
        filters.FormatFilter,
        filters.SortFilter,
    )
    list_select_related = ("owner", "bucket")
    search_fields = ("filename",)  # the box is shown where there are any; what it finds, the library's search says
    search_help_text = SEARCH_HELP
    autocomplete_fields = ("owner",)
    sortable_by = ()
    actions = (reanalyze_action.analyze_again, *image_actions.ACTIONS)
    fieldsets = (
        (None, {"fields": ("preview", *EDITABLE, "filename", "state")}),
        ("What was found", {"fields": ("labels", "verdicts", "analyses", "calls")}),
        (
            "The file",
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
        """For fields that complete a picture; the list itself is a search as a whole."""
        try:
            query = parse(search_term.replace("\x00", " "))
        except InvalidQuery:
            return queryset.none(), False
        ids = results.image_ids(query, viewer=ANYONE, limit=MOST_COMPLETED)
        return queryset.filter(pk__in=ids).order_by("-added_at", "-pk"), False

    def has_ask_permission(self, request: HttpRequest) -> bool:
        """Asking costs money: whoever may start a batch about everybody's pictures may ask."""
        return permissions.can_analyze_all_images(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # a picture begins with its bytes: /upload/ or import_images

    def save_model(self, request: HttpRequest, obj: Image, form: Any, change: bool) -> None:
        images.save_settings(obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, set[str], Any]:
        """What goes along with a picture (its analyses, labels, verdicts) needs no permission of its own."""
        chosen = list(objs)
        return [str(each) for each in chosen], {"pictures": len(chosen)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Image) -> None:
        images.remove(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Image]) -> None:
        for image in queryset.iterator():
            images.remove(image)

    @admin.display(description="Picture")
    def thumb(self, image: Image) -> SafeString | str:
        return display.picture(image)

    @admin.display(description="Picture")
    def preview(self, image: Image) -> SafeString:
        page = format_html('<a class="link" href="{}">Open in the library</a>', image.get_absolute_url())
        return format_html("{}<br>{}", display.picture(image, "preview", height=320), page)

    @display.badge("State")
    def state(self, image: Image) -> tuple[str, str]:
        return ("gone", "In the trash") if image.trashed_at else ("done", "In the library")

    @admin.display(description="Visibility")
    def visibility(self, image: Image) -> str:
        return Image.Visibility(image.visibility).short_label

    @admin.display(description="Pixels")
    def extent(self, image: Image) -> str:
        return f"{image.width} × {image.height}"

    @admin.display(description="Taken")
    def taken(self, image: Image) -> str:
        return formatting.taken_exact(image.taken_at, image.taken_offset) if image.taken_at else display.EMPTY

    @admin.display(description="Labels")
    def labels(self, image: Image) -> SafeString | str:
        rows = ImageLabel.objects.filter(image=image).select_related("label").order_by("-confidence")[:100]
        found = [format_html("{} {} %", display.link(row.label), f"{row.percent:.1f}") for row in rows]
        return display.comma_list(found) if found else "none yet"

    @admin.display(description="What people said")
    def verdicts(self, image: Image) -> SafeString | str:
        rows = Verdict.objects.filter(image=image).select_related("label", "by").order_by("-decided_at")[:MOST_LISTED]
        found = [format_html("{} by {}", display.link(row, f"{row.label} {row.decision}"), row.by) for row in rows]
        return display.comma_list(found) if found else display.EMPTY

    @admin.display(description="Analyses, newest first")
    def analyses(self, image: Image) -> SafeString | str:
        rows = Analysis.objects.filter(image=image).defer("answer").order_by("-pk")[:MOST_LISTED]
        found = [
            format_html("{} · {} {}", display.link(row, row.get_api_display()), row.get_state_display(), row.error_code)
            for row in rows
        ]
        return display.comma_list(found) if found else display.EMPTY

    @admin.display(description="Calls, newest first")
    def calls(self, image: Image) -> SafeString | str:
        rows = Call.objects.filter(analysis__image=image).order_by("-pk")[:MOST_LISTED]
        found = [display.link(row) for row in rows]
        return display.comma_list(found) if found else display.EMPTY


@admin.register(PendingBlob)
class UnclaimedBlobAdmin(ReadOnlyAdmin):
    list_display = ("key", "since")
    search_fields = ("key__startswith",)
    search_help_text = "How the key begins"
    ordering = ("-pk",)
