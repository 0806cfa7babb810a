"""Search in a generated library of a million pictures, through our own code and over HTTP, beside its rivals.

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
from bench.search.workload import BROAD

PICTURES = "1000000"
MOST = 300.0  # milliseconds that no kind of question may take


def measure() -> Report:
    sizes = [int(each.replace("_", "")) for each in os.environ.get("BENCH_PICTURES", PICTURES).split()]
    return report([measured(pictures) for pictures in sorted(sizes)])


def measured(pictures: int) -> SearchRun:
    """In a process of its own. Raises subprocess.CalledProcessError."""
    command = [sys.executable, "-m", "bench.search.run", str(pictures)]
    done = subprocess.run(command, cwd=sandbox.ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return SearchRun(**json.loads(done.stdout.splitlines()[-1]))


def report(libraries: Sequence[SearchRun]) -> Report:
    """Every figure of the library nearest to a million pictures; of the others the first page, and how it grows."""
    main = min(libraries, key=lambda each: abs(each.pictures - int(PICTURES)))
    figures = [*first_pages(main), *further(main), *over_http(main), *scaling(libraries)]
    title = f"search in {main.pictures:,} pictures, warm, one client: parsed, found, rows fetched"
    return Report(title, figures, [*notes(main), *(note for each in libraries for note in each.notes)])


def first_pages(found: SearchRun) -> Iterator[Measurement]:
    ours, hand = found.all("ours"), found.all("hand")
    yield Measurement(what="first page p50, by hand", ours=median(ours), unit="ms", rival=median(hand), at_most=2.0)
    yield Measurement(what="first page p95", ours=p95(ours), unit="ms", at_most=25.0)
    yield Measurement(what="first page p95, by hand", ours=p95(ours), unit="ms", rival=p95(hand), at_most_ratio=2.0)
    yield Measurement(what="first page p95, ORM's EXISTS", ours=p95(ours), unit="ms", rival=p95(found.all("orm")))
    like, instead = found.all("like"), found.all("instead of like")
    yield Measurement(what="first page p95, LIKE on JSON", ours=p95(instead), unit="ms", rival=p95(like))
    for shape, times in found.times["ours"].items():
        yield Measurement(
            what=f"  {shape} p95, by hand", ours=p95(times), unit="ms", rival=p95(found.times["hand"][shape])
        )
    ours, rival = found.all("page 50"), found.all("page 1")
    if ours:
        yield Measurement(what="page 50 p50, page 1", ours=median(ours), unit="ms", rival=median(rival))
        yield Measurement(what="page 50 p95, page 1", ours=p95(ours), unit="ms", rival=p95(rival), at_most_ratio=1.0)
    yield Measurement(what="first page p95, not signed in", ours=p95(found.all("anonymous")), unit="ms")


def further(found: SearchRun) -> Iterator[Measurement]:
    yield Measurement(what="empty search", ours=max(found.all("empty")), unit="ms", at_most=10.0)
    yield Measurement(what="count to 1,001 p50", ours=median(found.all("count")), unit="ms")
    yield Measurement(what="count to 1,001 p95", ours=p95(found.all("count")), unit="ms", at_most=50.0)
    yield Measurement(what="facets p50", ours=median(found.all("facets")), unit="ms")
    yield Measurement(what="facets p95", ours=p95(found.all("facets")), unit="ms", at_most=35.0)
    yield Measurement(what="facets' top 20, exact", ours=found.figures["overlap"], unit="%", at_least=95.0)
    if found.all("complete"):
        yield Measurement(what="completion p95", ours=p95(found.all("complete")), unit="ms", at_most=5.0)
    for shape, times in found.times.get("further", {}).items():
        yield Measurement(what=f"{shape}, slowest", ours=max(times), unit="ms", at_most=MOST)


def over_http(found: SearchRun) -> Iterator[Measurement]:
    yield Measurement(what="60 more cards over HTTP p95", ours=p95(found.all("cards")), unit="ms", at_most=50.0)
    yield Measurement(what="whole page over HTTP p95", ours=p95(found.all("page")), unit="ms", at_most=100.0)
    for path in LISTS:
        yield Measurement(what=f"{path} over HTTP p50", ours=median(found.all(path)), unit="ms", at_most=LISTS[path])
    yield Measurement(what="page of 60, compressed", ours=found.figures["html"], unit="kB", at_most=30.0)
    yield Measurement(what="its JS and CSS, compressed", ours=found.figures["assets"], unit="kB", at_most=120.0)


def scaling(libraries: Sequence[SearchRun]) -> Iterator[Measurement]:
    if len(libraries) < 2:
        return
    for each in libraries:
        yield Measurement(what=f"first page p50, {each.pictures:,}", ours=median(each.all("ours")), unit="ms")
        yield Measurement(what=f"first page p95, {each.pictures:,}", ours=p95(each.all("ours")), unit="ms")
    last, before = libraries[-1], libraries[-2]
    yield Measurement(
        what=f"p95 at {last.pictures:,} and {before.pictures:,}",
        ours=p95(last.all("ours")),
        unit="ms",
        rival=p95(before.all("ours")),
        at_most_ratio=2.0,
    )


def notes(found: SearchRun) -> Iterator[str]:
    counted = ", ".join(f"{len(times)} {shape}" for shape, times in found.times["ours"].items())
    loaded = f"loaded in {found.loaded_in:.0f} s" if found.loaded_in else "kept from an earlier run"
    yield f"The library was {loaded}; {found.settings}."
    yield f"Asked: {counted}. Each three times; the first is not counted, of the others the faster is."
    yield (
        f"The reader owns a few pictures and sees {VISIBILITY[1]:.0%} that are shared and {VISIBILITY[2]:.0%} that are "
        "public; who is not signed in sees the public ones alone."
    )
    yield f"From {next(iter(BROAD))} to {[*BROAD][-1]} with the eyes of somebody who sees every picture."
    yield "By hand: SQL that is told the labels' ids and counts; the other figures name what they stand beside."


def p95(times: Sequence[float]) -> float:
    return percentile(times, 0.95)


if __name__ == "__main__":
    print(measure().to_json())
