"""Labels and their aliases in the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminTextInputWidget

from analysis import pipeline
from analysis.admin import display, filters
from analysis.admin.base import PageAdmin, is_across
from analysis.admin.confirm import confirm_page
from analysis.admin.filters import MergedFilter
from analysis.admin.label_tree import label_tree
from analysis.admin.pagination import CappedChangeList
from analysis.curation import label_admin
from analysis.curation.errors import ActionRefused
from analysis.curation.label_admin import LabelUpdate
from analysis.models import Image, Label, LabelAlias, Verdict


class AliasInline(TabularInline):  # type: ignore[misc]
    model = LabelAlias
    extra = 0


class LabelForm(forms.ModelForm):  # type: ignore[type-arg]
    """Carries the revision that was looked at, so that nobody's change is overwritten."""

    revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def wanted(self) -> LabelUpdate:
        said = self.cleaned_data
        return LabelUpdate(
            revision=-1 if said.get("revision") is None else said["revision"],
            category=said["category"],
            is_hidden=said["is_hidden"],
            threshold=said["threshold"],
            merged_into_id=said["merged_into"].pk if said["merged_into"] else None,
        )

    def clean(self) -> dict[str, Any] | None:
        said = super().clean()
        if self.instance.pk and not self.errors:
            try:
                label_admin.validate(self.instance.pk, self.wanted())
            except ActionRefused as refusal:
                raise forms.ValidationError(str(refusal)) from refusal
        return said


def judged_of(label_ids: list[int]) -> dict[int, tuple[int, int]]:
    """How often people confirmed each label, and how often they rejected it."""
    said = Verdict.objects.filter(label_id__in=label_ids).values("label_id").order_by()
    counted = said.annotate(
        confirmed=Count("decision", filter=Q(decision=Verdict.Decision.CONFIRMED)),
        rejected=Count("decision", filter=Q(decision=Verdict.Decision.REJECTED)),
    )
    return {
        pk: (confirmed, rejected)
        for pk, confirmed, rejected in counted.values_list("label_id", "confirmed", "rejected")
    }


