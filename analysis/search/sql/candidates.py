"""What a part of a query is good for in finding pictures, rather than in judging one that was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.models.images import NameTrigrams
from analysis.search.query import (
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
from analysis.search.resolve import ResolvedQuery
from analysis.search.resolve_labels import LabelSet, traits_of
from analysis.search.sql.conditions import (
    FAILED_LAST,
    FORMATS,
    INDEXED,
    NEAR,
    buckets_named,
    days,
    face_test,
    hundredths,
    like_pattern,
)
from analysis.search.sql.expressions import Sql, any_of
from analysis.search.text_terms import is_of_texts, with_text

MOST_WORDS = 64
"""A word that means more labels than this is compared as a whole set."""
WORDS = "array_to_tsvector({}.label_ids::text[])"


@dataclass(frozen=True)
class RequiredLabels:
    """A part that needs one of these labels; `is_all` when it needs nothing else."""

    part: Node
    labels: LabelSet
    minimum: int
    is_all: bool


def required_labels(part: Node, meaning: ResolvedQuery) -> Iterator[RequiredLabels]:
    """The labels without which a part does not hold."""
    match part:
        case LabelTerm(_, _, minimum):
            yield RequiredLabels(part, meaning.of(part), hundredths(minimum), is_all=True)
        case CategoryTerm():
            yield RequiredLabels(part, meaning.of(part), 0, is_all=True)
        case CountTerm(_, at_least) if at_least > 0:
            yield RequiredLabels(part, meaning.of(part), 0, is_all=False)
        case FaceTerm():
            for trait in traits_of(part):
                yield RequiredLabels(part, meaning.of(trait), 0, is_all=False)
        case Or(parts) if all(isinstance(each, LabelTerm | CategoryTerm) for each in parts):
            every = [meaning.of(each) for each in parts if isinstance(each, LabelTerm | CategoryTerm)]
            ids = sorted({pk for labels in every for pk in labels.ids})
            is_all = all(not isinstance(each, LabelTerm) or each.minimum == 0 for each in parts)
            yield RequiredLabels(
                part, LabelSet(tuple(ids), sum(labels.image_count for labels in every)), 0, is_all=is_all
            )


def excluded_labels(part: Node, meaning: ResolvedQuery) -> LabelSet | None:
    """Labels that no hit carries, whatever the confidence."""
    if not isinstance(part, Not):
        return None
    inner = part.part
    if isinstance(inner, CategoryTerm) or (isinstance(inner, LabelTerm) and inner.minimum == 0):
        labels = meaning.of(inner)
        return labels if labels.ids else None
    return None


@dataclass(frozen=True)
class Candidates:
    """A statement giving ids of pictures; the parts of the query that hold of all of them.

    `is_indexed`: it gives added_at, owner_id and visibility as well, and no picture twice or from the trash.
    """

    sql: Sql
    answered: frozenset[Node] = frozenset()
    is_indexed: bool = False


def candidates(part: Node, meaning: ResolvedQuery) -> Candidates | None:
    """The few pictures of which a part may hold."""
    select = _SELECTORS.get(type(part))
    sql = select(part, meaning) if select else None
    if sql is None:
        return None
    is_exact = not isinstance(part, RangeTerm | SimilarTerm)
    return Candidates(sql, frozenset([part] if is_exact else []), is_indexed=is_of_texts(part))


SEPARATE_INDEXES: dict[Node, str] = {
    HasTerm("location"): "i.latitude IS NOT NULL AND i.longitude IS NOT NULL",
    StateTerm("duplicate"): "i.has_duplicate",
}
"""Parts that only pictures of an index of their own can meet, in the order of time."""
_FOUND_IN = {"faces": "analysis_face", "text": "analysis_imagetext"}
_PIECES = NameTrigrams.template % {"expressions": "i.filename || chr(10) || i.title"}
_WANTED = """
    (SELECT array_agg(DISTINCT substr(said.name, place, said.size)) FROM (
        SELECT lower(%s) AS name, CASE WHEN length(lower(%s)) < 3 THEN 1 ELSE 3 END AS size) said,
        generate_series(1, length(said.name) - said.size + 1) place)
