"""What a part of a query is good for in finding pictures, rather than in judging one that was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from analysis.search.conditions import FAILED_LAST, NEAR, face_test, hundredths, seen
from analysis.search.meaning import Meaning
from analysis.search.names import Labels, traits_of
from analysis.search.sql import Sql
from analysis.search.tree import Counted, InCategory, Is, Labeled, Like, Measured, Node, Not, OneFace, Or, Written


@dataclass(frozen=True)
class Carried:
    """A part that needs one of these labels; `is_all` when it needs nothing else."""

    part: Node
    labels: Labels
    least: int
    is_all: bool


def carried_in(part: Node, meaning: Meaning) -> Iterator[Carried]:
    """The labels without which a part does not hold."""
    match part:
        case Labeled(_, _, least):
            yield Carried(part, meaning.of(part), hundredths(least), is_all=True)
        case InCategory():
            yield Carried(part, meaning.of(part), 0, is_all=True)
        case Counted(_, at_least) if at_least > 0:
            yield Carried(part, meaning.of(part), 0, is_all=False)
        case OneFace():
            for trait in traits_of(part):
                yield Carried(part, meaning.of(trait), 0, is_all=False)
        case Or(parts) if all(isinstance(each, Labeled | InCategory) for each in parts):
            every = [meaning.of(each) for each in parts if isinstance(each, Labeled | InCategory)]
            ids = sorted({pk for labels in every for pk in labels.ids})
            is_all = all(not isinstance(each, Labeled) or each.least == 0 for each in parts)
            yield Carried(part, Labels(tuple(ids), sum(labels.image_count for labels in every)), 0, is_all=is_all)


def excluded_by(part: Node, meaning: Meaning) -> Labels | None:
    """Labels that no hit carries, whatever the confidence."""
    if not isinstance(part, Not):
        return None
    inner = part.part
    if isinstance(inner, InCategory) or (isinstance(inner, Labeled) and inner.least == 0):
        labels = meaning.of(inner)
        return labels if labels.ids else None
    return None


@dataclass(frozen=True)
class Candidates:
    """A statement giving ids of pictures; the parts of the query that hold of all of them.

    `is_indexed`: it gives added_at, owner_id and openness as well, and no picture twice or from the trash.
    """

    sql: Sql
    answered: frozenset[Node] = frozenset()
    is_indexed: bool = False


EVERYTHING = Candidates(Sql("SELECT id AS image_id FROM analysis_image"))


def candidates(part: Node, meaning: Meaning) -> Candidates | None:
    """The few pictures of which a part may hold."""
    select = _SELECTORS.get(type(part))
    sql = select(part, meaning) if select else None
    if sql is None:
        return None
    is_exact = not isinstance(part, Measured | Like) and part != Is("duplicate")
    return Candidates(sql, frozenset([part] if is_exact else []), is_indexed=isinstance(part, Written))


def _marked(part: Measured, meaning: Meaning) -> Sql | None:
    if part.field != "rating":
        return None
    text = "SELECT image_id FROM analysis_mark WHERE person_id = %s AND rating IS NOT NULL"
    return Sql(text, (meaning.audience.person_id,))


def _in_state(part: Is, meaning: Meaning) -> Sql | None:
    match part.state:
        case "favorite":
            text = "SELECT image_id FROM analysis_mark WHERE person_id = %s AND is_favorite"
            return Sql(text, (meaning.audience.person_id,))
        case "failed":
            return Sql(f"SELECT a.image_id FROM analysis_analysis a WHERE {FAILED_LAST}")  # noqa: S608
        case "pending":
            return Sql("SELECT image_id FROM analysis_analysis WHERE state IN ('queued', 'running')")
        case "reviewed":
            return Sql("SELECT image_id FROM analysis_verdict")
        case "trashed":
            text = "SELECT id AS image_id FROM analysis_image WHERE owner_id = %s AND trashed_at IS NOT NULL"
            return Sql(text, (meaning.audience.person_id,))
    return None


def _repeated(meaning: Meaning) -> Sql:
    """What several visible pictures have in common, found for all at once: one by one it takes ten times as long."""
    visible = seen(meaning.audience, "i")
    repeated = [
        f"""SELECT id AS image_id FROM analysis_image WHERE {column} IN (
                SELECT i.{column} FROM analysis_image i WHERE i.trashed_at IS NULL AND {visible.text}
                GROUP BY i.{column} HAVING count(*) > 1)"""  # noqa: S608
        for column in ("phash", "sha256")
    ]
    return Sql(" UNION ALL ".join(repeated), visible.values * 2)


def _near(part: Like, meaning: Meaning) -> Sql | None:
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
            JOIN analysis_image i ON i.likeness && near.quarters
            WHERE bit_count((i.phash # %s)::bit(64)) <= %s)) AS image_id
    """
    return Sql(text, (near, phash, NEAR))


def _faced(part: OneFace, _: Meaning) -> Sql | None:
    """Traits are labels and lead better; an age alone is looked for among the faces."""
    if part.traits:
        return None
    test = face_test(part)
    return Sql(f"SELECT f.image_id FROM analysis_face f WHERE {test.text}", test.values)  # noqa: S608


_SELECTORS: dict[type, Callable[[Any, Meaning], Sql | None]] = {
    Written: lambda part, _: Sql(
        """SELECT x.image_id, x.added_at, x.owner_id, x.openness
           FROM analysis_imagetext t JOIN analysis_imageindex x ON x.image_id = t.image_id
           WHERE t.words @@ phraseto_tsquery('simple', %s)""",
        (part.text,),
    ),
    Measured: _marked,
    Is: lambda part, meaning: _repeated(meaning) if part.state == "duplicate" else _in_state(part, meaning),
    Like: _near,
    OneFace: _faced,
}
