"""Figures of /metrics from the database and Redis, read at each request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

import redis
from django.conf import settings
from django.db import Error, connection, transaction
from django.db.models import Count, Min
from django.db.models.functions import Now
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily as Gauge
from prometheus_client.registry import Collector

import imagelib
from analysis.health import heartbeat, services
from analysis.metrics import redis_totals
from analysis.metrics.counters import REGISTRY
from analysis.models import Analysis, Batch, Delivery, Outage
from analysis.recognition import aws_quotas, engine_runner, ledger, registry
from analysis.recognition.rate_limiter import RateLimiterUnavailable
from analysis.statistics import queue_depth
from imagelib import celery_broker

# Seconds per statement.
QUERY_TIMEOUT = 5
# Maximum number of rows counted, so that counting stays fast with millions of them.
MAX_ROWS = 100_000


class Gauges(Collector):
    """All metrics, with `imagelib_metrics_errors` naming the sources that failed."""

    def collect(self) -> Iterator[Metric]:
        build = Gauge("imagelib_build_info", "Version of imagelib.", labels=["version"])
        build.add_metric([imagelib.__version__], 1)
        yield build
        errors = Gauge("imagelib_metrics_errors", "1 if these metrics could not be read.", labels=["source"])
        redis_totals.flush(REGISTRY)
        for source, read in _SOURCES:
            try:
                families = list(read())
                errors.add_metric([source], 0)
            except (Error, redis.RedisError, RateLimiterUnavailable):
                families = []
                errors.add_metric([source], 1)
            yield from families
        yield errors


def _counts() -> Iterator[Metric]:
    yield from redis_totals.totals(REGISTRY)


def _database() -> Iterator[Metric]:
    """Figures from the database, in one transaction with a statement timeout."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{QUERY_TIMEOUT}s'")
        for read in (_queues, _spend, _deliveries, _bulk_runs, _outages, _heartbeat):
            yield from read()


def _queues() -> Iterable[Metric]:
    names = ["recognizer", "api"]
    waiting = Gauge("imagelib_queue_waiting", "Analyses in the queue, at most 100,001 each.", labels=names)
    running = Gauge("imagelib_queue_running", "Analyses in progress.", labels=names)
    oldest = Gauge("imagelib_queue_oldest_seconds", "Age of the oldest analysis in the queue.", labels=names)
    for depth in queue_depth.queue_depths():
        labels = [depth.recognizer, depth.api]
        waiting.add_metric(labels, depth.waiting)
        running.add_metric(labels, depth.running)
        # Not negative: a transaction's now() may be before the row's time.
        oldest.add_metric(labels, max(0.0, (depth.oldest or timedelta()).total_seconds()))
    return waiting, running, oldest


def _spend() -> Iterable[Metric]:
    budget = ledger.budget(settings.RECOGNIZER)
    yield Gauge("imagelib_spend_month_dollars", "US dollars spent this month.", value=float(budget.spent))
    yield Gauge("imagelib_spend_reserved_dollars", "US dollars of calls in progress.", value=float(budget.reserved))
    limit = Gauge("imagelib_spend_limit_dollars", "Monthly budget in US dollars, if there is one.", labels=["work"])
    for work, dollars in (("bulk", budget.limit), ("all", budget.interactive_limit)):
        if dollars is not None:
            limit.add_metric([work], float(dollars))
    yield limit


def _deliveries() -> Iterable[Metric]:
    waiting = Delivery.objects.filter(state=Delivery.State.WAITING).order_by("next_attempt_at")
    rows = waiting.values("created_at")[:MAX_ROWS].aggregate(number=Count("*"), oldest=Now() - Min("created_at"))
    failed = Delivery.objects.filter(state=Delivery.State.FAILED).values("pk")[:MAX_ROWS].count()
    oldest = (rows["oldest"] or timedelta()).total_seconds()
    yield Gauge("imagelib_deliveries_waiting", "Messages that wait, at most 100,000.", value=rows["number"])
    yield Gauge("imagelib_deliveries_oldest_seconds", "Age of the oldest message that waits.", value=oldest)
    yield Gauge("imagelib_deliveries_failed", "Messages that failed and are kept, at most 100,000.", value=failed)


def _bulk_runs() -> Iterable[Metric]:
    counts = dict(Batch.objects.values_list("state").annotate(Count("pk")).order_by("state"))
    gauge = Gauge("imagelib_bulk_runs", "Bulk runs, by state.", labels=["state"])
    for state in Batch.State.values:
        # Including zeros, so that a series never disappears.
        gauge.add_metric([state], counts.get(state, 0))
    yield gauge


def _outages() -> Iterable[Metric]:
    gauge = Gauge("imagelib_outage", "1 while an API cannot be called.", labels=["recognizer", "api"])
    for recognizer, api in Outage.objects.order_by("recognizer", "api").values_list("recognizer", "api"):
        gauge.add_metric([recognizer, api], 1)
    yield gauge


def _heartbeat() -> Iterable[Metric]:
    age = heartbeat.age()
    gauge = Gauge("imagelib_heartbeat_age_seconds", "Age of the last heartbeat through scheduler, broker and worker.")
    if age is not None:
        gauge.add_metric([], age.total_seconds())
    yield gauge


def _broker() -> Iterable[Metric]:
    """The queue's length in Redis; for an SQS queue it is in CloudWatch."""
    if settings.REDIS and not celery_broker.is_sqs(settings.CELERY_BROKER_URL):
        yield Gauge("imagelib_broker_messages", "Messages in the broker's queue.", value=services.queue_length())


def _rate_limits() -> Iterable[Metric]:
    """Rate limits of paid APIs; none for a local recognizer."""
    rate = Gauge("imagelib_rate_limit", "Calls a second that are sent at most now.", labels=["api"])
    quota = Gauge("imagelib_rate_quota", "Calls a second that AWS allows.", labels=["api"])
    recognizer = registry.current()
    for api in Analysis.Api.values if recognizer.region is not None else ():
        if api in recognizer.apis and (limiter := engine_runner.limiter(recognizer.name, api)):
            # A request for no calls only reads the limiter's state.
            rate.add_metric([api], limiter.acquire(0).rate)
            quota.add_metric([api], aws_quotas.cached_quota(str(recognizer.region), api).per_second)
    return rate, quota


_SOURCES: tuple[tuple[str, Callable[[], Iterable[Metric]]], ...] = (
    ("processes", _counts),
    ("database", _database),
    ("broker", _broker),
    ("rate_limits", _rate_limits),
)
