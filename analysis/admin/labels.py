"""Admin pages of labels and their aliases."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import Count, Field, Q, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminTextInputWidget

from analysis import formatting, pipeline
from analysis.admin import display, list_filters
from analysis.admin.audited import CHANGED
from analysis.admin.base import PageAdmin, is_across
from analysis.admin.confirm import confirm_page
from analysis.admin.label_tree import label_tree
from analysis.admin.list_filters import MergedFilter
from analysis.admin.pagination import CappedChangeList
from analysis.curation import label_settings
from analysis.curation.errors import ActionRefused
from analysis.curation.label_settings import LabelUpdate
from analysis.models import Image, Label, LabelAlias, Verdict

MAX_MERGED = 100


class AliasInline(TabularInline):
    model = LabelAlias
    extra = 0

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and not isinstance(field.widget, forms.HiddenInput):
            field.widget.attrs["aria-label"] = field.label  # a column's heading is not its fields' accessible name
        return field


class LabelForm(forms.ModelForm):
    """Contains the revision it was rendered with, to detect concurrent changes."""

    revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def update(self) -> LabelUpdate:
        data = self.cleaned_data
        return LabelUpdate(
            revision=-1 if data.get("revision") is None else data["revision"],
            category=data["category"],
            is_hidden=data["is_hidden"],
            threshold=data["threshold"],
            merged_into_id=data["merged_into"].pk if data["merged_into"] else None,
        )

    def clean(self) -> dict[str, Any] | None:
        data = super().clean()
        if self.instance.pk and not self.errors:
            try:
                label_settings.validate(self.instance.pk, self.update())
            except ActionRefused as error:
                raise forms.ValidationError(str(error)) from error
        return data


def verdict_counts(label_ids: list[int]) -> dict[int, tuple[int, int]]:
    """The number of confirmations and of rejections by label id."""
    verdicts = Verdict.objects.filter(label_id__in=label_ids).values("label_id").order_by()
    counts = verdicts.annotate(
        confirmed=Count("decision", filter=Q(decision=Verdict.Decision.CONFIRMED)),
        rejected=Count("decision", filter=Q(decision=Verdict.Decision.REJECTED)),
    )
    return {
        pk: (confirmed, rejected) for pk, confirmed, rejected in counts.values_list("label_id", "confirmed", "rejected")
    }


class LabelChangeList(CappedChangeList):
    """Counts verdicts for the labels of a page; an annotation would count all."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: list[Any] = list(self.result_list)
        counts = verdict_counts([label.pk for label in self.result_list])
        for label in self.result_list:
            label.verdict_counts = counts.get(label.pk, (0, 0))


