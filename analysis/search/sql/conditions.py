"""SQL conditions on `d.image_id` for terms: true or false, never null."""

# Conditions are scalar subqueries: the planner turns EXISTS into joins of complete label sets, which take seconds at
# ten million images (docs/decisions/0008-search-plans.md).

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analysis.models import Viewer
from analysis.search.sql.expressions import FALSE, TRUE, Sql

MAX_LABEL_LOOKUPS = 8
"""For more labels than this, all labels of an image are read and compared."""
IMAGE_COLUMNS = (
    *("filename", "title", "camera_make", "camera_model", "lens", "format", "size", "width", "height", "phash"),
    *("added_at", "taken_at", "trashed_at", "latitude", "longitude", "bucket_id", "folder_id", "has_duplicate"),
    *("iso", "exposure_seconds", "f_number", "focal_millimeters", "place", "city"),
)
"""Columns of analysis_image that inline conditions read, besides owner_id and visibility."""


@dataclass(frozen=True)
class LabelSet:
    """Labels, and at most how many images have any of them."""

    ids: tuple[int, ...] = ()
    image_count: int = 0

    def __or__(self, other: LabelSet) -> LabelSet:
        return LabelSet(tuple(sorted({*self.ids, *other.ids})), self.image_count + other.image_count)


def image_condition(test: str, *values: Any) -> Sql:
    """A test of some IMAGE_COLUMNS, which it names without a table alias."""
    text = f"coalesce((SELECT {test} FROM analysis_image i WHERE i.id = d.image_id), false)"
    return Sql(text, values, inline_text=test)


def exists(rows: str, *values: Any) -> Sql:
    """`rows`: a table, its alias and a WHERE clause with `{}` for the image."""
    alias = rows.split()[1]
    source = rows.format(f"{alias}.image_id = d.image_id")
    return Sql(f"coalesce((SELECT true FROM {source} LIMIT 1), false)", values)


def has_label(labels: LabelSet, *, minimum: int = 0) -> Sql:
    """An image has one of the labels.

    `minimum`: confidence in hundredths of a percent.
    """
    if not labels.ids:
        return FALSE
    return Sql(f"coalesce({_highest('confidence', labels)}, -1) >= %s", (_ids_value(labels), minimum))


def has_count(labels: LabelSet, *, minimum: int, maximum: int | None) -> Sql:
    """An image has this number of instances of one of the labels."""
    bound = "BETWEEN %s AND %s" if maximum is not None else ">= %s"
    bounds = (minimum,) if maximum is None else (minimum, maximum)
    if not labels.ids:
        return TRUE if minimum <= 0 else FALSE
    return Sql(f"coalesce({_highest('instance_count', labels)}, 0) {bound}", (_ids_value(labels), *bounds))


def visibility_filter(viewer: Viewer, alias: str) -> Sql:
    """The viewer may see a row with owner_id and visibility."""
    # The number is part of the text: PostgreSQL uses a partial index only for a constant that implies its predicate.
    is_open = f"{alias}.visibility >= {viewer.min_visibility:d}"
    if viewer.user_id is None:
        return Sql(is_open)
    return Sql(f"({alias}.owner_id = %s OR {is_open})", (viewer.user_id,))


def contains(column: str, text: str, *, at_start: bool = False, at_end: bool = False) -> Sql:
    """A column has this text, without regard to case and accents."""
    # Typed % and _ are no wildcards.
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    pattern = f"{'' if at_start else '%'}{escaped}{'' if at_end else '%'}"
    return Sql(f"analysis_folded({column}) LIKE analysis_folded(%s)", (pattern,))


def hundredths(percent: float) -> int:
    return round(percent * 100)


def _highest(column: str, labels: LabelSet) -> str:
    test = "p.label_id = %s" if len(labels.ids) == 1 else "p.label_id = ANY(%s)"
    if len(labels.ids) > MAX_LABEL_LOOKUPS:
        # An expression instead of the column keeps PostgreSQL from descending the index once for each label.
        test = "(p.label_id + 0) = ANY(%s::int[])"
    column = f"p.{column}" if len(labels.ids) == 1 else f"max(p.{column})"
    return f"(SELECT {column} FROM analysis_imagelabel p WHERE p.image_id = d.image_id AND {test})"


def _ids_value(labels: LabelSet) -> int | list[int]:
    return labels.ids[0] if len(labels.ids) == 1 else list(labels.ids)
