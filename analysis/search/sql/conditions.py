"""Nodes as SQL conditions about `d.image_id` that are true or false, never null."""

# Conditions are scalar subqueries: the planner turns EXISTS into joins of complete label sets, which take seconds at
# ten million images (docs/decisions/0008-search-plans.md).

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from analysis.models import Image, Viewer
from analysis.search.nodes import (
    And,
    CategoryTerm,
    CountTerm,
    DateTerm,
    FaceTerm,
    FieldTerm,
    HasTerm,
    LabelTerm,
    ModelTerm,
    Node,
    Not,
    Or,
    OrientationTerm,
    RangeTerm,
    RelativeDateTerm,
    SimilarTerm,
    SourceTerm,
    StateTerm,
    TextTerm,
)
from analysis.search.resolve import LabelSet, ResolvedQuery, traits_of
from analysis.search.sql.expressions import EDITED_SOURCES, FALSE, TRUE, Sql, all_of, any_of, negated
from analysis.search.sql.text_search import text_condition

MAX_LABEL_LOOKUPS = 8
"""Of more labels than this, all labels of an image are read and compared."""
MAX_HASH_DISTANCE = 7
"""Bits of the perceptual hash in which similar images differ at most."""
DAYS_BY_UNIT = {"day": 1, "week": 7, "month": 30, "year": 365}
IMAGE_COLUMNS = (
    *("filename", "title", "camera_make", "camera_model", "lens", "format", "size", "width", "height", "phash"),
    *("taken_at", "trashed_at", "latitude", "longitude", "bucket_id", "has_duplicate"),
)
"""Columns of analysis_image that inline conditions read, besides added_at, owner_id and visibility."""
QUALITY_COLUMNS = {"quality": "sharpness", "brightness": "brightness", "sharpness": "sharpness", "contrast": "contrast"}
"""Columns of analysis_imageindex by field."""
FORMAT_ALIASES = {"jpg": "jpeg", "tif": "tiff", "heif": "heic"}


def condition(node: Node, resolved: ResolvedQuery) -> Sql:
    """The SQL of a node about `d.image_id`."""
    return _CONDITIONS[type(node)](node, resolved)


def index_condition(part: Node, resolved: ResolvedQuery) -> Sql | None:
    """The same with `d.owner_id`, `d.visibility` and `d.added_at` only, if possible."""
    match part:
        case FieldTerm("owner", text) if owner := resolved.owners.get(text):
            return Sql("d.owner_id = %s", (owner.id,))
        case StateTerm(state) if state.upper() in Image.Visibility.__members__:
            return Sql("d.visibility = %s", (Image.Visibility[state.upper()].value,))
        case DateTerm("added") | RelativeDateTerm("added"):
            since, before = days(part, resolved.moment)
            tests = ["d.added_at >= %s"] * bool(since) + ["d.added_at < %s"] * bool(before)
            return Sql(" AND ".join(tests) or "true", tuple(bound for bound in (since, before) if bound))
    return None


def hundredths(percent: float) -> int:
    return round(percent * 100)


def days(part: DateTerm | RelativeDateTerm, moment: datetime) -> tuple[datetime | None, datetime | None]:
    """The first moment, and the first moment after the end; None is an open end."""
    if isinstance(part, RelativeDateTerm) and part.unit in RelativeDateTerm.NAMED_DAYS:
        day = moment.astimezone(UTC).date() - timedelta(days=RelativeDateTerm.NAMED_DAYS.index(part.unit))
        return _midnight(day), _midnight(day + timedelta(days=1))
    if isinstance(part, RelativeDateTerm):
        return moment - timedelta(days=part.number * DAYS_BY_UNIT[part.unit]), None
    after = part.last and part.last < date.max and part.last + timedelta(days=1)
    return _midnight(part.first) if part.first else None, _midnight(after) if after else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def _has_label(labels: LabelSet, *, minimum: int = 0) -> Sql:
    if not labels.ids:
        return FALSE
    return Sql(f"coalesce({_highest('confidence', labels)}, -1) >= %s", (_ids_value(labels), minimum))


def _has_count(labels: LabelSet, *, minimum: int, maximum: int | None) -> Sql:
    bound = "BETWEEN %s AND %s" if maximum is not None else ">= %s"
    bounds = (minimum,) if maximum is None else (minimum, maximum)
    if not labels.ids:
        return TRUE if minimum <= 0 else FALSE
    return Sql(f"coalesce({_highest('instance_count', labels)}, 0) {bound}", (_ids_value(labels), *bounds))


def _highest(column: str, labels: LabelSet) -> str:
    test = "p.label_id = %s" if len(labels.ids) == 1 else "p.label_id = ANY(%s)"
    if len(labels.ids) > MAX_LABEL_LOOKUPS:
        # An expression keeps PostgreSQL from descending the index once for each label.
        test = "(p.label_id + 0) = ANY(%s::int[])"
    column = f"p.{column}" if len(labels.ids) == 1 else f"max(p.{column})"
    return f"(SELECT {column} FROM analysis_imagelabel p WHERE p.image_id = d.image_id AND {test})"  # noqa: S608


