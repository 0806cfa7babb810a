"""A query's parts as SQL about one picture, `d.image_id`: scalar subqueries throughout, true or false, never null.

Scalar, since the planner turns EXISTS into joins of whole label sets and then needs seconds at ten million pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from analysis.models import Image, Viewer
from analysis.search.query import (
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
from analysis.search.resolve import ResolvedQuery
from analysis.search.resolve_labels import LabelSet, traits_of
from analysis.search.sql.expressions import FALSE, TRUE, Sql, all_of, any_of, negated
from analysis.search.text_terms import in_text

FEW_LABELS = 8
"""So many labels are looked up one by one; of more, all of a picture's are read and compared."""
NEAR = 7
"""Bits of the perceptual hash in which like pictures differ at most."""
UNITS = {"day": 1, "week": 7, "month": 30, "year": 365}
COLUMNS = (
    *("filename", "title", "camera_make", "camera_model", "lens", "format", "size", "width", "height", "phash"),
    *("taken_at", "trashed_at", "latitude", "longitude", "bucket_id", "has_duplicate"),
)
"""Of a picture, what conditions ask for beside its moment, owner and visibility."""
INDEXED = {"quality": "sharpness", "brightness": "brightness", "sharpness": "sharpness", "contrast": "contrast"}
"""What ImageIndex calls the recognizer's figures."""
FORMATS = {"jpg": "jpeg", "tif": "tiff", "heif": "heic"}


def condition(node: Node, meaning: ResolvedQuery) -> Sql:
    """What must hold of `d.image_id`."""
    return _CONDITIONS[type(node)](node, meaning)


def in_index(part: Node, meaning: ResolvedQuery) -> Sql | None:
    """The same of `d.owner_id`, `d.visibility` and `d.added_at`, where these are at hand and suffice."""
    match part:
        case FieldTerm("owner", text) if owner := meaning.owners.get(text):
            return Sql("d.owner_id = %s", (owner.id,))
        case StateTerm(state) if state.upper() in Image.Visibility.__members__:
            return Sql("d.visibility = %s", (Image.Visibility[state.upper()].value,))
        case DateTerm("added") | RelativeDateTerm("added"):
            since, before = days(part, meaning.moment)
            tests = ["d.added_at >= %s"] * bool(since) + ["d.added_at < %s"] * bool(before)
            return Sql(" AND ".join(tests) or "true", tuple(bound for bound in (since, before) if bound))
    return None


def hundredths(percent: float) -> int:
    return round(percent * 100)


def days(part: DateTerm | RelativeDateTerm, moment: datetime) -> tuple[datetime | None, datetime | None]:
    """The moment from which on, and the one before which."""
    if isinstance(part, RelativeDateTerm) and part.unit in RelativeDateTerm.NAMED:
        day = moment.astimezone(UTC).date() - timedelta(days=RelativeDateTerm.NAMED.index(part.unit))
        return _midnight(day), _midnight(day + timedelta(days=1))
    if isinstance(part, RelativeDateTerm):
        return moment - timedelta(days=part.number * UNITS[part.unit]), None
    after = part.last and part.last < date.max and part.last + timedelta(days=1)
    return _midnight(part.first) if part.first else None, _midnight(after) if after else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def _carries(labels: LabelSet, *, minimum: int = 0) -> Sql:
    if not labels.ids:
        return FALSE
    return Sql(f"coalesce({_highest('confidence', labels)}, -1) >= %s", (_given(labels), minimum))


def _counted(labels: LabelSet, *, minimum: int, maximum: int | None) -> Sql:
    bound = "BETWEEN %s AND %s" if maximum is not None else ">= %s"
    bounds = (minimum,) if maximum is None else (minimum, maximum)
    if not labels.ids:
        return TRUE if minimum <= 0 else FALSE
    return Sql(f"coalesce({_highest('instance_count', labels)}, 0) {bound}", (_given(labels), *bounds))


def _highest(column: str, labels: LabelSet) -> str:
    one = "p.label_id = %s" if len(labels.ids) == 1 else "p.label_id = ANY(%s)"
    if len(labels.ids) > FEW_LABELS:
        one = "(p.label_id + 0) = ANY(%s::int[])"  # else the index would be entered once for each of them
    column = f"p.{column}" if len(labels.ids) == 1 else f"max(p.{column})"
    return f"(SELECT {column} FROM analysis_imagelabel p WHERE p.image_id = d.image_id AND {one})"  # noqa: S608


def _given(labels: LabelSet) -> int | list[int]:
    return labels.ids[0] if len(labels.ids) == 1 else list(labels.ids)


