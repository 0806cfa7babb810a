"""What else the pictures of a result carry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from analysis.models import Viewer
from analysis.models.search_index import SHARES
from analysis.search import results
from analysis.search.query import Query
from analysis.search.results import COUNT_CAP, plan_for
from analysis.search.sql.candidates import WORDS, in_words
from analysis.search.sql.conditions import visibility_filter
from analysis.search.sql.expressions import Sql, all_of, fetch_all
from analysis.search.sql.planner import QueryPlan

SAMPLE = 2_000
"""Facets are exact up to this many hits; beyond, they are counted over a sample of about as many, and say so."""
LEAST_SAMPLE = 100
FEW = 4_000
"""Of whoever sees no more pictures than this, each is looked at; of others' libraries, some."""
SURELY = 2
"""An estimate so many times the cap is not below it: it stands on hundreds."""


@dataclass(frozen=True)
class Facet:
    kind: str
    name: str
    count: int


@dataclass(frozen=True)
class Facets:
    """`counted`: over how many pictures; a sample when there are more. `total`: how many there are, where it was met
    on the way, up to one more than results.COUNT_CAP.
    """

    by_kind: dict[str, list[Facet]]
    is_sample: bool
    counted: int = 0
    total: int | None = None


def facets(query: Query, *, viewer: Viewer, maximum: int = 20) -> Facets:
    """The most frequent labels of each kind among a query's pictures.

    Of many hits, of those in some share of all pictures, which has an index of its own; where too few of them are in
    it, of those in a larger one; at last, of all.
    """
    plan = plan_for(query.sorted_by("newest"), viewer)
    if plan.is_empty:
        return Facets({}, is_sample=False, total=None if plan.trash else 0)
    if plan.narrowed or plan.listed or plan.is_kept_apart:
        found = _exact(plan.whole(cap=FEW + 1), maximum=maximum)
        if found.total is not None and found.total <= FEW:
            return replace(found, total=None) if plan.trash else found
    for every in _shares(plan, viewer):
        found = _sampled(_in_share(plan, every), maximum=maximum, every=every)
        if found.counted >= LEAST_SAMPLE:
            return found
    found = _exact(plan.whole(cap=COUNT_CAP + 1), maximum=maximum)
    return replace(found, total=None) if plan.trash else found


def _shares(plan: QueryPlan, viewer: Viewer) -> Iterator[int]:
    """One in so many pictures, the smallest share first that may hold enough hits."""
    if plan.is_owned_by_few or plan.selector or plan.is_kept_apart:
        return
    at_most = _at_most(plan, viewer)
    for every in sorted(SHARES, reverse=True):
        if at_most > every * SAMPLE // 2 and (every == SHARES[-1] or (plan.driver and plan.labels_lead)):
            yield every


def _at_most(plan: QueryPlan, viewer: Viewer) -> int:
    """A bound on how many pictures a query finds that costs next to nothing to tell; 0 when none is known."""
    if plan.carried:
        return plan.carried[0].labels.image_count
    if (visible := results.count(Query(), viewer=viewer, cap=FEW)) <= FEW:
        return visible
    return int(fetch_all("SELECT coalesce(max(id), 0) FROM analysis_image")[0][0])


def _in_share(plan: QueryPlan, every: int) -> Sql:
    """The hits among one in `every` picture, with their labels."""
    words = in_words(plan.carried, plan.excluded)
    tests = [Sql(f"(hashint8(d.image_id) & {every - 1}) = 0"), visibility_filter(plan.meaning.viewer, "d")]
    if words:
        tests.append(Sql(f"{WORDS.format('d')} @@ %s::tsquery", (words[0],)))
    hits = all_of([*tests, plan.rest(*(words[1] if words else ()))])
    return Sql(f"SELECT d.label_ids FROM analysis_imageindex d WHERE {hits.text}", hits.values)  # noqa: S608


def _sampled(hits: Sql, *, maximum: int, every: int) -> Facets:
    """`hits`: those among one in so many pictures, with their labels."""
    by_kind, (number, counted) = _counted(hits, "SELECT label_ids FROM placed", maximum=maximum)
    is_many = number * every > SURELY * COUNT_CAP
    return Facets(by_kind, is_sample=True, counted=counted, total=COUNT_CAP + 1 if is_many else None)


def _exact(hits: Sql, *, maximum: int) -> Facets:
    """`hits`: all, or more than are counted; those that are not analyzed yet carry nothing."""
    labels = "SELECT x.label_ids FROM placed LEFT JOIN analysis_imageindex x USING (image_id)"
    by_kind, (total, counted) = _counted(hits, labels, maximum=maximum)
    return Facets(by_kind, is_sample=counted < total or total > COUNT_CAP, counted=counted, total=total)


def _counted(hits: Sql, labels: str, *, maximum: int) -> tuple[dict[str, list[Facet]], tuple[int, int]]:
    """The most frequent labels of some hits or all, and how many these and those are: one statement."""
    (_, _, number), (_, _, counted), *rows = fetch_all(
        f"""
        WITH hits AS MATERIALIZED ({hits.text}),
        apart AS (SELECT greatest(1, (count(*) + {SAMPLE - 1}) / {SAMPLE}) AS number FROM hits),
        placed AS (SELECT hits.*, row_number() OVER () AS place FROM hits),
        chosen AS MATERIALIZED ({labels} WHERE mod(place, (SELECT number FROM apart)) = 0),
        counted AS (SELECT label_id, count(*) AS images FROM chosen, unnest(label_ids) label_id GROUP BY label_id)
        SELECT '', '', count(*) FROM hits UNION ALL SELECT '', '', count(*) FROM chosen UNION ALL
        (SELECT kind, name, images FROM (
            SELECT label.kind, label.name, counted.images,
                   row_number() OVER (PARTITION BY label.kind ORDER BY counted.images DESC, label.name) AS place
            FROM counted JOIN analysis_label label ON label.id = counted.label_id AND NOT label.is_hidden
        ) ranked WHERE place <= %s ORDER BY kind, place)
        """,  # noqa: S608
        [*hits.values, maximum],
    )
    by_kind: dict[str, list[Facet]] = {}
    for kind, name, images in rows:
        by_kind.setdefault(kind, []).append(Facet(kind, name, images))
    return by_kind, (number, counted)
