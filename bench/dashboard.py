"""Bench of the dashboard, activity and system pages, with a million pictures."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import psycopg
from playwright.sync_api import sync_playwright

from bench.browser import FLAGS, chromium
from bench.dataset import READER, LoadedLibrary, django_setup, loaded_library
from bench.dataset.usage import add_usage, response_sql
from bench.report import Measurement, Report, percentile

if TYPE_CHECKING:
    from bench.search.pages import Pages

PICTURES = int(os.environ.get("BENCH_DASHBOARD_PICTURES", "1000000"))
STAFF = 1_000
LAST_DAY = "2025-12-31"  # of the generated library
RANGES = ("day", "week", "month", "year")
REQUESTS, PAINTS = 30, 8
TARGET, PAINT_TARGET = 300.0, 1_500.0  # milliseconds
RESPONSES, FAILURES, QUEUED = 200_000, 25_000, 100_000


def measure() -> Report:
    with loaded_library(PICTURES) as library, django_setup(library), with_activity(library):
        first_counts = list(time_aggregation())
        recounts = list(time_aggregation(is_recount=True))
        measurements = [*first_counts, *recounts, *over_http(library)]
        notes = [
            f"{library.settings()}.",
            f"Besides the pictures: {RESPONSES:,} more results with latencies, {FAILURES:,} failures of 8 causes, "
            f"{QUEUED:,} queued analyses and a year of the ledger, deleted at the end.",
            f"Periods end on {LAST_DAY}. {REQUESTS} requests for each page, warm, one client; {PAINTS} paints, each "
            "with an empty cache.",
        ]
    return Report(f"dashboard with {PICTURES:,} pictures", measurements, notes)


@contextmanager
def with_activity(library: LoadedLibrary) -> Iterator[None]:
    """Add a staff user, analyses and a ledger; delete them at the end."""
    with psycopg.connect(library.url, autocommit=True) as connection:
        add_usage(connection)
        _clear(connection)
        for statement in STATEMENTS:
            connection.execute(statement)
        connection.execute("VACUUM (ANALYZE) analysis_analysis")
        try:
            yield
        finally:
            _clear(connection)


def _clear(connection: psycopg.Connection) -> None:
    connection.execute("DELETE FROM analysis_analysis WHERE recognizer = 'bench'")
    connection.execute("DELETE FROM analysis_spend WHERE recognizer = 'bench'")
    connection.execute("DELETE FROM django_session")
    connection.execute("VACUUM (ANALYZE) analysis_analysis")


COLUMNS = (
    "image_id, api, recognizer, model_version, parameters, state, attempts, error_code, error_message, "
    "is_permanent, finished_at, request_id, answer, is_current, is_pinned, is_sample, is_bulk, is_forced, is_reused, "
    "price, latency_ms"
)
STATEMENTS = (
    f"""INSERT INTO accounts_user (id, username, password, first_name, last_name, email, time_zone, theme,
                                  is_staff, is_superuser, is_active, date_joined)
        VALUES ({STAFF}, 'staff', '!', '', '', '', '', 'system', true, true, true, now()) ON CONFLICT DO NOTHING""",
    f"""INSERT INTO analysis_analysis ({COLUMNS})
        SELECT 1 + n * 31 % {PICTURES}, (ARRAY['faces', 'text', 'moderation'])[1 + n % 3], 'bench', '1', '{{}}', 'done',
               1, '', '', false, '2025-01-01+00'::timestamptz + n * interval '157 s', '', {response_sql("n")},
               false, false, false, true, false, n % 10 = 0, 0.001, 80 + n * 7919 % 900
        FROM generate_series(1, {RESPONSES}) n""",
    f"""INSERT INTO analysis_analysis ({COLUMNS})
        SELECT 1 + n * 37 % {PICTURES}, 'celebrities', 'bench', '', '{{}}', 'failed', 1, 'Cause' || n % 8,
               'Because of ' || n % 8, true, '2025-06-01+00'::timestamptz + n * interval '600 s', '', NULL,
               false, false, false, true, false, false, NULL, NULL
        FROM generate_series(1, {FAILURES}) n""",
    f"""INSERT INTO analysis_analysis ({COLUMNS})
        SELECT 2 + n * 7 % ({PICTURES} - 2), 'text', 'bench', '', '{{}}', 'queued', 0, '', '', false, NULL, '', NULL,
               false, false, false, true, false, false, NULL, NULL
        FROM generate_series(1, {QUEUED}) n ON CONFLICT DO NOTHING""",
    """INSERT INTO analysis_spend (day, recognizer, region, api, is_bulk, calls, answered, dollars, reused, saved)
       SELECT '2025-01-01'::date + n, 'bench', 'us-east-1', api, false, 2000, 1990, 1.99, 10, 0.01
       FROM generate_series(0, 364) n, unnest(ARRAY['labels', 'faces', 'text', 'moderation']) api""",
)


def time_aggregation(*, is_recount: bool = False) -> Iterator[Measurement]:
    from analysis.models import StatisticsRun
    from analysis.statistics import aggregation  # needs Django set up

    if not is_recount:
        for run in aggregation.rebuild():
            yield Measurement(name=f"{run.name}: first aggregation", value=run.seconds, unit="s")
        return
    StatisticsRun.objects.update(at="2026-01-01T00:00:00Z", seconds=0)
    for run in aggregation.refresh_due():
        yield Measurement(name=f"{run.name}: aggregated again", value=run.seconds, unit="s")


def over_http(library: LoadedLibrary) -> Iterator[Measurement]:
    from bench.search.pages import Pages, serving, session_key  # needs Django set up

    with serving(library) as address:
        for scope, person in (("everything", STAFF), ("own", READER)):
            pages = Pages(address, user_id=person)
            for name in RANGES:
                url = f"/dashboard/?range={name}&until={LAST_DAY}"
                yield from _timed(f"dashboard, {scope}, {name}", pages, url)
        pages = Pages(address, user_id=STAFF)
        yield from _timed("CSV of a year's pictures", pages, f"/dashboard/added.csv?range=year&until={LAST_DAY}")
        yield from _timed("activity", pages, "/activity/")
        yield from _timed("system, without the health checks", pages, "/system/")
        paints = first_paints(f"http://{address[0]}:{address[1]}", session_key(STAFF))
        yield Measurement(name="first paint p50", value=percentile(paints, 0.5), unit="ms")
        yield Measurement(name="first paint, slowest", value=max(paints), unit="ms", at_most=PAINT_TARGET)


def _timed(name: str, pages: Pages, url: str) -> Iterator[Measurement]:
    times = []
    for _ in range(REQUESTS + 1):
        began = time.perf_counter()
        pages.get(url)
        times.append((time.perf_counter() - began) * 1_000)
    yield Measurement(name=f"{name} p50", value=percentile(times[1:], 0.5), unit="ms")
    yield Measurement(name=f"{name} p95", value=percentile(times[1:], 0.95), unit="ms", at_most=TARGET)


def first_paints(address: str, key: str) -> list[float]:
    """Milliseconds to the first contentful paint of the dashboard, uncached."""
    times = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        for _ in range(PAINTS):
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            context.add_cookies([{"name": "sessionid", "value": key, "url": address}])
            page = context.new_page()
            page.goto(urljoin(address, f"/dashboard/?range=year&until={LAST_DAY}"))
            page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
            times.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
            context.close()
        browser.close()
    return times


if __name__ == "__main__":
    print(measure().to_json())
