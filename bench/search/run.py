"""Measures search in one library; prints JSON: bench/search/run.py PICTURES.

Each library gets its own process, since Django is set up for one database.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import psycopg

from bench.dataset import READER, LoadedLibrary, django_setup, loaded_library, words
from bench.dataset.spec import LABELS, RARE
from bench.search.baselines import HandWrittenSql, JsonLike, by_orm, exact_facets
from bench.search.oracle import Oracle
from bench.search.workload import MAX_COUNTED, SearchCase, WorkloadGenerator

if TYPE_CHECKING:
    from bench.search.client import SearchClient

MAX_CHECKED = 100_000  # pictures of a library whose results are compared with NumPy's
PAGE, DEEP_PAGE = 60, 50
COMPLETIONS = 200
LABEL_FACETS = 20
LISTS = {"/labels/": 4.0, "/folders/": 4.0, "/duplicates/": None}  # targets in first pages


@dataclass
class SearchRun:
    """Milliseconds by series and query shape, and values that are not times."""

    pictures: int
    settings: str
    loaded_in: float
    times: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def time(self, series: str, cases: Iterable[SearchCase], search: Callable[[SearchCase], object]) -> None:
        for case in cases:
            milliseconds = fastest(lambda: search(case))  # noqa: B023 # called at once
            self.times.setdefault(series, {}).setdefault(case.shape, []).append(milliseconds)

    def all(self, series: str) -> list[float]:
        return [milliseconds for times in self.times.get(series, {}).values() for milliseconds in times]


def fastest(search: Callable[[], object]) -> float:
    """Milliseconds of the faster of two calls, after one that is not counted."""
    search()
    return min(_milliseconds(search) for _ in range(2))


def _milliseconds(search: Callable[[], object]) -> float:
    began = time.perf_counter()
    search()
    return 1_000 * (time.perf_counter() - began)


def measure_library(pictures: int) -> SearchRun:
    with loaded_library(pictures) as library, django_setup(library):
        run = SearchRun(pictures, library.settings(), library.seconds)
        with psycopg.connect(library.url, autocommit=True) as connection:
            time_search(library, connection, run)
        time_pages(library, run)
    return run


def time_search(library: LoadedLibrary, connection: psycopg.Connection, run: SearchRun) -> None:
    from bench.search.client import SearchClient  # needs Django set up

    workload = WorkloadGenerator(connection, pictures=library.pictures)
    client, anonymous = SearchClient(READER), SearchClient(None)
    cases = workload.cases()
    by_hand = HandWrittenSql(connection, user_id=READER, counts=workload.counts)
    if library.pictures <= MAX_CHECKED:
        check_results(cases, client, by_hand, Oracle(connection, user_id=READER), run)
    run.time("imagelib", cases, client.page)
    run.time("by hand", cases, by_hand.page)
    run.time("orm", cases, lambda case: by_orm(case, user_id=READER))
    time_deep_pages(cases, client, run)
    run.time("count", cases, client.count)
    run.time("facets", cases, client.facets)
    run.values["facet overlap"] = facet_overlap(cases[::4], client, connection)
    run.time("anonymous", cases, anonymous.page)
    run.time("other terms", workload.other_terms(), client.page)
    run.time("other terms", workload.without_labels(), SearchClient(READER, sees_all=True).page)
    run.time("empty", [SearchCase("empty", "")], client.page)
    run.time("complete", prefixes(), lambda case: client.complete(case.text))
    like = JsonLike(connection, user_id=READER, names={key: words.name_of(key) for key in workload.counts})
    like.prepare()
    # LIKE takes a second for each query, so it gets a tenth of the queries that it supports.
    sample = [case for case in cases if case.shape in JsonLike.SHAPES][::10]
    run.time("like", sample, like.page)
    run.time("imagelib, cases of like", sample, client.page)


def check_results(
    cases: Sequence[SearchCase], client: SearchClient, by_hand: HandWrittenSql, oracle: Oracle, run: SearchRun
) -> None:
    """Compare first pages and counts with those computed by NumPy.

    Raises AssertionError.
    """
    for case in cases:
        newest = oracle.newest(case, PAGE)
        assert [image.pk for image in client.page(case).images] == newest, f"{case}: other pictures than NumPy's"
        assert [row[0] for row in by_hand.page(case)] == newest, f"{case}: the baseline has other pictures than NumPy"
        assert client.count(case) == min(oracle.count(case), MAX_COUNTED + 1), f"{case}: another count than NumPy's"
    run.notes.append(f"{len(cases)} first pages and counts at {run.pictures:,} pictures equal those of NumPy.")


def time_deep_pages(cases: Sequence[SearchCase], client: SearchClient, run: SearchRun) -> None:
    """Time pages 50 and 1 of the queries that have 50 pages."""
    cursors = {case.text: client.page(case, size=PAGE * (DEEP_PAGE - 1)).next for case in cases}
    deep_cases = [case for case in cases if cursors[case.text]]
    run.time("page 50", deep_cases, lambda case: client.page(case, after=cursors[case.text]))
    run.time("page 1", deep_cases, client.page)


def facet_overlap(cases: Sequence[SearchCase], client: SearchClient, connection: psycopg.Connection) -> float:
    """Percent of the label facets that are among the most frequent of all hits."""
    shares = []
    for case in cases:
        counts = {
            words.name_of(label_id): count
            for label_id, count in exact_facets(connection, case, user_id=READER).items()
            if label_id <= LABELS
        }
        names = [facet.name for facet in client.facets(case).by_kind.get("label", [])[:LABEL_FACETS]]
        expected = min(len(counts), LABEL_FACETS)
        if expected:
            minimum = sorted(counts.values())[-expected]
            shares.append(sum(counts.get(name, 0) >= minimum for name in names) / expected)
    return 100 * float(np.mean(shares))


def prefixes() -> list[SearchCase]:
    """Prefixes of label names, of one to five letters."""
    generator = np.random.default_rng(11)
    names = [words.name_of(int(label_id)) for label_id in generator.integers(1, LABELS + RARE, COMPLETIONS)]
    lengths = [1 + index % 5 for index in range(COMPLETIONS)]
    return [SearchCase(f"{length} letters", name[:length]) for name, length in zip(names, lengths, strict=True)]


def time_pages(library: LoadedLibrary, run: SearchRun) -> None:
    from bench.search.pages import Pages, serving  # needs Django set up

    with psycopg.connect(library.url, autocommit=True) as connection:
        cases = WorkloadGenerator(connection, pictures=library.pictures).cases()[::4]
    with serving(library) as address:
        pages = Pages(address, user_id=READER)
        long_cases = [case for case in cases if pages.has_more(case)]
        run.time("page", cases, pages.page)
        run.time("cards", long_cases, pages.next_cards)
        run.time("timeline", cases, pages.timeline)
        jump_cases = [case for case in long_cases if pages.has_months(case)]
        run.time("jump", jump_cases, pages.jump)
        run.time("page before", jump_cases, pages.page_before)
        for path in LISTS:
            run.time(path, [SearchCase(path, "")] * 10, lambda case: pages.get(case.shape))
        sizes = [len(pages.page(case)) for case in long_cases]
        run.values["page kB"] = max(sizes) / 1_000
        run.values["assets kB"] = pages.asset_bytes() / 1_000


if __name__ == "__main__":
    print(json.dumps(asdict(measure_library(int(sys.argv[1])))))
