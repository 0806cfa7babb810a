"""Numbers within bounds: `size>5MB`, `width>=4000`, `rating:3..5`, `quality>=70`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from analysis import formatting
from analysis.search.literals import byte_range_literal, number_literal, range_literal, seconds_literal
from analysis.search.ranges import (
    F_NUMBERS,
    MILLIMETERS,
    SECONDS,
    SIZE,
    Scale,
    bounds,
    described_range,
    integer,
    percent,
)
from analysis.search.sql.conditions import exists, image_condition
from analysis.search.sql.expressions import Sql
from analysis.search.terms.base import Candidates, Resolution, Term, Value


class Measure(NamedTuple):
    """A numeric property of images: its column, its syntax and its display."""

    title: str | Promise
    scale: Scale[Any]
    table: str
    """analysis_image, analysis_imageindex, or analysis_rating for the viewer's own ratings."""
    column: str
    is_optional: bool = False
    """True if images may lack it; an index has those that have it."""
    format: Callable[[float], str] = number_literal


def _pixels(number: float) -> str:
    return formatting.count(int(number))


def _quality(title: str | Promise, field: str, column: str) -> Measure:
    return Measure(title, percent(example=f"{field}>=70"), "analysis_imageindex", column)


def _camera(
    title: str | Promise, scale: Scale[Any], column: str, form: Callable[[float], str] = number_literal
) -> Measure:
    return Measure(title, scale, "analysis_image", column, is_optional=True, format=form)


MEASURES = {
    "size": Measure(gettext_lazy("size"), SIZE, "analysis_image", "size", format=formatting.filesize),
    "width": Measure(
        gettext_lazy("width"),
        integer(example="width>=4000", minimum=0, maximum=1_000_000),
        "analysis_image",
        "width",
        format=_pixels,
    ),
    "height": Measure(
        gettext_lazy("height"),
        integer(example="height>=3000", minimum=0, maximum=1_000_000),
        "analysis_image",
        "height",
        format=_pixels,
    ),
    "iso": _camera(gettext_lazy("ISO"), integer(example="iso>=1600", minimum=1, maximum=10_000_000), "iso"),
    "aperture": _camera(gettext_lazy("aperture"), F_NUMBERS, "f_number", lambda number: f"f/{number_literal(number)}"),
    "exposure": _camera(gettext_lazy("exposure"), SECONDS, "exposure_seconds", seconds_literal),
    "focal": _camera(gettext_lazy("focal length"), MILLIMETERS, "focal_millimeters"),
    "rating": Measure(
        gettext_lazy("rating"), integer(example="rating>=4", minimum=1, maximum=5), "analysis_rating", "rating"
    ),
    "quality": _quality(gettext_lazy("quality"), "quality", "sharpness"),
    "brightness": _quality(gettext_lazy("brightness"), "brightness", "brightness"),
    "sharpness": _quality(gettext_lazy("sharpness"), "sharpness", "sharpness"),
    "contrast": _quality(gettext_lazy("contrast"), "contrast", "contrast"),
}
UNITS = {"width": " px", "height": " px", "exposure": " s", "focal": " mm"}


@dataclass(frozen=True)
class RangeTerm(Term):
    """Images with a number within bounds, both included; None is an open end.

    `size` is bytes, `width` and `height` pixels, `exposure` seconds, `aperture` an f-number, `focal` millimeters,
    `rating` the viewer's own from 1 to 5. The others are the recognizer's, from 0 to 100; `quality` is another name of
    `sharpness`.
    """

    fields: ClassVar = tuple(MEASURES)
    is_comparable = True
    field: str
    low: float | None = None
    high: float | None = None

    @classmethod
    def parse(cls, field: str, sign: str, value: Value) -> RangeTerm:
        return cls(field, *bounds(MEASURES[field].scale, sign, value.text))

    def write(self) -> str:
        if self.field == "size":
            return f"size{byte_range_literal(self.low, self.high)}"
        literal = seconds_literal if self.field == "exposure" else number_literal
        return f"{self.field}{range_literal(self.low, self.high, literal)}"

    def describe(self) -> str:
        measure, unit = MEASURES[self.field], UNITS.get(self.field, "")
        if self.low is not None and self.high is not None:
            return f"{measure.title} {described_range(self.low, self.high, measure.format)}{unit}"
        sign, bound = ("≥", self.low) if self.low is not None else ("≤", self.high or 0)
        return f"{measure.title} {sign} {measure.format(bound)}{unit}"

    @property
    def subject(self) -> object:
        return self.field

    def condition(self, resolved: Resolution) -> Sql:
        test = self._test()
        match MEASURES[self.field].table:
            case "analysis_image":
                text = f"coalesce({test.text}, false)" if MEASURES[self.field].is_optional else test.text
                return image_condition(text, *test.values)
            case "analysis_rating":
                viewer_id = resolved.viewer.user_id
                return exists(
                    f"analysis_rating m WHERE {{}} AND person_id = %s AND {test.text}", viewer_id, *test.values
                )
            case table:
                return exists(f"{table} x WHERE {{}} AND {test.text}", *test.values)

    def image_filter(self, resolved: Resolution) -> Sql | None:
        # Conditions on columns that are never null use the index without a filter.
        return self._test("i.") if MEASURES[self.field].is_optional else None

    def candidates(self, resolved: Resolution) -> Candidates | None:
        test = self._test()
        match MEASURES[self.field].table:
            case "analysis_rating":
                text = f"SELECT image_id FROM analysis_rating WHERE person_id = %s AND {test.text}"
                return Candidates(Sql(text, (resolved.viewer.user_id, *test.values)), frozenset([self]), are_few=True)
            case "analysis_imageindex":
                text = f"SELECT image_id, sort_time, owner_id, visibility FROM analysis_imageindex WHERE {test.text}"
                return Candidates(Sql(text, test.values), frozenset([self]), is_indexed=True)
        return None

    def _test(self, table: str = "") -> Sql:
        """The condition about the column, which is true, false or null."""
        column, ends = f"{table}{MEASURES[self.field].column}", ((">=", self.low), ("<=", self.high))
        tests = {f"{column} {sign} %s": bound for sign, bound in ends if bound is not None}
        return Sql(" AND ".join(tests) or f"{column} IS NOT NULL", tuple(tests.values()))
