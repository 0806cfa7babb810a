"""The counters and histograms. Their labels have few, fixed values."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Protocol

from django.conf import settings
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics

from analysis.metrics import redis_totals

disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY = CollectorRegistry()
OTHER = "other"
# The client chooses methods and directives, and could otherwise add a time series with each request.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
CSP_DIRECTIVES = frozenset(
    f"{name}-src" for name in ("default", "script", "style", "img", "font", "connect", "frame", "media", "object")
) | {"script-src-elem", "script-src-attr", "style-src-elem", "style-src-attr", "form-action", "frame-ancestors"}
# In seconds. A page takes tens of milliseconds; at the last bound, proxies give up.
PAGE_BUCKETS = (0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 5, 30)
TASK_BUCKETS = (0.05, 0.2, 1, 5, 20, 60, 300)
CALL_BUCKETS = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 10)
SEARCH_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 2, 5)

_REQUESTS = Counter(
    "imagelib_http_requests", "Requests, by view, method and status.", ("view", "method", "status"), registry=REGISTRY
)
_REQUEST_SECONDS = Histogram(
    "imagelib_http_request_seconds",
    "Time until the response began, by view.",
    ("view",),
    buckets=PAGE_BUCKETS,
    registry=REGISTRY,
)
_TASKS = Counter("imagelib_tasks", "Background tasks, by name and outcome.", ("task", "outcome"), registry=REGISTRY)
_TASK_SECONDS = Histogram(
    "imagelib_task_seconds", "Duration of background tasks.", ("task",), buckets=TASK_BUCKETS, registry=REGISTRY
)
_ANALYSES = Counter(
    "imagelib_analyses",
    "Analyses that ended, by API and outcome; free and reused ones too.",
    ("recognizer", "api", "outcome"),
    registry=REGISTRY,
)
_CALLS = Counter(
    "imagelib_recognition_calls",
    "Requests to the recognizer, by API and outcome.",
    ("recognizer", "api", "outcome"),
    registry=REGISTRY,
)
_CALL_SECONDS = Histogram(
    "imagelib_recognition_call_seconds",
    "Response time of the recognizer, by API.",
    ("recognizer", "api"),
    buckets=CALL_BUCKETS,
    registry=REGISTRY,
)
_DOLLARS = Counter(
    "imagelib_recognition_dollars", "Cost of requests in US dollars.", ("recognizer", "api"), registry=REGISTRY
)
_SEARCH_SECONDS = Histogram(
    "imagelib_search_seconds",
    "Time of a search in the database, by what it reads.",
    ("part",),
    buckets=SEARCH_BUCKETS,
    registry=REGISTRY,
)
_DELIVERIES = Counter(
    "imagelib_deliveries",
    "Attempts to send messages, by channel and outcome.",
    ("channel", "outcome"),
    registry=REGISTRY,
)
_CSP_REPORTS = Counter(
    "imagelib_csp_reports",
    "Violations of the Content-Security-Policy, by directive.",
    ("directive",),
    registry=REGISTRY,
)


def count_request(*, view: str, method: str, status: int, seconds: float) -> None:
    if _is_on():
        _REQUESTS.labels(view, method if method in METHODS else OTHER, str(status)).inc()
        _REQUEST_SECONDS.labels(view).observe(seconds)


def count_task(name: str, *, outcome: str, seconds: float) -> None:
    if _is_on():
        _TASKS.labels(name, outcome).inc()
        _TASK_SECONDS.labels(name).observe(seconds)


class Analysis(Protocol):
    """A row of the queue."""

    pk: int
    recognizer: str
    api: str


class Result(Protocol):
    """The result of an attempt."""

    @property
    def analysis(self) -> Analysis: ...


def count_analyses(results: Iterable[Result], *, done: set[int], failed: set[int]) -> None:
    """Count ended analyses, by their ids; the others wait for another attempt."""
    if not _is_on():
        return
    for analysis in (result.analysis for result in results):
        if analysis.pk in done or analysis.pk in failed:
            _ANALYSES.labels(analysis.recognizer, analysis.api, "done" if analysis.pk in done else "failed").inc()


class Call(Protocol):
    """A row of the ledger: a request that was sent."""

    recognizer: str
    api: str
    outcome: str
    price: Decimal
    latency_ms: int | None


def count_calls(calls: Iterable[Call]) -> None:
    if not _is_on():
        return
    for call in calls:
        _CALLS.labels(call.recognizer, call.api, call.outcome).inc()
        _DOLLARS.labels(call.recognizer, call.api).inc(float(call.price))
        if call.latency_ms is not None:
            _CALL_SECONDS.labels(call.recognizer, call.api).observe(call.latency_ms / 1000)


def count_deliveries(channel: str, *, delivered: int, failed: int) -> None:
    if _is_on():
        _DELIVERIES.labels(channel, "delivered").inc(delivered)
        _DELIVERIES.labels(channel, "failed").inc(failed)


def count_csp_report(directive: str) -> None:
    if _is_on():
        _CSP_REPORTS.labels(directive if directive in CSP_DIRECTIVES else OTHER).inc()


@contextmanager
def timed_search(part: str) -> Iterator[None]:
    """Measure the time of the block, also if the search fails."""
    started = time.perf_counter()
    try:
        yield
    finally:
        if _is_on():
            _SEARCH_SECONDS.labels(part).observe(time.perf_counter() - started)


def _is_on() -> bool:
    if not settings.METRICS_ENABLED:
        return False
    redis_totals.start(REGISTRY)
    return True
