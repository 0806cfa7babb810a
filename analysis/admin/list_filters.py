"""List filters.

Filters of the image list only show the chosen value; admin/image_query.py builds the search.
"""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.timezone import make_aware
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    BooleanRadioFilter,
    ChoicesDropdownFilter,
    DropdownFilter,
    RangeDateFilter,
    RangeNumericFilter,
    RangeNumericListFilter,
)
from unfold.utils import parse_date_str

from analysis.admin.image_query import STATES, VISIBILITY
from analysis.models import Image, ModelVersion
from analysis.search.query import SORTS, HasTerm, SourceTerm

Choices = list[tuple[str, str]]


class DisplayFilter:
    """Shows the chosen value, without filtering rows, which the search does."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset


class StateFilter(DisplayFilter, DropdownFilter):
    title, parameter_name = _("state"), "is"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [(state, gettext("in the trash") if state == "trashed" else state) for state in STATES]


class VisibilityFilter(DisplayFilter, DropdownFilter):
    title, parameter_name = _("visibility"), "visibility"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [(name, str(Image.Visibility[name.upper()].label)) for name in VISIBILITY]


class FormatFilter(DisplayFilter, DropdownFilter):
    title, parameter_name = _("format"), "format"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [(value, str(label)) for value, label in Image.Format.choices]


class RecognizerFilter(DisplayFilter, DropdownFilter):
    title, parameter_name = _("source"), "by"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [(source, source) for source in SourceTerm.SOURCES]


class HasFilter(DisplayFilter, DropdownFilter):
    title, parameter_name = _("content"), "has"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [(content, content) for content in HasTerm.FEATURES]


class SortFilter(DisplayFilter, DropdownFilter):
    title, parameter_name = _("order"), "sort"
    all_option = None

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [(sort, sort) for sort in SORTS]

    def value(self) -> str:
        return super().value() or SORTS[0]


def versions() -> Choices:
    """All model versions seen so far, which are few."""
    names = ModelVersion.objects.order_by("-last_seen_at").values_list("version", flat=True)[:100]
    return [(version, version) for version in dict.fromkeys(names)]


class ModelFilter(DisplayFilter, DropdownFilter):
    title, parameter_name = _("model version"), "model"

    # Django hides a filter without choices and then rejects its parameter, but links to it must work in an empty
    # library.
    def has_output(self) -> bool:
        return True

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return versions()


class VersionFilter(DropdownFilter):
    """For tables with a column `model_version`."""

    title, parameter_name = _("model version"), "model_version"

    def has_output(self) -> bool:
        return True

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return versions()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(model_version=self.value()) if self.value() else queryset


class ConfidenceFilter(DisplayFilter, RangeNumericListFilter):
    """Confidence in percent of the label in LabelFilter."""

    title, parameter_name = _("confidence of the label"), "confidence"


class AddedFilter(DisplayFilter, RangeDateFilter):
    pass


class _SelectedValue(AutocompleteSelectFilter):
    """One row of another table, chosen by autocomplete."""

    def expected_parameters(self) -> list[str | None]:
        return [self.lookup_kwarg]


class ChoiceFilter(DisplayFilter, _SelectedValue):
    """Ignores a value that is not a number, before its name is queried."""

    lookup_val: Any

    def __init__(self, field: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(field, request, *args, **kwargs)
        if isinstance(self.lookup_val, list):
            # Unfold queries the chosen row for its name, for which PostgreSQL raises DataError if the ID is not an
            # integer.
            self.lookup_val = [value for value in self.lookup_val if value.isascii() and value.isdecimal()]


class LabelFilter(ChoiceFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = _("label")


class DayFilter(RangeDateFilter):
    """A range of days, both included.

    Raises IncorrectLookupParameters for invalid text, which Unfold would ignore, so that the list would look filtered.
    """

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        is_moment = queryset.model._meta.get_field(self.parameter_name).get_internal_type() == "DateTimeField"
        for end, sign in (("from", "gte"), ("to", "lt")):
            text = self.used_parameters.get(f"{self.parameter_name}_{end}")
            if not text:
                continue
            day = parse_date_str(text)
            if day is None or day == date.max:
                raise IncorrectLookupParameters(f"{text} is not a date.")
            bound: date = day + timedelta(days=sign == "lt")
            if is_moment:  # not `column::date`, which cannot use the column's index
                bound = make_aware(datetime.combine(bound, time()))
            queryset = queryset.filter(**{f"{self.parameter_name}__{sign}": bound})
        return queryset


class NumberFilter(RangeNumericFilter):
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        for end, sign in (("from", "gte"), ("to", "lte")):
            text = self.used_parameters.get(f"{self.parameter_name}_{end}")
            if not text:
                continue
            try:
                bound = float(text)
            except ValueError:
                bound = math.nan
            # float() accepts "nan" and "1e400". PostgreSQL sorts NaN above all numbers, so it would match every row.
            if not math.isfinite(bound):
                raise IncorrectLookupParameters(f"{text} is not a number.")
            queryset = queryset.filter(**{f"{self.parameter_name}__{sign}": bound})
        return queryset


class RecognizerColumnFilter(DropdownFilter):
    """For tables with a column `recognizer`."""

    title, parameter_name = _("recognizer"), "recognizer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [(source, source) for source in SourceTerm.SOURCES if source not in {"person", "file"}]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(recognizer=self.value()) if self.value() else queryset


class YesOrNoFilter(DropdownFilter):
    """Yes or no. Raises IncorrectLookupParameters for anything else."""

    def value(self) -> str | None:
        text: str | None = super().value()
        if text not in {"yes", "no", "", None}:
            raise IncorrectLookupParameters(f"{text} is neither yes nor no.")
        return text


class PermanentFilter(YesOrNoFilter):
    """Filters failed analyses only, which are few and have an index of their own."""

    title, parameter_name = _("failure"), "permanent"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [("yes", gettext("Permanent")), ("no", gettext("Can be retried"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        return queryset.filter(state="failed", is_permanent=self.value() == "yes")


class MergedFilter(YesOrNoFilter):
    title, parameter_name = _("merge"), "merged"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [("yes", gettext("Merged into another label")), ("no", gettext("Not merged"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(merged_into__isnull=self.value() == "no") if self.value() else queryset


__all__ = ["AutocompleteSelectFilter", "BooleanRadioFilter", "ChoicesDropdownFilter"]
