"""The fields of the search language and the values they accept."""

from __future__ import annotations

from typing import Any, Final

from analysis.search.nodes import (
    COMPARABLE_FIELDS,
    FieldTerm,
    HasTerm,
    LabelTerm,
    OrientationTerm,
    SourceTerm,
    StateTerm,
)
from analysis.search.query import SORTS
from analysis.search.syntax.ranges import SIZE, Scale, integer, percent

CHOICES: Final = {
    "is": StateTerm.STATES,
    "has": HasTerm.FEATURES,
    "by": SourceTerm.SOURCES,
    "orientation": OrientationTerm.SHAPES,
    "sort": SORTS,
}
"""Fields that accept one of a few words."""
SCALES: Final[dict[str, Scale[Any]]] = {
    "size": SIZE,
    "width": integer(example="width>=4000", minimum=0, maximum=1_000_000),
    "height": integer(example="height>=3000", minimum=0, maximum=1_000_000),
    "rating": integer(example="rating>=4", minimum=1, maximum=5),
    **{field: percent(example=f"{field}>=70") for field in ("quality", "brightness", "sharpness", "contrast")},
}
AGES: Final = integer(example="age:20..30", minimum=0, maximum=150)
INSTANCES: Final = integer(example="count(person)>=3", minimum=0, maximum=1_000_000)
CONFIDENCE: Final = percent(example="dog>=90")

FIELDS: Final = (
    *(*LabelTerm.KINDS, "category", "text", *FieldTerm.FIELDS),
    *(*COMPARABLE_FIELDS, *CHOICES, "model", "like"),
)
RELATIVE_DATES: Final = ("today", "yesterday", "last-7-days", "last-30-days", "last-1-year")
"""Values that autocomplete offers for the fields of DateTerm."""
