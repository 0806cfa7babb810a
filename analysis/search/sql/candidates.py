"""Sources of candidates: indexes and tables that find matches of one part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.models.images import NameTrigrams
from analysis.search.nodes import (
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
    RangeTerm,
    RelativeDateTerm,
    SimilarTerm,
    SourceTerm,
    StateTerm,
    TextTerm,
)
from analysis.search.resolve import LabelSet, ResolvedQuery, traits_of
from analysis.search.sql.conditions import (
    FORMAT_ALIASES,
    LATEST_FAILED,
    MAX_HASH_DISTANCE,
    QUALITY_COLUMNS,
    buckets_named,
    days,
    face_test,
    hundredths,
    like_pattern,
)
from analysis.search.sql.expressions import Sql, any_of
from analysis.search.sql.text_search import is_text_search, text_matches

MAX_TSQUERY_LABELS = 64
"""A term that matches more labels than this is compared as an array, not as a tsquery."""
LABEL_TSVECTOR = "array_to_tsvector({}.label_ids::text[])"


@dataclass(frozen=True)
class RequiredLabels:
    """A part that needs one of these labels; `is_all` if it needs nothing else.

    `minimum` is the confidence in hundredths of a percent.
    """

    part: Node
    labels: LabelSet
    minimum: int
    is_all: bool

    @property
    def is_covered_by_ids(self) -> bool:
        """Having one of the labels is all that the part needs."""
        return self.is_all and self.minimum == 0


def required_labels(part: Node, resolved: ResolvedQuery) -> Iterator[RequiredLabels]:
    """The labels without which a part does not match."""
    match part:
        case LabelTerm(_, _, minimum):
            yield RequiredLabels(part, resolved.label_set(part), hundredths(minimum), is_all=True)
        case CategoryTerm():
            yield RequiredLabels(part, resolved.label_set(part), 0, is_all=True)
        case CountTerm(_, minimum) if minimum > 0:
            yield RequiredLabels(part, resolved.label_set(part), 0, is_all=False)
        case FaceTerm():
            for trait in traits_of(part):
                yield RequiredLabels(part, resolved.label_set(trait), 0, is_all=False)
        case Or(parts) if all(isinstance(term, LabelTerm | CategoryTerm) for term in parts):
            label_sets = [resolved.label_set(term) for term in parts if isinstance(term, LabelTerm | CategoryTerm)]
            ids = sorted({pk for labels in label_sets for pk in labels.ids})
            image_count = sum(labels.image_count for labels in label_sets)
            is_all = all(not isinstance(term, LabelTerm) or term.minimum == 0 for term in parts)
            yield RequiredLabels(part, LabelSet(tuple(ids), image_count), 0, is_all=is_all)


def excluded_labels(part: Node, resolved: ResolvedQuery) -> LabelSet | None:
    """The labels that no match has at any confidence."""
    if not isinstance(part, Not):
        return None
    inner = part.part
    if isinstance(inner, CategoryTerm) or (isinstance(inner, LabelTerm) and inner.minimum == 0):
        labels = resolved.label_set(inner)
        return labels if labels.ids else None
    return None


@dataclass(frozen=True)
class Candidates:
    """A statement that returns image_id, and the parts that match all its images.

    `is_indexed`: it also returns added_at, owner_id and visibility, no image twice and none from the trash.
    """

    sql: Sql
    matched: frozenset[Node] = frozenset()
    is_indexed: bool = False


def selective_candidates(part: Node, resolved: ResolvedQuery) -> Candidates | None:
    """The few images in which a part may match; None for parts that are not selective."""
    select = _SELECTIVE.get(type(part))
    sql = select(part, resolved) if select else None
    if sql is None:
        return None
    # Ratings and similar images are only candidates: their bounds are still to be checked.
    is_exact = not isinstance(part, RangeTerm | SimilarTerm)
    return Candidates(sql, frozenset([part] if is_exact else []), is_indexed=is_text_search(part))


PARTIAL_INDEXES: dict[Node, str] = {
    HasTerm("location"): "i.latitude IS NOT NULL AND i.longitude IS NOT NULL",
    StateTerm("duplicate"): "i.has_duplicate",
}
"""Parts with a partial index in order of time, by its predicate."""
_FEATURE_TABLES = {"faces": "analysis_face", "text": "analysis_imagetext"}
_NAME_TRIGRAMS = NameTrigrams.template % {"expressions": "i.filename || chr(10) || i.title"}
# Texts of one or two characters are found by single characters, which the index also has.
_TEXT_TRIGRAMS = """
    (SELECT array_agg(DISTINCT substr(said.name, place, said.size)) FROM (
        SELECT lower(%s) AS name, CASE WHEN length(lower(%s)) < 3 THEN 1 ELSE 3 END AS size) said,
        generate_series(1, length(said.name) - said.size + 1) place)