class LabelList(CappedChangeList):
    """Judged are the labels of one page, not all of them before it."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: list[Any] = list(self.result_list)
        judged = judged_of([label.pk for label in self.result_list])
        for label in self.result_list:
            label.judgments = judged.get(label.pk, (0, 0))


class MergeForm(forms.Form):
    into = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget, help_text="The name of the one to stay.")


@admin.register(Label)
class LabelAdmin(PageAdmin):
    form = LabelForm
    list_display = ("name", "kind", "category", "pictures", "precision", "threshold", "is_hidden", "into")
    list_filter = (
        ("kind", filters.ChoicesDropdownFilter),
        ("is_hidden", filters.BooleanRadioFilter),
        MergedFilter,
    )
    list_select_related = ("merged_into",)
    search_fields = ("name",)
    search_help_text = "A part of its name or of another name of it"
    autocomplete_fields = ("merged_into",)
    ordering = ("-image_count", "name")
    sortable_by = ("name",)
    inlines = (AliasInline,)
    actions = ("hide", "show", "merge")
    fieldsets = (
        (None, {"fields": (("name", "kind"), "category", "is_hidden", "threshold", "merged_into", "revision")}),
        ("What there is of it", {"fields": ("links", "precision", "tree", "stands_for", "progress")}),
    )
    readonly_fields = ("links", "precision", "tree", "stands_for", "progress")

    def get_readonly_fields(self, request: HttpRequest, obj: Label | None = None) -> tuple[str, ...]:
        """A name is the recognizer's own: another would be a new label with the next answer."""
        return self.readonly_fields if obj is None else ("name", "kind", *self.readonly_fields)

    def get_fieldsets(self, request: HttpRequest, obj: Label | None = None) -> Any:
        return self.fieldsets if obj else ((None, {"fields": ("name", "kind", "category")}),)

    def get_inlines(self, request: HttpRequest, obj: Label | None) -> Any:
        return self.inlines if obj else ()

    def get_form(self, request: HttpRequest, obj: Label | None = None, change: bool = False, **named: Any) -> Any:
        if obj is None:
            named["form"] = forms.ModelForm
        return super().get_form(request, obj, change, **named)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return LabelList

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Not by a join: all labels found would be told apart, with their verdicts, before the first is shown."""
        text = search_term.replace("\x00", " ").strip()
        named = LabelAlias.objects.filter(name__icontains=text).values("label")
        return (queryset.filter(Q(name__icontains=text) | Q(pk__in=named)) if text else queryset), False

    def has_delete_permission(self, request: HttpRequest, obj: Label | None = None) -> bool:
        return False  # pictures and answers name it; hiding it or merging it is what is meant

    def save_model(self, request: HttpRequest, obj: Label, form: Any, change: bool) -> None:
        if change:
            pipeline.change_label(obj.pk, form.wanted())
        else:
            obj.save()

    @admin.display(description="Pictures", ordering="image_count")
    def pictures(self, label: Label) -> SafeString:
        return display.rows_link(Image, f"{label.image_count:,}", image_labels__label__id__exact=label.pk)

    @admin.display(description="Precision")
    def precision(self, label: Label) -> str:
        """Of what people confirmed or rejected, how much was right."""
        judgments = getattr(label, "judgments", None)
        confirmed, rejected = judgments if judgments is not None else judged_of([label.pk]).get(label.pk, (0, 0))
        judged = confirmed + rejected
        return f"{100 * confirmed / judged:.0f} % of {judged:,}" if judged else display.EMPTY

    @admin.display(description="Merged into")
    def into(self, label: Label) -> SafeString | str:
        return display.link(label.merged_into)

    @admin.display(description="See also")
    def links(self, label: Label) -> SafeString:
        pictures = display.rows_link(Image, "Its pictures", image_labels__label__id__exact=label.pk)
        said = display.rows_link(Verdict, "What people said of it", label__id__exact=label.pk)
        return format_html("{} · {}", pictures, said)

    @admin.display(description="Ancestors and descendants")
    def tree(self, label: Label) -> SafeString | str:
        return label_tree(label)

    @admin.display(description="Stands for")
    def stands_for(self, label: Label) -> SafeString | str:
        merged = [display.link(each) for each in label.merged.order_by("name")[:100]]
        return display.comma_list(merged) if merged else display.EMPTY

    @admin.display(description="Pictures follow")
    def progress(self, label: Label) -> str:
        if label.reindex_cursor is None:
            return "all of them do"
        return f"in the background; those up to number {label.reindex_cursor:,} do"

    @admin.action(description="Hide", permissions=["change"])
    def hide(self, request: HttpRequest, queryset: QuerySet[Label]) -> None:
        _hide(request, queryset, is_hidden=True)

    @admin.action(description="Show again", permissions=["change"])
    def show(self, request: HttpRequest, queryset: QuerySet[Label]) -> None:
        _hide(request, queryset, is_hidden=False)

    @admin.action(description="Merge into another…", permissions=["change"])
    def merge(self, request: HttpRequest, queryset: QuerySet[Label]) -> HttpResponseBase | None:
        if is_across(request):
            messages.error(request, "Labels are merged by their ticks, not all of a list at once.")
            return None
        form = MergeForm(request.POST if "confirmed" in request.POST else None)
        labels = list(queryset.order_by("name"))
        if not form.is_valid():
            names = ", ".join(f"“{label}”" for label in labels)
            return confirm_page(self, request, title="Merge into another", meant=names, form=form)
        try:
            into = _named(form.cleaned_data["into"], labels)
            pipeline.merge_labels([label.pk for label in labels if label != into], into_id=into.pk)
            messages.success(request, f"“{into}” stands for them; their pictures follow in the background.")
        except ActionRefused as refusal:
            messages.error(request, str(refusal))
        return None


def _hide(request: HttpRequest, labels: QuerySet[Label], *, is_hidden: bool) -> None:
    number = label_admin.hide(list(labels.order_by().values_list("pk", flat=True)), is_hidden=is_hidden)
    messages.success(request, f"{number:,} {'hidden' if is_hidden else 'shown again'}; completion follows in a minute.")


def _named(name: str, labels: list[Label]) -> Label:
    """Of the same kind as those that are ticked. Raises Refused."""
    found = Label.objects.filter(kind__in={label.kind for label in labels}, name__iexact=name).first()
    if found is None:
        raise ActionRefused(f"No label of this kind is called “{name}”.")
    return found


@admin.register(LabelAlias)
class LabelAliasAdmin(PageAdmin):
    list_display = ("name", "label")
    list_select_related = ("label",)
    search_fields = ("name", "label__name")
    autocomplete_fields = ("label",)