def _of_image(test: str, *values: Any) -> Sql:
    """A test of the picture's own columns, named without a table: never null."""
    asked = f"coalesce((SELECT {test} FROM analysis_image i WHERE i.id = d.image_id), false)"  # noqa: S608
    return Sql(asked, values, own=test)


def _either(node: Or, meaning: ResolvedQuery) -> Sql:
    texts = [part for part in node.parts if isinstance(part, TextTerm)]
    others = [condition(part, meaning) for part in node.parts if not isinstance(part, TextTerm)]
    return any_of([*others, in_text(texts)] if texts else others)


def _exists(rows: str, *values: Any) -> Sql:
    """`rows` has braces where the picture is compared; the alias comes first in it."""
    alias = rows.split()[1]
    found = rows.format(f"{alias}.image_id = d.image_id")
    return Sql(f"coalesce((SELECT true FROM {found} LIMIT 1), false)", values)  # noqa: S608


def face_test(face: FaceTerm) -> Sql:
    """What must hold of a row of `analysis_face f`."""
    tests, values = ["true"], list[Any]()
    if face.traits:
        tests.append("(f.attributes || f.emotions) @> %s::varchar[]")
        values.append([" ".join(word.capitalize() for word in trait.split()) for trait in face.traits])
    if face.age_low is not None:
        tests.append("f.age_high >= %s")
        values.append(face.age_low)
    if face.age_high is not None:
        tests.append("f.age_low <= %s")
        values.append(face.age_high)
    return Sql(" AND ".join(tests), tuple(values))


def _face(face: FaceTerm, meaning: ResolvedQuery) -> Sql:
    """One face has all of it; and nobody rejected any of it for the picture."""
    test = face_test(face)
    found = _exists(f"analysis_face f WHERE {{}} AND {test.text}", *test.values)
    return all_of([*(_carries(meaning.of(trait)) for trait in traits_of(face)), found])


def _matches(field: str, text: str, meaning: ResolvedQuery) -> Sql:
    match field:
        case "name":
            part = like_pattern(text)
            return _of_image("filename ILIKE %s OR title ILIKE %s", part, part)
        case "camera":
            return _of_image("concat_ws(' ', camera_make, camera_model, lens) ILIKE %s", like_pattern(text))
        case "format":
            return _of_image("format = %s", FORMATS.get(text.lower(), text.lower()))
        case "owner":
            owner = meaning.owners.get(text)
            return _of_image("owner_id = %s", owner.id) if owner else FALSE
        case "bucket":
            named = buckets_named(text, meaning.viewer)
            return _of_image(f"coalesce(bucket_id IN ({named.text}), false)", *named.values)
    raise AssertionError(field)


def buckets_named(text: str, viewer: Viewer) -> Sql:
    """The ids of buckets with this in their name: one's own, since names of others' are told to nobody."""
    named = "SELECT id FROM analysis_bucket WHERE name ILIKE %s"
    if viewer.sees_all:
        return Sql(named, (like_pattern(text),))
    return Sql(f"{named} AND owner_id = %s", (like_pattern(text), viewer.person_id))