def _ids_value(labels: LabelSet) -> int | list[int]:
    return labels.ids[0] if len(labels.ids) == 1 else list(labels.ids)


def _image_condition(test: str, *values: Any) -> Sql:
    """A test of columns of analysis_image, which it names without a table alias."""
    text = f"coalesce((SELECT {test} FROM analysis_image i WHERE i.id = d.image_id), false)"  # noqa: S608
    return Sql(text, values, inline_text=test)


def _any_part(node: Or, resolved: ResolvedQuery) -> Sql:
    texts = [part for part in node.parts if isinstance(part, TextTerm)]
    others = [condition(part, resolved) for part in node.parts if not isinstance(part, TextTerm)]
    return any_of([*others, text_condition(texts)] if texts else others)


def _exists(rows: str, *values: Any) -> Sql:
    """`rows`: a table, its alias and a WHERE clause with `{}` for the image."""
    alias = rows.split()[1]
    source = rows.format(f"{alias}.image_id = d.image_id")
    return Sql(f"coalesce((SELECT true FROM {source} LIMIT 1), false)", values)  # noqa: S608


def face_test(face: FaceTerm) -> Sql:
    """The condition about a row of `analysis_face f`."""
    tests, values = ["true"], list[Any]()
    if face.traits:
        tests.append("(f.attributes || f.emotions) @> %s::varchar[]")
        # Rekognition's names are in title case: "Eyes Open".
        values.append([" ".join(word.capitalize() for word in trait.split()) for trait in face.traits])
    if face.age_low is not None:
        tests.append("f.age_high >= %s")
        values.append(face.age_low)
    if face.age_high is not None:
        tests.append("f.age_low <= %s")
        values.append(face.age_high)
    return Sql(" AND ".join(tests), tuple(values))


def _face(face: FaceTerm, resolved: ResolvedQuery) -> Sql:
    test = face_test(face)
    row = _exists(f"analysis_face f WHERE {{}} AND {test.text}", *test.values)
    # A rejected trait is no longer among the image's labels, but still in the row of the face.
    return all_of([*(_has_label(resolved.label_set(trait)) for trait in traits_of(face)), row])


def _field_matches(field: str, text: str, resolved: ResolvedQuery) -> Sql:
    match field:
        case "name":
            pattern = like_pattern(text)
            return _image_condition("filename ILIKE %s OR title ILIKE %s", pattern, pattern)
        case "camera":
            return _image_condition("concat_ws(' ', camera_make, camera_model, lens) ILIKE %s", like_pattern(text))
        case "format":
            return _image_condition("format = %s", FORMAT_ALIASES.get(text.lower(), text.lower()))
        case "owner":
            owner = resolved.owners.get(text)
            return _image_condition("owner_id = %s", owner.id) if owner else FALSE
        case "bucket":
            buckets = buckets_named(text, resolved.viewer)
            return _image_condition(f"coalesce(bucket_id IN ({buckets.text}), false)", *buckets.values)
    raise AssertionError(field)


def buckets_named(text: str, viewer: Viewer) -> Sql:
    """Ids of the viewer's own buckets with this text in their name."""
    # Matching the buckets of others would reveal their names.
    statement = "SELECT id FROM analysis_bucket WHERE name ILIKE %s"
    if viewer.sees_all:
        return Sql(statement, (like_pattern(text),))
    return Sql(f"{statement} AND owner_id = %s", (like_pattern(text), viewer.person_id))


