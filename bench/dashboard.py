"""The staff's pages over a generated library of a million pictures: over HTTP, and to the first paint in Chromium."""

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
from bench.dataset import READER, Loaded, django_on, loaded
from bench.dataset.usage import answer_of, fill
from bench.report import Measurement, Report, percentile

if TYPE_CHECKING:
    from bench.search.pages import Pages

PICTURES = int(os.environ.get("BENCH_DASHBOARD_PICTURES", "1000000"))
STAFF = 1_000
UNTIL = "2025-12-31"
"""The last day of the library."""
RANGES = ("day", "week", "month", "year")
ASKED, PAINTED = 30, 8
MOST, MOST_TO_PAINT = 300.0, 1_500.0  # milliseconds
ANSWERED, FAILED, QUEUED = 200_000, 25_000, 100_000


def measure() -> Report:
    with loaded(PICTURES) as library, django_on(library), worked_on(library):
        counted = list(count())
        again = list(count(is_again=True))
        figures = [*counted, *again, *over_http(library)]
        notes = [
            f"{library.settings()}.",
            f"Besides the pictures: {ANSWERED:,} more answers with latencies, {FAILED:,} failures of 8 causes and "
            f"{QUEUED:,} waiting analyses, a year of the ledger; deleted afterwards. Stored answers are 1.5 kB each.",
            f"Times end on {UNTIL}. Each page {ASKED} times, warm, one client; painted {PAINTED} times, each in a "
            "browser that has nothing kept.",
        ]
    return Report(f"dashboard over {PICTURES:,} pictures", figures, notes)


@contextmanager
def worked_on(library: Loaded) -> Iterator[None]:
    """With somebody to look, answers, failures, a queue and a ledger; the library is as it was afterwards."""
    with psycopg.connect(library.url, autocommit=True) as connection:
        fill(connection)
        _clear(connection)
        for statement in MADE:
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
MADE = (
    f"""INSERT INTO accounts_user (id, username, password, first_name, last_name, email, time_zone, theme,
                                  is_staff, is_superuser, is_active, date_joined)
        VALUES ({STAFF}, 'staff', '!', '', '', '', '', 'system', true, true, true, now()) ON CONFLICT DO NOTHING""",
    f"""INSERT INTO analysis_analysis ({COLUMNS})
        SELECT 1 + n * 31 % {PICTURES}, (ARRAY['faces', 'text', 'moderation'])[1 + n % 3], 'bench', '1', '{{}}', 'done',
               1, '', '', false, '2025-01-01+00'::timestamptz + n * interval '157 s', '', {answer_of("n")},
               false, false, false, true, false, n % 10 = 0, 0.001, 80 + n * 7919 % 900
        FROM generate_series(1, {ANSWERED}) n""",
    f"""INSERT INTO analysis_analysis ({COLUMNS})
        SELECT 1 + n * 37 % {PICTURES}, 'celebrities', 'bench', '', '{{}}', 'failed', 1, 'Cause' || n % 8,
               'Because of ' || n % 8, true, '2025-06-01+00'::timestamptz + n * interval '600 s', '', NULL,
               false, false, false, true, false, false, NULL, NULL
        FROM generate_series(1, {FAILED}) n""",
    f"""INSERT INTO analysis_analysis ({COLUMNS})
        SELECT 2 + n * 7 % ({PICTURES} - 2), 'text', 'bench', '', '{{}}', 'queued', 0, '', '', false, NULL, '', NULL,
               false, false, false, true, false, false, NULL, NULL
        FROM generate_series(1, {QUEUED}) n ON CONFLICT DO NOTHING""",
    """INSERT INTO analysis_spend (day, recognizer, region, api, is_bulk, calls, answered, dollars, reused, saved)
       SELECT '2025-01-01'::date + n, 'bench', 'us-east-1', api, false, 2000, 1990, 1.99, 10, 0.01
       FROM generate_series(0, 364) n, unnest(ARRAY['labels', 'faces', 'text', 'moderation']) api""",
)


def count(*, is_again: bool = False) -> Iterator[Measurement]:
    from analysis.models import StatisticsRun  # noqa: PLC0415
    from analysis.statistics import aggregation  # noqa: PLC0415 # needs Django set up

    if not is_again:
        for done in aggregation.rebuild():
            yield Measurement(what=f"{done.name}: counted from the beginning", ours=done.seconds, unit="s")
        return
    StatisticsRun.objects.update(at="2026-01-01T00:00:00Z", seconds=0)
    for done in aggregation.refresh_due():
        yield Measurement(what=f"{done.name}: counted again", ours=done.seconds, unit="s")


def over_http(library: Loaded) -> Iterator[Measurement]:
    from bench.search.pages import Pages, serving, session  # noqa: PLC0415 # needs Django set up

    with serving(library) as address:
        for who, person in (("everything", STAFF), ("own", READER)):
            pages = Pages(address, reader=person)
            for name in RANGES:
                url = f"/dashboard/?range={name}&until={UNTIL}"
                yield from _timed(f"dashboard, {who}, {name}", pages, url)
        pages = Pages(address, reader=STAFF)
        yield from _timed("CSV of a year's pictures", pages, f"/dashboard/added.csv?range=year&until={UNTIL}")
        yield from _timed("activity", pages, "/activity/")
        yield from _timed("system, without the doctor", pages, "/system/")
        paints = first_paints(f"http://{address[0]}:{address[1]}", session(STAFF))
        yield Measurement(what="first paint p50", ours=percentile(paints, 0.5), unit="ms")
        yield Measurement(what="first paint, slowest", ours=max(paints), unit="ms", at_most=MOST_TO_PAINT)


def _timed(what: str, pages: Pages, url: str) -> Iterator[Measurement]:
    times = []
    for _ in range(ASKED + 1):
        began = time.perf_counter()
        pages.get(url)
        times.append((time.perf_counter() - began) * 1_000)
    yield Measurement(what=f"{what} p50", ours=percentile(times[1:], 0.5), unit="ms")
    yield Measurement(what=f"{what} p95", ours=percentile(times[1:], 0.95), unit="ms", at_most=MOST)


def first_paints(address: str, key: str) -> list[float]:
    """Milliseconds from asking for the dashboard to its first contents, in a browser that kept nothing."""
    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        for _ in range(PAINTED):
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            context.add_cookies([{"name": "sessionid", "value": key, "url": address}])
            page = context.new_page()
            page.goto(urljoin(address, f"/dashboard/?range=year&until={UNTIL}"))
            page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
            found.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
            context.close()
        browser.close()
    return found


if __name__ == "__main__":
    print(measure().to_json())
