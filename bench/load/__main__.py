"""Bench of load: fifty people, a million pictures, four web processes and nginx.

BENCH_MINUTES=10 sets the length of the whole run, BENCH_PICTURES=100000 the size of the library, and with
BENCH_REPLICA=1 searches also read a second PostgreSQL. Figures are valid only on a quiet machine, which people, proxy
and servers share.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

import psycopg

from bench.dataset import LoadedLibrary, django_setup, loaded_library
from bench.load.replica import replica_of
from bench.load.runner import Run, Visit, VisitRunner
from bench.load.servers import WORKERS, NginxMissing, nginx_program, serving
from bench.load.visitors import SHOWN
from bench.report import Measurement, Report

MINUTE = 60.0
# People load scripts and styles once, while they arrive.
FIFTY = Visit(people=50, anonymous=5, think=(1.0, 5.0), arrive=30, seconds=2 * MINUTE)
WITHOUT_PAUSES = Visit(people=16, anonymous=0, think=(0, 0), arrive=5, seconds=30)


def measure() -> Report:
    nginx_program()
    pictures = int(os.environ.get("BENCH_PICTURES", "1000000").replace("_", ""))
    minutes = float(os.environ.get("BENCH_MINUTES", "2"))
    with loaded_library(pictures) as library, django_setup(library):
        with psycopg.connect(library.url, autocommit=True) as connection:
            runner = VisitRunner(library, connection, signed_in=FIFTY.people)
            with serving(library) as servers:
                calm = runner.browse(servers, replace(FIFTY, seconds=minutes * MINUTE))
                busy = runner.browse(servers, WITHOUT_PAUSES)
            others = [*without_signatures(library, runner, calm), *with_replica(library, runner, calm)]
        settings = library.settings()
    title = (
        f"{FIFTY.people} people for {minutes:g} minutes in {pictures:,} pictures, {WORKERS} web processes behind nginx"
    )
    return Report(title, [*pages(calm), *totals(calm), *without_pauses(busy), *others], notes(calm, busy, settings))


def pages(run: Run) -> Iterator[Measurement]:
    for name, kind in run.outcome.kinds.items():
        limit = None if name == SHOWN else 400.0
        yield Measurement(name=f"{name}, p95", value=kind.p95, unit="ms", at_most=limit)


def totals(run: Run) -> Iterator[Measurement]:
    outcome, usage = run.outcome, run.usage
    yield Measurement(name="errors", value=outcome.error_count, unit="", at_most=0)
    yield Measurement(name="requests/s", value=outcome.requests / outcome.seconds, unit="/s")
    yield Measurement(name="of these by web processes", value=run.web_requests / outcome.seconds, unit="/s")
    yield Measurement(name="clicks/s", value=outcome.actions / outcome.seconds, unit="/s")
    yield Measurement(
        name="memory of the web processes at the end, after a minute",
        value=usage.memory_at(usage.memory[-1][0]), baseline=usage.memory_at(MINUTE), unit="MB", at_most_ratio=1.05,
    )  # fmt: skip
    yield Measurement(name="connections to PostgreSQL, most", value=usage.connections, unit="", at_most=100)
    for name, cores in run.cores.items():
        yield Measurement(name=f"processors used by {name}", value=cores, unit="")


def without_pauses(run: Run) -> Iterator[Measurement]:
    outcome, name = run.outcome, "without pauses"
    yield Measurement(name=f"{name}: requests/s", value=outcome.requests / outcome.seconds, unit="/s")
    yield Measurement(name=f"{name}: of these by web processes", value=run.web_requests / outcome.seconds, unit="/s")
    yield Measurement(name=f"{name}: clicks/s", value=outcome.actions / outcome.seconds, unit="/s")
    yield Measurement(name=f"{name}: errors", value=outcome.error_count, unit="", at_most=0)


def without_signatures(library: LoadedLibrary, runner: VisitRunner, calm: Run) -> Iterator[Measurement]:
    """A minute in which nginx requests each thumbnail from a web process."""
    with serving(library, signs=False) as servers:
        run = runner.browse(servers, replace(FIFTY, seconds=MINUTE))
    name = "without and with signed thumbnails"
    web = "web processes"
    yield Measurement(
        name=f"{name}: requests to web processes for a click",
        value=run.web_requests / run.clicks, baseline=calm.web_requests / calm.clicks, unit="",
    )  # fmt: skip
    yield Measurement(
        name=f"{name}: their processor time for a click",
        value=run.milliseconds_of(web), baseline=calm.milliseconds_of(web), unit="ms",
    )  # fmt: skip
    for kind in sorted({"search", "thumbnail", SHOWN} & run.outcome.kinds.keys() & calm.outcome.kinds.keys()):
        value, baseline = run.outcome.kinds[kind].p95, calm.outcome.kinds[kind].p95
        yield Measurement(name=f"{name}: {kind}, p95", value=value, baseline=baseline, unit="ms")


def with_replica(library: LoadedLibrary, runner: VisitRunner, calm: Run) -> Iterator[Measurement]:
    """A minute in which searches read a second PostgreSQL."""
    if not os.environ.get("BENCH_REPLICA"):
        return
    with replica_of(library) as replica, serving(library, DATABASE_REPLICA_URL=replica.url) as servers:
        run = runner.browse(servers, replace(FIFTY, seconds=MINUTE), replica=replica.process_id)
    yield Measurement(name="with a replica: errors", value=run.outcome.error_count, unit="", at_most=0)
    yield Measurement(
        name="with and without a replica: the primary's processor time for a click",
        value=run.milliseconds_of("PostgreSQL"), baseline=calm.milliseconds_of("PostgreSQL"), unit="ms",
    )  # fmt: skip
    yield Measurement(name="with a replica: its own", value=run.milliseconds_of("replica"), unit="ms")


def notes(calm: Run, busy: Run, settings: str) -> Sequence[str]:
    kinds = "; ".join(
        f"{name} {kind.requests:,}: {kind.p50:.0f}, {kind.p95:.0f}, {kind.p99:.0f}, {kind.maximum:.0f}"
        for name, kind in calm.outcome.kinds.items()
    )
    shortest, longest = FIFTY.think
    return [
        f"{FIFTY.people - FIFTY.anonymous} signed in, {FIFTY.anonymous} not; each looks at a page for {shortest:g} to "
        f"{longest:g} s. Not counted: the {FIFTY.arrive:g} s in which they arrive.",
        f"{calm.outcome.requests:,} requests, {calm.outcome.received / 1e6:,.0f} MB.",
        f"Requests of each kind, and their p50, p95, p99 and maximum ms: {kinds}.",
        f"Without pauses: {WITHOUT_PAUSES.people} people for {WITHOUT_PAUSES.seconds:g} s.",
        f"PostgreSQL: {settings}.",
        *(f"Error: {error}" for error in [*calm.outcome.errors, *busy.outcome.errors]),
    ]


if __name__ == "__main__":
    try:
        print(measure().to_json())
    except NginxMissing as missing:
        sys.exit(str(missing))
