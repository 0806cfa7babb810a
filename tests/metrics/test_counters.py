"""Counts of tasks, calls, analyses, searches and messages."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace

import pytest
from celery import shared_task

from analysis.delivery import sender
from analysis.delivery.base import DELIVERED, Outcome
from analysis.metrics import counters
from analysis.models import Viewer
from analysis.search.query import Query
from analysis.search.results import Search


@pytest.fixture
def added(settings):
    """The difference that something made to a sample."""
    settings.METRICS_ENABLED = True

    def value(name: str, **labels: str) -> float:
        return (counters.REGISTRY.get_sample_value(name, labels) or 0.0) - before.get((name, *labels.values()), 0.0)

    before = {
        (sample.name, *sample.labels.values()): sample.value
        for family in counters.REGISTRY.collect()
        for sample in family.samples
    }
    return value


@shared_task(name="analysis.tasks.counted")
def counted(*, fails: bool = False) -> None:
    if fails:
        raise ValueError("as asked for")


def test_tasks_by_outcome(added) -> None:
    counted.apply()
    counted.apply(kwargs={"fails": True})
    assert added("imagelib_tasks_total", task="counted", outcome="succeeded") == 1
    assert added("imagelib_tasks_total", task="counted", outcome="failed") == 1
    assert added("imagelib_task_seconds_count", task="counted") == 2


def test_calls_by_outcome_with_their_cost(added) -> None:
    def call(outcome: str, price: str, milliseconds: int | None):
        return SimpleNamespace(
            recognizer="rekognition", api="labels", outcome=outcome, price=Decimal(price), latency_ms=milliseconds
        )

    counters.count_calls([call("answered", "0.001", 300), call("throttled", "0", 20), call("unknown", "0.001", None)])
    api = {"recognizer": "rekognition", "api": "labels"}
    assert [added("imagelib_recognition_calls_total", **api, outcome=name) for name in ("answered", "throttled")] == [
        1,
        1,
    ]
    assert added("imagelib_recognition_call_seconds_count", **api) == 2
    assert round(added("imagelib_recognition_dollars_total", **api), 6) == 0.002


def test_analyses_that_ended(added) -> None:
    rows = [SimpleNamespace(analysis=SimpleNamespace(pk=pk, recognizer="local", api="faces")) for pk in (1, 2, 3)]
    counters.count_analyses(rows, done={1}, failed={3})
    api = {"recognizer": "local", "api": "faces"}
    assert [added("imagelib_analyses_total", **api, outcome=name) for name in ("done", "failed")] == [1, 1]


@pytest.mark.django_db
def test_searches_by_part(added) -> None:
    search = Search(Query(), Viewer())
    search.page()
    search.count()
    assert added("imagelib_search_seconds_count", part="page") == 1
    assert added("imagelib_search_seconds_count", part="count") == 1


def test_messages_by_channel(added) -> None:
    class WebhookChannel:
        def send(self, messages):
            return [DELIVERED, Outcome("The receiver returned HTTP 500.")]

    sender._send((WebhookChannel(), []))
    assert added("imagelib_deliveries_total", channel="webhook", outcome="delivered") == 1
    assert added("imagelib_deliveries_total", channel="webhook", outcome="failed") == 1


def test_unknown_directives_are_one_label(added) -> None:
    for directive in ("img-src", "x" * 100, ""):
        counters.count_csp_report(directive)
    assert added("imagelib_csp_reports_total", directive="img-src") == 1
    assert added("imagelib_csp_reports_total", directive="other") == 2


def test_nothing_is_counted_while_metrics_are_off(added, settings) -> None:
    settings.METRICS_ENABLED = False
    counted.apply()
    assert added("imagelib_tasks_total", task="counted", outcome="succeeded") == 0