"""


_CAMERAS = """
    WITH RECURSIVE used AS (
        (SELECT camera_make, camera_model, lens FROM analysis_image ORDER BY 1, 2, 3 LIMIT 1)
        UNION ALL
        SELECT following.* FROM used, LATERAL (
            SELECT i.camera_make, i.camera_model, i.lens FROM analysis_image i
            WHERE (i.camera_make, i.camera_model, i.lens) > (used.camera_make, used.camera_model, used.lens)
            ORDER BY 1, 2, 3 LIMIT 1) following)
    SELECT * FROM used WHERE concat_ws(' ', camera_make, camera_model, lens) ILIKE %s
"""


_UNLABELED = """
    SELECT image_id FROM analysis_imageindex WHERE label_ids = '{}'
    UNION ALL
    SELECT i.id FROM analysis_image i WHERE NOT EXISTS (SELECT FROM analysis_imageindex x WHERE x.image_id = i.id)
"""
"""Two indexes held against each other, rather than every picture asked for its labels."""


def index_filter(part: Node, meaning: ResolvedQuery) -> Sql | None:
    """What indexes tell of the pictures `i` of which a part may hold, be they few or many."""
    if not isinstance(part, Or):
        return _narrowed(part, meaning)
    if any(isinstance(each, FieldTerm) and each.field == "camera" for each in part.parts):
        return None  # which cameras are meant would be asked of each picture
    either = [index_filter(each, meaning) for each in part.parts]
    return any_of(each for each in either if each) if all(either) else None


def _narrowed(part: Node, meaning: ResolvedQuery) -> Sql | None:
    match part:
        case FieldTerm("name", text) if text:
            return Sql(f"{_PIECES} @> {_WANTED}", (text, text))
        case FieldTerm("format", text):
            return Sql("i.format = %s", (FORMATS.get(text.lower(), text.lower()),))
        case FieldTerm("camera", text):
            return Sql(f"(i.camera_make, i.camera_model, i.lens) IN ({_CAMERAS})", (like_pattern(text),))
        case FieldTerm("bucket", text):
            named = buckets_named(text, meaning.viewer)
            return Sql(f"i.bucket_id = ANY(ARRAY({named.text}))", named.values)
        case DateTerm("taken") | RelativeDateTerm("taken"):
            bounds = zip((">=", "<"), days(part, meaning.moment), strict=True)
            given = {f"coalesce(i.taken_at, i.added_at) {sign} %s": bound for sign, bound in bounds if bound}
            return Sql(" AND ".join(given), tuple(given.values())) if given else None
    return None


def table_candidates(part: Node) -> Candidates | None:
    """The pictures of which a part holds, few or many, from another table that is read faster than all are asked."""
    match part:
        case SourceTerm("person"):
            text, values = "SELECT image_id FROM analysis_verdict WHERE decision <> 'rejected'", tuple[Any, ...]()
        case SourceTerm(who):
            text, values = "SELECT image_id FROM analysis_analysis WHERE is_current AND recognizer = %s", (who,)
        case ModelTerm(version):
            text, values = "SELECT image_id FROM analysis_analysis WHERE is_current AND model_version = %s", (version,)
        case StateTerm("reviewed"):
            text, values = "SELECT image_id FROM analysis_verdict", ()
        case Not(HasTerm("labels")):
            text, values = _UNLABELED, ()
        case HasTerm("faces" | "text" as thing):
            text, values = f"SELECT image_id FROM {_FOUND_IN[thing]}", ()  # noqa: S608
        case RangeTerm(field, low, high) if field in INDEXED:
            column, bounds = f"x.{INDEXED[field]}", ((">=", low), ("<=", high))
            given = {f"{column} {sign} %s": bound for sign, bound in bounds if bound is not None}
            tests, values = " AND ".join(given) or f"{column} IS NOT NULL", tuple(given.values())
            text = f"SELECT x.image_id, x.added_at, x.owner_id, x.visibility FROM analysis_imageindex x WHERE {tests}"  # noqa: S608
        case _:
            return None
    return Candidates(Sql(text, values), frozenset([part]), is_indexed=isinstance(part, RangeTerm))


def in_words(carried: Sequence[RequiredLabels], excluded: Mapping[Node, LabelSet]) -> tuple[str, set[Node]] | None:
    """Labels wanted and excluded as the index over words is asked for them, and the parts that this says all of."""
    wanted = [each for each in carried if len(each.labels.ids) <= MOST_WORDS]
    unwanted = {part: labels for part, labels in excluded.items() if len(labels.ids) <= MOST_WORDS}
    if not wanted:
        return None
    terms = [_either(each.labels) for each in wanted] + [f"!{_either(labels)}" for labels in unwanted.values()]
    said = {each.part for each in wanted if each.is_all and each.minimum == 0} | set(unwanted)
    return " & ".join(terms), said


def by_labels(carried: Sequence[RequiredLabels], excluded: Mapping[Node, LabelSet]) -> Candidates:
    """The pictures that carry all of the labels and none of the excluded, by an index over whole sets.

    That over words where some are excluded: the other would read all that carry the rest.
    """
    tests, values, said = list[str](), list[Any](), set[Node]()
    if excluded and (words := in_words(carried, excluded)):
        tests, values, said = [f"{WORDS.format('x')} @@ %s::tsquery"], [words[0]], words[1]
    elif single := [each.labels.ids[0] for each in carried if len(each.labels.ids) == 1]:
        tests, values = ["x.label_ids @> %s::int[]"], [single]
        said = {each.part for each in carried if len(each.labels.ids) == 1 and each.is_all and each.minimum == 0}
    for each in (each for each in carried if len(each.labels.ids) > 1 and each.part not in said):
        tests, values = [*tests, "x.label_ids && %s::int[]"], [*values, list(each.labels.ids)]
        said |= {each.part} if each.is_all and each.minimum == 0 else set()
    for part, labels in excluded.items():
        if part not in said:
            tests, values, said = [*tests, "NOT x.label_ids && %s::int[]"], [*values, list(labels.ids)], said | {part}
    columns = "x.image_id, x.added_at, x.owner_id, x.visibility"
    text = f"SELECT {columns} FROM analysis_imageindex x WHERE {' AND '.join(tests)}"  # noqa: S608
    return Candidates(Sql(text, tuple(values)), frozenset(said), is_indexed=True)


def _either(labels: LabelSet) -> str:
    return f"({' | '.join(map(str, labels.ids))})"


def _marked(part: RangeTerm, meaning: ResolvedQuery) -> Sql | None:
    if part.field != "rating":
        return None
    text = "SELECT image_id FROM analysis_rating WHERE person_id = %s AND rating IS NOT NULL"
    return Sql(text, (meaning.viewer.person_id,))


def _in_state(part: StateTerm, meaning: ResolvedQuery) -> Sql | None:
    match part.state:
        case "favorite":
            text = "SELECT image_id FROM analysis_rating WHERE person_id = %s AND is_favorite"
            return Sql(text, (meaning.viewer.person_id,))
        case "failed":
            return Sql(f"SELECT a.image_id FROM analysis_analysis a WHERE {FAILED_LAST}")  # noqa: S608
        case "pending":
            return Sql("SELECT image_id FROM analysis_analysis WHERE state IN ('queued', 'running')")
    return None


def _near(part: SimilarTerm, meaning: ResolvedQuery) -> Sql | None:
    """Of hashes at most 7 bits apart, one quarter of four differs in at most one bit: 17 values for each quarter."""
    phash = meaning.hashes.get(part.image_id)
    if phash is None:
        return Sql("SELECT %s::bigint AS image_id", (part.image_id,))
    quarters = [(phash >> 16 * place & 0xFFFF, place << 16) for place in range((NEAR + 1) // 2)]
    near = [(quarter ^ flip) + base for quarter, base in quarters for flip in (0, *(1 << bit for bit in range(16)))]
    # Both arrays hide a guess from the planner, which takes a third of all pictures to be near and would read them all.
    text = """
        SELECT unnest(ARRAY(
            SELECT i.id FROM (SELECT %s::int[] AS quarters OFFSET 0) near
            JOIN analysis_image i ON i.phash_chunks && near.quarters
            WHERE bit_count((i.phash # %s)::bit(64)) <= %s)) AS image_id
    """
    return Sql(text, (near, phash, NEAR))


def _faced(part: FaceTerm, _: ResolvedQuery) -> Sql | None:
    """Traits are labels and lead better; an age alone is looked for among the faces."""
    if part.traits:
        return None
    test = face_test(part)
    return Sql(f"SELECT f.image_id FROM analysis_face f WHERE {test.text}", test.values)  # noqa: S608


_SELECTORS: dict[type, Callable[[Any, ResolvedQuery], Sql | None]] = {
    TextTerm: lambda part, _: with_text([part]),
    Or: lambda part, _: with_text(part.parts) if is_of_texts(part) else None,
    RangeTerm: _marked,
    StateTerm: _in_state,
    SimilarTerm: _near,
    FaceTerm: _faced,
}
