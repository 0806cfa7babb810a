"""The most frequent labels among the images of a result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from analysis.models import Viewer
from analysis.models.search_index import SHARES
from analysis.search import results
from analysis.search.database import fetch_all
from analysis.search.pagination import Order
from analysis.search.plans.costs import Statistics
from analysis.search.plans.label_sets import LABEL_TSVECTOR, label_tsquery
from analysis.search.plans.query_parts import QueryParts
from analysis.search.query import Query
from analysis.search.results import COUNT_CAP, Search
from analysis.search.sql.conditions import visibility_filter
from analysis.search.sql.expressions import Sql, all_of

EXACT = 2_000
"""Facets are exact up to this number of images."""
SAMPLE = 1_000
"""For more images a sample of about this number, which finds 97 % of the 20 most frequent labels."""
MIN_SAMPLE = 100
SMALL_RESULT = 4_000
"""Results and libraries up to this size are counted completely if there is no better bound."""
CERTAIN_FACTOR = 2
"""An estimate of this many times the cap is certainly above it, since it is based on hundreds of images."""


@dataclass(frozen=True)
class Facet:
    kind: str
    name: str
    count: int


@dataclass(frozen=True)
class Facets:
    """Facets by kind of label.

    `counted`: number of images they were counted on. `total`: number of images in the result if the count gave it, at
    most results.COUNT_CAP + 1.
    """

    by_kind: dict[str, list[Facet]]
    is_sample: bool
    counted: int = 0
    total: int | None = None


def facets(query: Query, *, viewer: Viewer, maximum: int = 20) -> Facets:
    """The most frequent labels of each kind among the images of a query."""
    return facets_of(Search(query, viewer), maximum=maximum)


def facets_of(search: Search, *, maximum: int = 20) -> Facets:
    """The most frequent labels of each kind among the images of a search.

    Large results are counted on a share of all images that has its own index: on the smallest share with enough
    matches, or on all images.
    """
    plan = search.plan
    if plan.is_empty:
        return Facets({}, is_sample=False, total=None if plan.trash else 0)
    statistics = plan.statistics(Order.NONE, limit=COUNT_CAP)
    if statistics.has_image_filter or statistics.has_table or statistics.has_partial_index:
        result = _exact(plan.all_matches(cap=SMALL_RESULT + 1), maximum=maximum)
        # all_matches leaves out the trash, so its number is not the total of a search that includes it.
        if result.total is not None and result.total <= SMALL_RESULT:
            return replace(result, total=None) if plan.trash else result
    for share in _shares(statistics, search.viewer):
        result = _sampled(share_statement(plan.parts, share), maximum=maximum, share=share)
        if result.counted >= MIN_SAMPLE:
            return result
    result = _exact(plan.all_matches(cap=COUNT_CAP + 1), maximum=maximum)
    return replace(result, total=None) if plan.trash else result


def _shares(statistics: Statistics, viewer: Viewer) -> Iterator[int]:
    """The shares (one in N images) that may have enough matches, the smallest first."""
    if statistics.prefers_owner or statistics.has_few_candidates or statistics.has_partial_index:
        return
    bound = _upper_bound(statistics, viewer)
    has_index = statistics.scannable is not None and statistics.prefers_labels
    for share in sorted(SHARES, reverse=True):
        if bound > share * SAMPLE and (share == SHARES[-1] or has_index):
            yield share


def _upper_bound(statistics: Statistics, viewer: Viewer) -> int:
    """An upper bound of the number of matches that costs almost nothing."""
    if statistics.labels:
        return statistics.labels[0]
    # The highest id is a bound for the number of images; count(*) of the table takes 40 ms per million.
    if (visible := results.count(Query(), viewer=viewer, cap=SMALL_RESULT)) <= SMALL_RESULT:
        return visible
    return int(fetch_all("SELECT coalesce(max(id), 0) FROM analysis_image")[0][0])


def share_statement(query: QueryParts, share: int, *, column: str = "d.label_ids") -> Sql:
    """A column of ImageIndex for the matches among one in `share` images."""
    # A hash of the id, since ids may have a pattern: fronts and backs of cards may have been scanned alternately.
    tests = [Sql(f"(hashint8(d.image_id) & {share - 1}) = 0"), visibility_filter(query.resolved.viewer, "d")]
    tests += [Sql("d.label_ids && %s::int[]", ([*labels.labels.ids],)) for labels in query.required]
    tests += [Sql("NOT d.label_ids && %s::int[]", ([*labels.ids],)) for labels in query.excluded.values()]
    # Only for the index over label sets, which has fewer images of a rare label than the share: it compares far slower.
    # A tsquery of exclusions alone would read the whole index.
    if query.required and share != SHARES[-1]:
        tests.append(
            Sql(f"{LABEL_TSVECTOR.format('d')} @@ %s::tsquery", (label_tsquery(query.required, query.excluded)[0],))
        )
    matched = {labels.part for labels in query.required if labels.is_covered_by_ids} | set(query.excluded)
    hits = all_of([*tests, query.residual_filter(*matched)])
    return Sql(f"SELECT {column} FROM analysis_imageindex d WHERE {hits.text}", hits.values)


def _sampled(hits: Sql, *, maximum: int, share: int) -> Facets:
    """Facets of `hits`, the label ids of matches among one in `share` images."""
    by_kind, (number, counted) = _count_labels(hits, "SELECT label_ids FROM placed", maximum=maximum)
    is_many = number * share > CERTAIN_FACTOR * COUNT_CAP
    return Facets(by_kind, is_sample=True, counted=counted, total=COUNT_CAP + 1 if is_many else None)


def _exact(hits: Sql, *, maximum: int) -> Facets:
    """Facets of `hits`, all matches up to a cap."""
    # LEFT JOIN, since images that are not analyzed yet have no row.
    labels = "SELECT x.label_ids FROM placed LEFT JOIN analysis_imageindex x USING (image_id)"
    by_kind, (total, counted) = _count_labels(hits, labels, maximum=maximum)
    return Facets(by_kind, is_sample=counted < total or total > COUNT_CAP, counted=counted, total=total)


def _count_labels(hits: Sql, labels: str, *, maximum: int) -> tuple[dict[str, list[Facet]], tuple[int, int]]:
    """The most frequent labels of the hits; the numbers of hits and of those counted."""
    # Written for PostgreSQL's estimates. It expects a third of the rows of "< 1", but one in 200 of "= 0"; with so few
    # it looks up each counted label by itself, which takes twice as long. unnest in the list of columns and not a join,
    # and equal counts ranked by id and not by name, save another third.
    (_, _, number), (_, _, counted), *rows = fetch_all(
        f"""
        WITH hits AS MATERIALIZED ({hits.text}),
        apart AS (
            SELECT CASE WHEN count(*) <= {EXACT} THEN 1 ELSE (count(*) + {SAMPLE - 1}) / {SAMPLE} END AS number
            FROM hits),
        placed AS (SELECT hits.*, row_number() OVER () AS place FROM hits),
        chosen AS MATERIALIZED ({labels} WHERE mod(place, (SELECT number FROM apart)) < 1),
        counted AS (
            SELECT label_id, count(*) AS images FROM (SELECT unnest(label_ids) AS label_id FROM chosen) apiece
            GROUP BY label_id)
        SELECT '', '', count(*) FROM hits UNION ALL SELECT '', '', count(*) FROM chosen UNION ALL
        (SELECT kind, name, images FROM (
            SELECT label.kind, label.name, counted.images,
                   row_number() OVER (PARTITION BY label.kind ORDER BY counted.images DESC, label.id) AS place
            FROM counted JOIN analysis_label label ON label.id = counted.label_id AND NOT label.is_hidden
        ) ranked WHERE place <= %s ORDER BY kind, images DESC, name)
        """,
        [*hits.values, maximum],
    )
    by_kind: dict[str, list[Facet]] = {}
    for kind, name, images in rows:
        by_kind.setdefault(kind, []).append(Facet(kind, name, images))
    return by_kind, (number, counted)
