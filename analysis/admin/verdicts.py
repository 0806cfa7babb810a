"""Admin pages of verdicts."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from analysis import permissions
from analysis.admin import display, list_filters
from analysis.admin.audited import ADDED, CHANGED, DELETED
from analysis.admin.base import PageAdmin
from analysis.admin.image_search import ImageSearchMixin
from analysis.curation import verdicts
from analysis.models import Verdict


@admin.register(Verdict)
class VerdictAdmin(ImageSearchMixin, PageAdmin):
    recorded_elsewhere = frozenset({ADDED, CHANGED, DELETED})
    list_display = ("thumb", "image", "label", "decision_badge", "by", "decided_at")
    list_display_links = ("image",)
    list_filter = (
        ("decision", list_filters.ChoicesDropdownFilter),
        ("label", list_filters.AutocompleteSelectFilter),
        ("by", list_filters.AutocompleteSelectFilter),
        ("decided_at", list_filters.DayFilter),
    )
    list_select_related = ("image", "label", "by")
    autocomplete_fields = ("image", "label")
    readonly_fields = ("by", "decided_at")
    ordering = ("-pk",)
    sortable_by = ()

    @admin.display(description=_("Picture"))
    def thumb(self, verdict: Verdict) -> SafeString | str:
        return display.picture(verdict.image, height=40)

    @display.badge(_("Decision"))
    def decision_badge(self, verdict: Verdict) -> tuple[str, str]:
        return verdict.decision, verdict.get_decision_display()

    def get_readonly_fields(self, request: HttpRequest, obj: Verdict | None = None) -> tuple[str, ...]:
        return () if obj is None else ("image", "label", *self.readonly_fields)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "image":
            kwargs["queryset"] = permissions.reviewable_images(request.user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Verdict | None = None) -> tuple[str, ...]:
        """The fields, without author and date for a new verdict."""
        return ("image", "label", "decision", *(self.readonly_fields if obj else ()))

    def save_model(self, request: HttpRequest, obj: Verdict, form: Any, change: bool) -> None:
        verdict = verdicts.decide(
            obj.image_id, label_id=obj.label_id, decision=obj.decision, by_id=request.user.pk or 0
        )
        obj.pk, obj.by_id, obj.decided_at = verdict.pk, verdict.by_id, verdict.decided_at

    def delete_model(self, request: HttpRequest, obj: Verdict) -> None:
        verdicts.delete_verdict(obj, by_id=request.user.pk or 0)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Verdict]) -> None:
        for verdict in queryset.iterator():
            verdicts.delete_verdict(verdict, by_id=request.user.pk or 0)