class MergeForm(forms.Form):
    into = forms.CharField(
        label=_("Merge into"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Name of the label to keep."),
    )


@admin.register(Label)
class LabelAdmin(PageAdmin):
    recorded_elsewhere = frozenset({CHANGED})
    form = LabelForm
    list_display = ("name", "kind", "category", "pictures", "precision", "threshold", "is_hidden", "merged_into_link")
    list_filter = (
        ("kind", list_filters.ChoicesDropdownFilter),
        ("is_hidden", list_filters.BooleanRadioFilter),
        MergedFilter,
    )
    list_select_related = ("merged_into",)
    search_fields = ("name",)
    search_help_text = _("Part of the name or an alias")
    autocomplete_fields = ("merged_into",)
    ordering = ("-image_count", "name")
    sortable_by = ("name",)
    inlines = (AliasInline,)
    actions = ("hide", "show", "merge")
    fieldsets = (
        (None, {"fields": (("name", "kind"), "category", "is_hidden", "threshold", "merged_into", "revision")}),
        (_("Usage"), {"fields": ("links", "precision", "tree", "merged_labels", "reindexing")}),
    )
    readonly_fields = ("links", "precision", "tree", "merged_labels", "reindexing")

    def get_readonly_fields(self, request: HttpRequest, obj: Label | None = None) -> tuple[str, ...]:
        # Read-only, since the next response would create a label with the old name again.
        return self.readonly_fields if obj is None else ("name", "kind", *self.readonly_fields)

    def get_fieldsets(self, request: HttpRequest, obj: Label | None = None) -> Any:
        return self.fieldsets if obj else ((None, {"fields": ("name", "kind", "category")}),)

    def get_inlines(self, request: HttpRequest, obj: Label | None) -> Any:
        return self.inlines if obj else ()

    def get_form(self, request: HttpRequest, obj: Label | None = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            # Not LabelForm, since a new label has no revision yet.
            kwargs["form"] = forms.ModelForm
        return super().get_form(request, obj, change, **kwargs)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return LabelChangeList

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        # Without a join with the aliases, which would need DISTINCT over all matches.
        text = search_term.replace("\x00", " ").strip()
        by_alias = LabelAlias.objects.filter(name__icontains=text).values("label")
        return (queryset.filter(Q(name__icontains=text) | Q(pk__in=by_alias)) if text else queryset), False

    def has_delete_permission(self, request: HttpRequest, obj: Label | None = None) -> bool:
        # Labels are hidden or merged instead: images refer to them, and the next response would create them again.
        return False

    def save_model(self, request: HttpRequest, obj: Label, form: Any, change: bool) -> None:
        if change:
            pipeline.change_label(obj.pk, form.update(), by_id=request.user.pk or 0)
        else:
            obj.save()

    @admin.display(description=_("Pictures"), ordering="image_count")
    def pictures(self, label: Label) -> SafeString:
        number = formatting.count(label.image_count)
        return display.rows_link(Image, number, image_labels__label__id__exact=label.pk)

    @admin.display(description=_("Precision"))
    def precision(self, label: Label) -> str:
        """The share of confirmations among the label's verdicts."""
        counts = getattr(label, "verdict_counts", None)
        confirmed, rejected = counts if counts is not None else verdict_counts([label.pk]).get(label.pk, (0, 0))
        total = confirmed + rejected
        if not total:
            return display.EMPTY
        share = f"{100 * confirmed / total:.0f} %"
        sentence = ngettext("%(share)s of %(number)s verdict", "%(share)s of %(number)s verdicts", total)
        return sentence % {"share": share, "number": formatting.count(total)}

    @admin.display(description=_("Merged into"))
    def merged_into_link(self, label: Label) -> SafeString | str:
        return display.link(label.merged_into)

    @admin.display(description=_("See also"))
    def links(self, label: Label) -> SafeString:
        pictures = display.rows_link(Image, gettext("Pictures"), image_labels__label__id__exact=label.pk)
        verdicts = display.rows_link(Verdict, gettext("Verdicts"), label__id__exact=label.pk)
        return format_html("{} · {}", pictures, verdicts)

    @admin.display(description=_("Parents and children"))
    def tree(self, label: Label) -> SafeString | str:
        return label_tree(label)

    @admin.display(description=_("Merged labels"))
    def merged_labels(self, label: Label) -> SafeString | str:
        return display.value_list(display.link(merged) for merged in label.merged.order_by("name")[:MAX_MERGED])

    @admin.display(description=_("Reindexing"))
    def reindexing(self, label: Label) -> str:
        if label.reindex_cursor is None:
            return gettext("Complete")
        return gettext("In progress, up to picture %(id)s") % {"id": label.reindex_cursor}

    @admin.action(description=_("Hide labels"), permissions=["change"])
    def hide(self, request: HttpRequest, queryset: QuerySet[Label]) -> None:
        number = _set_hidden(request, queryset, is_hidden=True)
        sentence = ngettext(
            "%(number)s label hidden. Suggestions update within a minute.",
            "%(number)s labels hidden. Suggestions update within a minute.",
            number,
        )
        messages.success(request, formatting.plural(sentence, number))

    @admin.action(description=_("Unhide labels"), permissions=["change"])
    def show(self, request: HttpRequest, queryset: QuerySet[Label]) -> None:
        number = _set_hidden(request, queryset, is_hidden=False)
        sentence = ngettext(
            "%(number)s label unhidden. Suggestions update within a minute.",
            "%(number)s labels unhidden. Suggestions update within a minute.",
            number,
        )
        messages.success(request, formatting.plural(sentence, number))

    @admin.action(description=_("Merge labels…"), permissions=["change"])
    def merge(self, request: HttpRequest, queryset: QuerySet[Label]) -> HttpResponseBase | None:
        if is_across(request):
            messages.error(request, gettext("Select labels individually to merge them."))
            return None
        form = MergeForm(request.POST if "confirmed" in request.POST else None)
        labels = list(queryset.order_by("name"))
        if not form.is_valid():
            names = ", ".join(f"“{label}”" for label in labels)
            return confirm_page(self, request, title=gettext("Merge labels"), subject=names, form=form)
        try:
            target = _merge_target(form.cleaned_data["into"], labels)
            pipeline.merge_labels(
                [label.pk for label in labels if label != target], into_id=target.pk, by_id=request.user.pk or 0
            )
            sentence = gettext("Merged into “%(label)s”. Their pictures are reindexed in the background.")
            messages.success(request, sentence % {"label": target})
        except ActionRefused as error:
            messages.error(request, str(error))
        return None


def _set_hidden(request: HttpRequest, labels: QuerySet[Label], *, is_hidden: bool) -> int:
    label_ids = list(labels.order_by().values_list("pk", flat=True))
    return label_settings.hide(label_ids, is_hidden=is_hidden, by_id=request.user.pk or 0)


def _merge_target(name: str, labels: list[Label]) -> Label:
    """The label of that name and of the same kind as the others. Raises ActionRefused."""
    label = Label.objects.filter(kind__in={label.kind for label in labels}, name__iexact=name).first()
    if label is None:
        raise ActionRefused(gettext("There is no label “%(name)s” of this kind.") % {"name": name})
    return label


@admin.register(LabelAlias)
class LabelAliasAdmin(PageAdmin):
    list_display = ("name", "label")
    list_select_related = ("label",)
    search_fields = ("name", "label__name")
    autocomplete_fields = ("label",)
