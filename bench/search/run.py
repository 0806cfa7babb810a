"""Measures search in one library of so many pictures and prints what it took: bench/search/run.py PICTURES.

A process of its own for each library, since Django has one database.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import psycopg

from bench.dataset import READER, Loaded, django_on, loaded, words
from bench.dataset.spec import LABELS, RARE
from bench.search.baselines import HandWrittenSql, JsonLike, by_orm, exact_facets
from bench.search.oracle import Oracle
from bench.search.workload import MAX_COUNTED, SearchCase, WorkloadGenerator

if TYPE_CHECKING:
    from bench.search.client import SearchClient

CHECKED = 100_000  # libraries up to this size are held against NumPy's answer
PAGES_BEFORE = 49
COMPLETIONS = 200
LABEL_FACETS = 20
LISTS = {"/labels/": 100.0, "/duplicates/": None}  # milliseconds


@dataclass
class SearchRun:
    """Milliseconds by what was measured and the shape of the question, and figures that are no times."""

    pictures: int
    settings: str
    loaded_in: float
    times: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def time(self, what: str, questions: Iterable[SearchCase], ask: Callable[[SearchCase], object]) -> None:
        for question in questions:
            took = fastest(lambda: ask(question))  # noqa: B023 # called at once
            self.times.setdefault(what, {}).setdefault(question.shape, []).append(took)

    def all(self, what: str) -> list[float]:
        return [each for times in self.times.get(what, {}).values() for each in times]


def fastest(ask: Callable[[], object]) -> float:
    """Milliseconds of a warm answer: asked three times, the first is not counted, of the others the faster."""
    ask()
    return min(_milliseconds(ask) for _ in range(2))


def _milliseconds(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    ask()
    return 1_000 * (time.perf_counter() - began)


def measured(pictures: int) -> SearchRun:
    with loaded(pictures) as library, django_on(library):
        found = SearchRun(pictures, library.settings(), library.seconds)
        with psycopg.connect(library.url, autocommit=True) as connection:
            search(library, connection, found)
        over_http(library, found)
    return found


def search(library: Loaded, connection: psycopg.Connection, found: SearchRun) -> None:
    from bench.search.client import SearchClient  # noqa: PLC0415 # needs Django set up

    asker = WorkloadGenerator(connection, pictures=library.pictures)
    ours, anonymous = SearchClient(READER), SearchClient(None)
    questions = asker.questions()
    hand = HandWrittenSql(connection, reader=READER, counts=asker.counts)
    if library.pictures <= CHECKED:
        check(questions, ours, hand, Oracle(connection, reader=READER), found)
    found.time("ours", questions, ours.page)
    found.time("hand", questions, hand.page)
    found.time("orm", questions, lambda question: by_orm(question, reader=READER))
    later(questions, ours, found)
    found.time("count", questions, ours.count)
    found.time("facets", questions, ours.facets)
    found.figures["overlap"] = overlap(questions[::4], ours, connection)
    found.time("anonymous", questions, anonymous.page)
    found.time("further", asker.further(), ours.page)
    found.time("further", asker.broad(), SearchClient(READER, sees_all=True).page)
    found.time("empty", [SearchCase("empty", "")], ours.page)
    if find_spec("analysis.search.autocomplete"):
        found.time("complete", beginnings(), lambda question: ours.complete(question.text))
    like = JsonLike(connection, reader=READER, names={each: words.name_of(each) for each in asker.counts})
    like.prepare()
    few = [each for each in questions if each.shape in JsonLike.SHAPES][::10]
    found.time("like", few, like.page)
    found.time("instead of like", few, ours.page)


def check(
    questions: Sequence[SearchCase], ours: SearchClient, hand: HandWrittenSql, truth: Oracle, found: SearchRun
) -> None:
    """First pages and capped counts are NumPy's, ours and those of the SQL by hand. Raises AssertionError."""
    for question in questions:
        newest = truth.newest(question, 60)
        assert [image.pk for image in ours.page(question).images] == newest, f"{question}: not NumPy's pictures"
        assert [row[0] for row in hand.page(question)] == newest, f"{question}: the rival's are not NumPy's pictures"
        assert ours.count(question) == min(truth.number(question), MAX_COUNTED + 1), f"{question}: another number"
    found.notes.append(f"{len(questions)} first pages and counts at {found.pictures:,} are those that NumPy computes.")


def later(questions: Sequence[SearchCase], ours: SearchClient, found: SearchRun) -> None:
    """Page 50, by the key where page 49 ends; and page 1 of the same questions, which have that many."""
    starts = [(each, ours.page(each, size=60 * PAGES_BEFORE).next) for each in questions]
    many = {each.text: start for each, start in starts if start}
    asked = [each for each in questions if each.text in many]
    found.time("page 50", asked, lambda question: ours.page(question, after=many[question.text]))
    found.time("page 1", asked, ours.page)


def overlap(questions: Sequence[SearchCase], ours: SearchClient, connection: psycopg.Connection) -> float:
    """Percent of the twenty labels shown first that are among the twenty most frequent of all hits."""
    shares = []
    for question in questions:
        counts = {
            words.name_of(label_id): number
            for label_id, number in exact_facets(connection, question, reader=READER).items()
            if label_id <= LABELS
        }
        shown = [facet.name for facet in ours.facets(question).by_kind.get("label", [])[:LABEL_FACETS]]
        expected = min(len(counts), LABEL_FACETS)
        if expected:
            minimum = sorted(counts.values())[-expected]
            shares.append(sum(counts.get(name, 0) >= minimum for name in shown) / expected)
    return 100 * float(np.mean(shares))


def beginnings() -> list[SearchCase]:
    """What one has typed so far of some label, from one to five letters."""
    chance = np.random.default_rng(11)
    names = [words.name_of(int(each)) for each in chance.integers(1, LABELS + RARE, COMPLETIONS)]
    return [SearchCase(f"{1 + place % 5} letters", name[: 1 + place % 5]) for place, name in enumerate(names)]


def over_http(library: Loaded, found: SearchRun) -> None:
    from bench.search.pages import Pages, serving  # noqa: PLC0415 # needs Django set up

    with psycopg.connect(library.url, autocommit=True) as connection:
        questions = WorkloadGenerator(connection, pictures=library.pictures).questions()[::4]
    with serving(library) as address:
        pages = Pages(address, reader=READER)
        asked = [each for each in questions if pages.has_more(each)]
        found.time("page", questions, pages.whole)
        found.time("cards", asked, pages.more)
        for path in LISTS:
            found.time(path, [SearchCase(path, "")] * 10, lambda question: pages.get(question.shape))
        sizes = [len(pages.whole(each)) for each in asked]
        found.figures["html"] = max(sizes) / 1_000
        found.figures["assets"] = pages.assets() / 1_000


if __name__ == "__main__":
    print(json.dumps(asdict(measured(int(sys.argv[1])))))