def like_pattern(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _in_range(field: str, low: float | None, high: float | None, resolved: ResolvedQuery) -> Sql:
    bounds = [(f"{{}} {sign} %s", bound) for sign, bound in ((">=", low), ("<=", high)) if bound is not None]
    test = " AND ".join(text for text, _ in bounds) or "{} IS NOT NULL"
    values = [bound for _, bound in bounds]
    if field in {"size", "width", "height"}:
        return _image_condition(test.replace("{}", field), *values)
    if field == "rating":
        test = test.replace("{}", "m.rating")
        viewer_id = resolved.viewer.person_id
        return _exists(f"analysis_rating m WHERE {{}} AND m.person_id = %s AND {test}", viewer_id, *values)
    test = test.replace("{}", f"x.{QUALITY_COLUMNS[field]}")
    return _exists(f"analysis_imageindex x WHERE {{}} AND {test}", *values)


def _in_days(part: DateTerm | RelativeDateTerm, resolved: ResolvedQuery) -> Sql:
    since, before = days(part, resolved.moment)
    column = "added_at" if part.field == "added" else "coalesce(taken_at, added_at)"
    tests = [f"{column} >= %s"] * bool(since) + [f"{column} < %s"] * bool(before)
    return _image_condition(" AND ".join(tests) or "true", *(bound for bound in (since, before) if bound))


def _has_state(state: str, resolved: ResolvedQuery) -> Sql:
    if state.upper() in Image.Visibility.__members__:
        return _image_condition("visibility = %s", Image.Visibility[state.upper()].value)
    if state == "favorite":
        return _exists("analysis_rating m WHERE {} AND m.person_id = %s AND m.is_favorite", resolved.viewer.person_id)
    return _duplicate(resolved.viewer) if state == "duplicate" else _STATES[state]


LATEST_FAILED = """
    a.state = 'failed' AND NOT EXISTS (
        SELECT FROM analysis_analysis later
        WHERE later.image_id = a.image_id AND later.api = a.api AND later.id > a.id)
"""
"""The condition about `analysis_analysis a` that the latest analysis of this API failed."""


def _duplicate(viewer: Viewer) -> Sql:
    visible = visibility_filter(viewer, "twin")
    return Sql(
        f"""coalesce((SELECT true FROM analysis_image i JOIN analysis_image twin
            ON (twin.phash = i.phash OR twin.sha256 = i.sha256) AND twin.id <> i.id AND twin.trashed_at IS NULL
            WHERE i.id = d.image_id AND {visible.text} LIMIT 1), false)""",  # noqa: S608
        visible.values,
    )


def _has_source(source: str) -> Sql:
    if source not in EDITED_SOURCES:
        return _exists("analysis_analysis a WHERE {} AND a.is_current AND a.recognizer = %s", source)
    return _exists(EDITED_SOURCES[source])


def _is_similar(image_id: int, resolved: ResolvedQuery) -> Sql:
    if image_id not in resolved.hashes:
        return FALSE
    phash = resolved.hashes[image_id]
    if phash is None:
        return Sql("d.image_id = %s", (image_id,))
    return _image_condition("coalesce(bit_count((phash # %s)::bit(64)) <= %s, false)", phash, MAX_HASH_DISTANCE)


def visibility_filter(viewer: Viewer, alias: str) -> Sql:
    """The viewer may see a row with owner_id and visibility."""
    # The number is part of the text: PostgreSQL uses a partial index only for a constant that implies its predicate.
    is_open = f"{alias}.visibility >= {viewer.min_visibility:d}"
    if viewer.person_id is None:
        return Sql(is_open)
    return Sql(f"({alias}.owner_id = %s OR {is_open})", (viewer.person_id,))


IS_TAG = "(p.label_id IN (SELECT l.id FROM analysis_label l WHERE l.kind = 'tag')) IS TRUE"
"""The condition about `analysis_imagelabel p`. IS TRUE makes PostgreSQL read all tags once instead of each label."""
_STATES = {
    "untagged": negated(_exists(f"analysis_imagelabel p WHERE {{}} AND {IS_TAG}")),
    "failed": _exists(f"analysis_analysis a WHERE {{}} AND {LATEST_FAILED}"),
    "pending": _exists("analysis_analysis a WHERE {} AND a.state IN ('queued', 'running')"),
    "reviewed": _exists("analysis_verdict v WHERE {}"),
    "trashed": _image_condition("trashed_at IS NOT NULL"),
}
_FEATURES = {
    "faces": _exists("analysis_face f WHERE {}"),
    "text": _exists("analysis_imagetext t WHERE {}"),
    "labels": _exists("analysis_imagelabel p WHERE {}"),
    "location": _image_condition("latitude IS NOT NULL AND longitude IS NOT NULL"),
}
_SHAPES = {"landscape": "width > height", "portrait": "width < height", "square": "width = height"}
_CONDITIONS: dict[type, Callable[[Any, ResolvedQuery], Sql]] = {
    Not: lambda node, resolved: negated(condition(node.part, resolved)),
    And: lambda node, resolved: all_of(condition(part, resolved) for part in node.parts),
    Or: _any_part,
    LabelTerm: lambda node, resolved: _has_label(resolved.label_set(node), minimum=hundredths(node.minimum)),
    CategoryTerm: lambda node, resolved: _has_label(resolved.label_set(node)),
    CountTerm: lambda node, resolved: _has_count(resolved.label_set(node), minimum=node.minimum, maximum=node.maximum),
    FaceTerm: _face,
    TextTerm: lambda node, _: text_condition([node]),
    FieldTerm: lambda node, resolved: _field_matches(node.field, node.text, resolved),
    RangeTerm: lambda node, resolved: _in_range(node.field, node.low, node.high, resolved),
    DateTerm: _in_days,
    RelativeDateTerm: _in_days,
    OrientationTerm: lambda node, _: _image_condition(_SHAPES[node.shape]),
    StateTerm: lambda node, resolved: _has_state(node.state, resolved),
    HasTerm: lambda node, _: _FEATURES[node.feature],
    SourceTerm: lambda node, _: _has_source(node.source),
    ModelTerm: lambda node, _: _exists(
        "analysis_analysis a WHERE {} AND a.is_current AND a.model_version = %s", node.version
    ),
    SimilarTerm: lambda node, resolved: _is_similar(node.image_id, resolved),
}