def like_pattern(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _measured(field: str, low: float | None, high: float | None, meaning: ResolvedQuery) -> Sql:
    bounds = [(f"{{}} {sign} %s", bound) for sign, bound in ((">=", low), ("<=", high)) if bound is not None]
    test = " AND ".join(text for text, _ in bounds) or "{} IS NOT NULL"
    values = [bound for _, bound in bounds]
    if field in {"size", "width", "height"}:
        return _of_image(test.replace("{}", field), *values)
    if field == "rating":
        test = test.replace("{}", "m.rating")
        asker = meaning.viewer.person_id
        return _exists(f"analysis_rating m WHERE {{}} AND m.person_id = %s AND {test}", asker, *values)
    test = test.replace("{}", f"x.{INDEXED[field]}")
    return _exists(f"analysis_imageindex x WHERE {{}} AND {test}", *values)


def _timed(part: DateTerm | RelativeDateTerm, meaning: ResolvedQuery) -> Sql:
    since, before = days(part, meaning.moment)
    column = "added_at" if part.field == "added" else "coalesce(taken_at, added_at)"
    tests = [f"{column} >= %s"] * bool(since) + [f"{column} < %s"] * bool(before)
    return _of_image(" AND ".join(tests) or "true", *(bound for bound in (since, before) if bound))


def _is(state: str, meaning: ResolvedQuery) -> Sql:
    if state.upper() in Image.Visibility.__members__:
        return _of_image("visibility = %s", Image.Visibility[state.upper()].value)
    if state == "favorite":
        return _exists("analysis_rating m WHERE {} AND m.person_id = %s AND m.is_favorite", meaning.viewer.person_id)
    return _duplicate(meaning.viewer) if state == "duplicate" else _STATES[state]


FAILED_LAST = """
    a.state = 'failed' AND NOT EXISTS (
        SELECT FROM analysis_analysis later
        WHERE later.image_id = a.image_id AND later.api = a.api AND later.id > a.id)
"""
"""Of `analysis_analysis a`: what was asked last of this API failed."""


def _duplicate(viewer: Viewer) -> Sql:
    """The same bytes or the same perceptual hash as another picture that may be seen."""
    visible = visibility_filter(viewer, "twin")
    return Sql(
        f"""coalesce((SELECT true FROM analysis_image i JOIN analysis_image twin
            ON (twin.phash = i.phash OR twin.sha256 = i.sha256) AND twin.id <> i.id AND twin.trashed_at IS NULL
            WHERE i.id = d.image_id AND {visible.text} LIMIT 1), false)""",  # noqa: S608
        visible.values,
    )


def _by(who: str) -> Sql:
    if who == "person":
        return _exists("analysis_verdict v WHERE {} AND v.decision <> 'rejected'")
    return _exists("analysis_analysis a WHERE {} AND a.is_current AND a.recognizer = %s", who)


def _like(image_id: int, meaning: ResolvedQuery) -> Sql:
    if image_id not in meaning.hashes:
        return FALSE
    phash = meaning.hashes[image_id]
    if phash is None:
        return Sql("d.image_id = %s", (image_id,))
    return _of_image("coalesce(bit_count((phash # %s)::bit(64)) <= %s, false)", phash, NEAR)


def visibility_filter(viewer: Viewer, alias: str) -> Sql:
    """That a row which carries owner and visibility may be seen. Written out, so that indexes can be chosen by it."""
    opened = f"{alias}.visibility >= {viewer.min_visibility:d}"
    if viewer.person_id is None:
        return Sql(opened)
    return Sql(f"({alias}.owner_id = %s OR {opened})", (viewer.person_id,))


IS_TAG = "(p.label_id IN (SELECT l.id FROM analysis_label l WHERE l.kind = 'tag')) IS TRUE"
"""Of `analysis_imagelabel p`. All tags are read once for this; without the last two words each label would be."""
_STATES = {
    "untagged": negated(_exists(f"analysis_imagelabel p WHERE {{}} AND {IS_TAG}")),
    "failed": _exists(f"analysis_analysis a WHERE {{}} AND {FAILED_LAST}"),
    "pending": _exists("analysis_analysis a WHERE {} AND a.state IN ('queued', 'running')"),
    "reviewed": _exists("analysis_verdict v WHERE {}"),
    "trashed": _of_image("trashed_at IS NOT NULL"),
}
_THINGS = {
    "faces": _exists("analysis_face f WHERE {}"),
    "text": _exists("analysis_imagetext t WHERE {}"),
    "labels": _exists("analysis_imagelabel p WHERE {}"),
    "location": _of_image("latitude IS NOT NULL AND longitude IS NOT NULL"),
}
_SHAPES = {"landscape": "width > height", "portrait": "width < height", "square": "width = height"}
_CONDITIONS: dict[type, Callable[[Any, ResolvedQuery], Sql]] = {
    Not: lambda node, meaning: negated(condition(node.part, meaning)),
    And: lambda node, meaning: all_of(condition(part, meaning) for part in node.parts),
    Or: _either,
    LabelTerm: lambda node, meaning: _carries(meaning.of(node), minimum=hundredths(node.minimum)),
    CategoryTerm: lambda node, meaning: _carries(meaning.of(node)),
    CountTerm: lambda node, meaning: _counted(meaning.of(node), minimum=node.minimum, maximum=node.maximum),
    FaceTerm: _face,
    TextTerm: lambda node, _: in_text([node]),
    FieldTerm: lambda node, meaning: _matches(node.field, node.text, meaning),
    RangeTerm: lambda node, meaning: _measured(node.field, node.low, node.high, meaning),
    DateTerm: _timed,
    RelativeDateTerm: _timed,
    OrientationTerm: lambda node, _: _of_image(_SHAPES[node.shape]),
    StateTerm: lambda node, meaning: _is(node.state, meaning),
    HasTerm: lambda node, _: _THINGS[node.thing],
    SourceTerm: lambda node, _: _by(node.who),
    ModelTerm: lambda node, _: _exists(
        "analysis_analysis a WHERE {} AND a.is_current AND a.model_version = %s", node.version
    ),
    SimilarTerm: lambda node, meaning: _like(node.image_id, meaning),
}
