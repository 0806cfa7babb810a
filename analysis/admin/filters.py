"""List filters. Filters on images only show the choice; admin/image_query.py turns it into a search."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.timezone import make_aware
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
    """Shows what is chosen and leaves the rows to the search."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset


class StateFilter(DisplayFilter, DropdownFilter):  # type: ignore[misc]
    title, parameter_name = "state", "is"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [(state, "in the trash" if state == "trashed" else state) for state in STATES]


class VisibilityFilter(DisplayFilter, DropdownFilter):  # type: ignore[misc]
    title, parameter_name = "visibility", "visibility"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [(name, name.capitalize()) for name in VISIBILITY]


class FormatFilter(DisplayFilter, DropdownFilter):  # type: ignore[misc]
    title, parameter_name = "format", "format"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [(value, str(label)) for value, label in Image.Format.choices]


class RecognizerFilter(DisplayFilter, DropdownFilter):  # type: ignore[misc]
    title, parameter_name = "recognizer", "by"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [(who, who) for who in SourceTerm.SOURCES]


class HasFilter(DisplayFilter, DropdownFilter):  # type: ignore[misc]
    title, parameter_name = "what was found", "has"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [(thing, thing) for thing in HasTerm.FEATURES]


class SortFilter(DisplayFilter, DropdownFilter):  # type: ignore[misc]
    title, parameter_name = "order", "sort"
    all_option = None

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [(sort, sort) for sort in SORTS]

    def value(self) -> str:
        return super().value() or SORTS[0]


def versions() -> Choices:
    """Those that ever answered; a handful."""
    seen = ModelVersion.objects.order_by("-last_seen_at").values_list("version", flat=True)[:100]
    return [(version, version) for version in dict.fromkeys(seen)]


class ModelFilter(DisplayFilter, DropdownFilter):  # type: ignore[misc]
    title, parameter_name = "model version", "model"

    def has_output(self) -> bool:
        return True

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return versions()


class VersionFilter(DropdownFilter):  # type: ignore[misc]
    """Of a table that has the version itself."""

    title, parameter_name = "model version", "model_version"

    def has_output(self) -> bool:
        return True

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return versions()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(model_version=self.value()) if self.value() else queryset


class ConfidenceFilter(DisplayFilter, RangeNumericListFilter):  # type: ignore[misc]
    """Percent, of the label chosen."""

    title, parameter_name = "its confidence", "confidence"


class AddedFilter(DisplayFilter, RangeDateFilter):  # type: ignore[misc]
    pass


class _SelectedValue(AutocompleteSelectFilter):  # type: ignore[misc]
    """One of many, found by typing: no list of all of them is ever made."""

    def expected_parameters(self) -> list[str | None]:
        return [self.lookup_kwarg]


class ChoiceFilter(DisplayFilter, _SelectedValue):
    """A number that is none is not looked up for its name."""

    lookup_val: Any

    def __init__(self, field: Any, request: HttpRequest, *rest: Any, **named: Any) -> None:
        super().__init__(field, request, *rest, **named)
        if isinstance(self.lookup_val, list):
            self.lookup_val = [each for each in self.lookup_val if each.isascii() and each.isdecimal()]


class LabelFilter(ChoiceFilter):
    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.title = "label"


class DayFilter(RangeDateFilter):  # type: ignore[misc]
    """Days, both included; a day that is none is not passed over in silence."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        is_moment = queryset.model._meta.get_field(self.parameter_name).get_internal_type() == "DateTimeField"
        for end, sign in (("from", "gte"), ("to", "lt")):
            text = self.used_parameters.get(f"{self.parameter_name}_{end}")
            if not text:
                continue
            day = parse_date_str(text)
            if day is None or day == date.max:
                raise IncorrectLookupParameters(f"{text} is no day.")
            bound: date = day + timedelta(days=sign == "lt")
            if is_moment:  # as a moment, since no index knows the day of one
                bound = make_aware(datetime.combine(bound, time()))
            queryset = queryset.filter(**{f"{self.parameter_name}__{sign}": bound})
        return queryset


class NumberFilter(RangeNumericFilter):  # type: ignore[misc]
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        for end, sign in (("from", "gte"), ("to", "lte")):
            text = self.used_parameters.get(f"{self.parameter_name}_{end}")
            if not text:
                continue
            try:
                bound = float(text)
            except ValueError:
                bound = math.nan
            if not math.isfinite(bound):
                raise IncorrectLookupParameters(f"{text} is no number.")
            queryset = queryset.filter(**{f"{self.parameter_name}__{sign}": bound})
        return queryset


class RecognizerColumnFilter(DropdownFilter):  # type: ignore[misc]
    """Of a table that has the recognizer itself."""

    title, parameter_name = "recognizer", "recognizer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [(who, who) for who in SourceTerm.SOURCES if who != "person"]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(recognizer=self.value()) if self.value() else queryset


class YesOrNoFilter(DropdownFilter):  # type: ignore[misc]
    """What is neither is not taken for one of them."""

    def value(self) -> str | None:
        said: str | None = super().value()
        if said not in {"yes", "no", "", None}:
            raise IncorrectLookupParameters(f"{said} is neither yes nor no.")
        return said


class PermanentFilter(YesOrNoFilter):
    """Among those that failed alone, which are few."""

    title, parameter_name = "whether it would fail again", "permanent"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [("yes", "For good"), ("no", "May be retried")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        return queryset.filter(state="failed", is_permanent=self.value() == "yes")


class MergedFilter(YesOrNoFilter):
    title, parameter_name = "whether merged", "merged"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [("yes", "Merged into another"), ("no", "Standing for itself")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(merged_into__isnull=self.value() == "no") if self.value() else queryset


__all__ = ["AutocompleteSelectFilter", "BooleanRadioFilter", "ChoicesDropdownFilter"]
