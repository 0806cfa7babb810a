"""Counts of several processes become one sum; none is lost or added twice."""

from __future__ import annotations

import pytest
import redis
from prometheus_client import CollectorRegistry, Counter, Histogram

from analysis.metrics import redis_totals


@pytest.fixture(autouse=True)
def empty():
    redis_totals._redis().delete(redis_totals.COUNTS_KEY, redis_totals.POOLS_KEY)
    yield
    redis_totals._redis().delete(redis_totals.COUNTS_KEY, redis_totals.POOLS_KEY)


def process() -> tuple[CollectorRegistry, Counter, Histogram]:
    registry = CollectorRegistry()
    return (
        registry,
        Counter("pages", "Pages.", ("view",), registry=registry),
        Histogram("seconds", "Seconds.", buckets=(1, 5), registry=registry),
    )


def sums(registry: CollectorRegistry) -> dict[tuple[str, ...], float]:
    families = [family for family in redis_totals.totals(registry) if family.name in {"pages", "seconds"}]
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_processes_add_up() -> None:
    (first, pages, seconds), (second, others, _) = process(), process()
    pages.labels("library").inc()
    seconds.observe(3)
    others.labels("library").inc(2)
    others.labels("image").inc()
    for registry in (first, second, first, second):
        assert redis_totals.flush(registry)
    pages.labels("library").inc()
    redis_totals.flush(first)
    assert sums(first) == {
        ("pages_total", "library"): 4,
        ("pages_total", "image"): 1,
        ("seconds_bucket", "5.0"): 1,
        ("seconds_bucket", "+Inf"): 1,
        ("seconds_count",): 1,
        ("seconds_sum",): 3,
    }


def test_what_redis_did_not_take_is_added_later(monkeypatch) -> None:
    registry, pages, _ = process()
    pages.labels("library").inc()
    with monkeypatch.context() as context:
        lost = redis.Redis.from_url("unix:///nowhere/redis.sock")
        context.setattr(redis_totals, "_redis", lambda: lost)
        assert not redis_totals.flush(registry)
    pages.labels("library").inc()
    assert redis_totals.flush(registry)
    assert sums(registry)["pages_total", "library"] == 2


def test_an_endless_label_does_not_fill_redis(monkeypatch) -> None:
    monkeypatch.setattr(redis_totals, "MAX_FIELDS", 5)
    registry, pages, _ = process()
    for number in range(6):
        pages.labels(str(number)).inc()
    redis_totals.flush(registry)
    assert sums(registry) == {}


def test_pools_of_ended_processes_are_forgotten() -> None:
    client = redis_totals._redis()
    row = '{"at": %d, "pool_size": 7, "pool_available": 1, "requests_waiting": 0, "pool_max": 20}'
    client.hset(redis_totals.POOLS_KEY, "gone:1", row % 1)
    client.hset(redis_totals.POOLS_KEY, "here:2", row % 9_999_999_999)
    gauges = {family.name: family.samples[0].value for family in redis_totals.totals(CollectorRegistry())}
    assert gauges["imagelib_database_pool_connections"] == 7
    assert client.hkeys(redis_totals.POOLS_KEY) == [b"here:2"]