"""
# A skip scan over distinct cameras, of which there are few: PostgreSQL 17 has none for DISTINCT.
_MATCHING_CAMERAS = """
    WITH RECURSIVE used AS (
        (SELECT camera_make, camera_model, lens FROM analysis_image ORDER BY 1, 2, 3 LIMIT 1)
        UNION ALL
        SELECT following.* FROM used, LATERAL (
            SELECT i.camera_make, i.camera_model, i.lens FROM analysis_image i
            WHERE (i.camera_make, i.camera_model, i.lens) > (used.camera_make, used.camera_model, used.lens)
            ORDER BY 1, 2, 3 LIMIT 1) following)
    SELECT * FROM used WHERE concat_ws(' ', camera_make, camera_model, lens) ILIKE %s
"""
# A difference of two indexes is faster than checking the labels of every image.
_UNLABELED = """
    SELECT image_id FROM analysis_imageindex WHERE label_ids = '{}'
    UNION ALL
    SELECT i.id FROM analysis_image i WHERE NOT EXISTS (SELECT FROM analysis_imageindex x WHERE x.image_id = i.id)
"""


def index_filter(part: Node, resolved: ResolvedQuery) -> Sql | None:
    """A condition about `analysis_image i` that an index answers, if there is one."""
    if not isinstance(part, Or):
        return _index_filter(part, resolved)
    if any(isinstance(term, FieldTerm) and term.field == "camera" for term in part.parts):
        return None  # within OR, PostgreSQL would run the subquery of cameras for each image
    filters = [index_filter(term, resolved) for term in part.parts]
    return any_of(sql for sql in filters if sql) if all(filters) else None


def _index_filter(part: Node, resolved: ResolvedQuery) -> Sql | None:
    match part:
        case FieldTerm("name", text) if text:
            return Sql(f"{_NAME_TRIGRAMS} @> {_TEXT_TRIGRAMS}", (text, text))
        case FieldTerm("format", text):
            return Sql("i.format = %s", (FORMAT_ALIASES.get(text.lower(), text.lower()),))
        case FieldTerm("camera", text):
            return Sql(f"(i.camera_make, i.camera_model, i.lens) IN ({_MATCHING_CAMERAS})", (like_pattern(text),))
        case FieldTerm("bucket", text):
            buckets = buckets_named(text, resolved.viewer)
            return Sql(f"i.bucket_id = ANY(ARRAY({buckets.text}))", buckets.values)
        case DateTerm("taken") | RelativeDateTerm("taken"):
            bounds = zip((">=", "<"), days(part, resolved.moment), strict=True)
            tests = {f"coalesce(i.taken_at, i.added_at) {sign} %s": bound for sign, bound in bounds if bound}
            return Sql(" AND ".join(tests), tuple(tests.values())) if tests else None
    return None


def table_candidates(part: Node) -> Candidates | None:
    """Matches of a part from another table, few or many."""
    match part:
        case SourceTerm("person"):
            text, values = "SELECT image_id FROM analysis_verdict WHERE decision <> 'rejected'", tuple[Any, ...]()
        case SourceTerm("file"):
            text, values = "SELECT image_id FROM analysis_filekeyword", ()
        case SourceTerm(recognizer):
            text, values = "SELECT image_id FROM analysis_analysis WHERE is_current AND recognizer = %s", (recognizer,)
        case ModelTerm(version):
            text, values = "SELECT image_id FROM analysis_analysis WHERE is_current AND model_version = %s", (version,)
        case StateTerm("reviewed"):
            text, values = "SELECT image_id FROM analysis_verdict", ()
        case Not(HasTerm("labels")):
            text, values = _UNLABELED, ()
        case HasTerm("faces" | "text" as feature):
            text, values = f"SELECT image_id FROM {_FEATURE_TABLES[feature]}", ()  # noqa: S608
        case RangeTerm(field, low, high) if field in QUALITY_COLUMNS:
            column, bounds = f"x.{QUALITY_COLUMNS[field]}", ((">=", low), ("<=", high))
            tests = {f"{column} {sign} %s": bound for sign, bound in bounds if bound is not None}
            test, values = " AND ".join(tests) or f"{column} IS NOT NULL", tuple(tests.values())
            text = f"SELECT x.image_id, x.added_at, x.owner_id, x.visibility FROM analysis_imageindex x WHERE {test}"  # noqa: S608
        case _:
            return None
    return Candidates(Sql(text, values), frozenset([part]), is_indexed=isinstance(part, RangeTerm))


def label_tsquery(
    required: Sequence[RequiredLabels], excluded: Mapping[Node, LabelSet]
) -> tuple[str, set[Node]] | None:
    """A tsquery over label ids, and the parts that it covers completely."""
    included = [labels for labels in required if len(labels.labels.ids) <= MAX_TSQUERY_LABELS]
    negated = {part: labels for part, labels in excluded.items() if len(labels.ids) <= MAX_TSQUERY_LABELS}
    if not included:
        return None
    terms = [_tsquery_alternatives(labels.labels) for labels in included]
    terms += [f"!{_tsquery_alternatives(labels)}" for labels in negated.values()]
    return " & ".join(terms), {labels.part for labels in included if labels.is_covered_by_ids} | set(negated)


def label_set_candidates(required: Sequence[RequiredLabels], excluded: Mapping[Node, LabelSet]) -> Candidates:
    """Images with all required and no excluded labels, by the GIN index of label ids."""
    tests, values, matched = list[str](), list[Any](), set[Node]()
    # A GIN index over int[] has no operator for "and not", so with exclusions it would read all images that have the
    # required labels. The second one, over a tsvector of the same ids, does.
    if excluded and (tsquery := label_tsquery(required, excluded)):
        tests, values, matched = [f"{LABEL_TSVECTOR.format('x')} @@ %s::tsquery"], [tsquery[0]], tsquery[1]
    elif single := [labels for labels in required if len(labels.labels.ids) == 1]:
        tests, values = ["x.label_ids @> %s::int[]"], [[labels.labels.ids[0] for labels in single]]
        matched = {labels.part for labels in single if labels.is_covered_by_ids}
    for labels in [labels for labels in required if len(labels.labels.ids) > 1 and labels.part not in matched]:
        tests, values = [*tests, "x.label_ids && %s::int[]"], [*values, list(labels.labels.ids)]
        matched |= {labels.part} if labels.is_covered_by_ids else set()
    for part, label_set in excluded.items():
        if part not in matched:
            tests, values = [*tests, "NOT x.label_ids && %s::int[]"], [*values, list(label_set.ids)]
            matched |= {part}
    columns = "x.image_id, x.added_at, x.owner_id, x.visibility"
    text = f"SELECT {columns} FROM analysis_imageindex x WHERE {' AND '.join(tests)}"  # noqa: S608
    return Candidates(Sql(text, tuple(values)), frozenset(matched), is_indexed=True)


def _tsquery_alternatives(labels: LabelSet) -> str:
    return f"({' | '.join(map(str, labels.ids))})"


def _rated(part: RangeTerm, resolved: ResolvedQuery) -> Sql | None:
    if part.field != "rating":
        return None
    text = "SELECT image_id FROM analysis_rating WHERE person_id = %s AND rating IS NOT NULL"
    return Sql(text, (resolved.viewer.person_id,))


def _in_state(part: StateTerm, resolved: ResolvedQuery) -> Sql | None:
    match part.state:
        case "favorite":
            text = "SELECT image_id FROM analysis_rating WHERE person_id = %s AND is_favorite"
            return Sql(text, (resolved.viewer.person_id,))
        case "failed":
            # States have partial indexes; in a healthy library, few analyses have failed or are pending.
            return Sql(f"SELECT a.image_id FROM analysis_analysis a WHERE {LATEST_FAILED}")  # noqa: S608
        case "pending":
            return Sql("SELECT image_id FROM analysis_analysis WHERE state IN ('queued', 'running')")
    return None


def _similar(part: SimilarTerm, resolved: ResolvedQuery) -> Sql | None:
    phash = resolved.hashes.get(part.image_id)
    if phash is None:
        return Sql("SELECT %s::bigint AS image_id", (part.image_id,))
    # If two hashes differ in at most 7 bits, one of their four quarters differs in at most one: 17 values each.
    quarters = [(phash >> 16 * index & 0xFFFF, index << 16) for index in range((MAX_HASH_DISTANCE + 1) // 2)]
    chunks = [(quarter ^ flip) + base for quarter, base in quarters for flip in (0, *(1 << bit for bit in range(16)))]
    # Both arrays hide an estimate from the planner, which expects a third of all images to match and would scan them.
    text = """
        SELECT unnest(ARRAY(
            SELECT i.id FROM (SELECT %s::int[] AS quarters OFFSET 0) near
            JOIN analysis_image i ON i.phash_chunks && near.quarters
            WHERE bit_count((i.phash # %s)::bit(64)) <= %s)) AS image_id
    """
    return Sql(text, (chunks, phash, MAX_HASH_DISTANCE))


def _face_of_age(part: FaceTerm, _: ResolvedQuery) -> Sql | None:
    if part.traits:
        return None  # traits are labels, and those have better indexes
    test = face_test(part)
    return Sql(f"SELECT f.image_id FROM analysis_face f WHERE {test.text}", test.values)  # noqa: S608


_SELECTIVE: dict[type, Callable[[Any, ResolvedQuery], Sql | None]] = {
    TextTerm: lambda part, _: text_matches([part]),
    Or: lambda part, _: text_matches(part.parts) if is_text_search(part) else None,
    RangeTerm: _rated,
    StateTerm: _in_state,
    SimilarTerm: _similar,
    FaceTerm: _face_of_age,
}
