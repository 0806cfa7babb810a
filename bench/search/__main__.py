"""Bench of search in a million generated pictures, in Python and over HTTP.

BENCH_PICTURES="100000 1000000 3000000" measures libraries of these sizes, one after another.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from statistics import median

from bench import sandbox
from bench.dataset.spec import VISIBILITY
from bench.report import Measurement, Report, percentile
from bench.search.run import LISTS, SearchRun
from bench.search.workload import WITHOUT_LABELS

PICTURES = "1000000"
# Ratios to F, the p95 of our first page in the same run, since a machine's speed differs between runs.
ANONYMOUS, COUNT, FACETS, ANY_TERM, CARDS, PAGE = 1.3, 1.0, 1.5, 8.0, 2.0, 4.0


def measure() -> Report:
    sizes = [int(size.replace("_", "")) for size in os.environ.get("BENCH_PICTURES", PICTURES).split()]
    return report([run_library(pictures) for pictures in sorted(sizes)])


def run_library(pictures: int) -> SearchRun:
    """Measure a library in a separate process. Raises subprocess.CalledProcessError."""
    command = [sys.executable, "-m", "bench.search.run", str(pictures)]
    process = subprocess.run(command, cwd=sandbox.ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return SearchRun(**json.loads(process.stdout.splitlines()[-1]))


def report(runs: Sequence[SearchRun]) -> Report:
    """Measurements of the library of about a million pictures, and the growth."""
    main = min(runs, key=lambda run: abs(run.pictures - int(PICTURES)))
    measurements = [*first_pages(main), *other_searches(main), *over_http(main), *scaling(runs)]
    title = f"search in {main.pictures:,} pictures, warm, one client, from the query text to the rows"
    return Report(title, measurements, [*notes(main), *(note for run in runs for note in run.notes)])


def first_pages(run: SearchRun) -> Iterator[Measurement]:
    times, by_hand = run.all("imagelib"), run.all("by hand")
    yield Measurement(
        name="first page p50, by hand", value=median(times), unit="ms", baseline=median(by_hand), at_most_ratio=1.5
    )
    yield Measurement(name="first page p95", value=p95(times), unit="ms", at_most=25.0)
    yield Measurement(
        name="first page p95, by hand", value=p95(times), unit="ms", baseline=p95(by_hand), at_most_ratio=0.55
    )
    yield Measurement(name="first page p95, ORM's EXISTS", value=p95(times), unit="ms", baseline=p95(run.all("orm")))
    like, same_cases = run.all("like"), run.all("imagelib, cases of like")
    yield Measurement(name="first page p95, LIKE on JSON", value=p95(same_cases), unit="ms", baseline=p95(like))
    for shape, shape_times in run.times["imagelib"].items():
        yield Measurement(
            name=f"  {shape} p95, by hand",
            value=p95(shape_times),
            unit="ms",
            baseline=p95(run.times["by hand"][shape]),
            at_most_ratio=1.5,
        )
    deep, first = run.all("page 50"), run.all("page 1")
    if deep:
        yield Measurement(name="page 50 p50, page 1", value=median(deep), unit="ms", baseline=median(first))
        yield Measurement(
            name="page 50 p95, page 1", value=p95(deep), unit="ms", baseline=p95(first), at_most_ratio=1.0
        )
    yield in_first_pages(run, "first page p95, anonymous", p95(run.all("anonymous")), at_most=ANONYMOUS)


def in_first_pages(run: SearchRun, name: str, value: float, *, at_most: float | None = None) -> Measurement:
    """Milliseconds next to F."""
    return Measurement(name=name, value=value, unit="ms", baseline=p95(run.all("imagelib")), at_most_ratio=at_most)


def other_searches(run: SearchRun) -> Iterator[Measurement]:
    yield Measurement(name="empty search", value=max(run.all("empty")), unit="ms", at_most=10.0)
    yield Measurement(name="count to 1,001 p50", value=median(run.all("count")), unit="ms")
    yield in_first_pages(run, "count to 1,001 p95", p95(run.all("count")), at_most=COUNT)
    yield Measurement(name="facets p50", value=median(run.all("facets")), unit="ms")
    yield in_first_pages(run, "facets p95", p95(run.all("facets")), at_most=FACETS)
    yield Measurement(
        name="facets, overlap with exact top 20", value=run.values["facet overlap"], unit="%", at_least=97
    )
    yield Measurement(name="autocomplete p95", value=p95(run.all("complete")), unit="ms", at_most=5.0)
    for shape, times in run.times.get("other terms", {}).items():
        yield in_first_pages(run, f"{shape}, slowest", max(times), at_most=ANY_TERM)


def over_http(run: SearchRun) -> Iterator[Measurement]:
    yield in_first_pages(run, "60 more cards over HTTP p95", p95(run.all("cards")), at_most=CARDS)
    yield in_first_pages(run, "full page over HTTP p95", p95(run.all("page")), at_most=PAGE)
    yield in_first_pages(run, "timeline over HTTP p95", p95(run.all("timeline")), at_most=PAGE)
    yield in_first_pages(run, "jump to a month over HTTP p95", p95(run.all("jump")), at_most=PAGE)
    yield in_first_pages(run, "the page before it over HTTP p95", p95(run.all("page before")), at_most=CARDS)
    for path, target in LISTS.items():
        yield in_first_pages(run, f"{path} over HTTP p50", median(run.all(path)), at_most=target)
    yield Measurement(name="page of 60, compressed", value=run.values["page kB"], unit="kB", at_most=30.0)
    yield Measurement(name="its JS and CSS, compressed", value=run.values["assets kB"], unit="kB", at_most=120.0)


def scaling(runs: Sequence[SearchRun]) -> Iterator[Measurement]:
    if len(runs) < 2:
        return
    for run in runs:
        yield Measurement(name=f"first page p50, {run.pictures:,}", value=median(run.all("imagelib")), unit="ms")
        yield Measurement(name=f"first page p95, {run.pictures:,}", value=p95(run.all("imagelib")), unit="ms")
    largest, second = runs[-1], runs[-2]
    yield Measurement(
        name=f"p95 at {largest.pictures:,} and {second.pictures:,}",
        value=p95(largest.all("imagelib")),
        unit="ms",
        baseline=p95(second.all("imagelib")),
        at_most_ratio=2.0,
    )


def notes(run: SearchRun) -> Iterator[str]:
    counts = ", ".join(f"{len(times)} {shape}" for shape, times in run.times["imagelib"].items())
    loaded = f"loaded in {run.loaded_in:.0f} s" if run.loaded_in else "reused from an earlier run"
    yield f"The library was {loaded}; {run.settings}."
    yield f"Queries: {counts}. Each ran three times: the first is not counted, the faster of the others is."
    yield (
        f"The user owns a few pictures and sees {VISIBILITY[1]:.0%} that are shared and {VISIBILITY[2]:.0%} that are "
        "public; anonymous visitors see only the public ones."
    )
    yield f"From {next(iter(WITHOUT_LABELS))} to {[*WITHOUT_LABELS][-1]} as a user who sees all pictures."
    yield (
        "By hand: SQL that gets the labels' ids and counts; without a baseline in the name it is F, "
        "the p95 of our first page."
    )


def p95(times: Sequence[float]) -> float:
    return percentile(times, 0.95)


if __name__ == "__main__":
    print(measure().to_json())
