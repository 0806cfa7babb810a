"""Adds the counts of each process to Redis, and reads the sums of all."""

from __future__ import annotations

import atexit
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

import redis
from django.conf import settings
from django.db import connections
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 5.0
# To be increased when labels or buckets of a metric change, since sums of old and new would be wrong.
COUNTS_KEY = "imagelib:metrics:1"
POOLS_KEY = "imagelib:metrics:pools"
# More than all views, methods and statuses need, so that a bug in a label cannot fill Redis.
MAX_FIELDS = 50_000
# A process that has not reported its pool for so long has ended.
POOL_SECONDS = 30.0
_POOL_GAUGES = {
    "imagelib_database_pool_connections": ("pool_size", "Open database connections of all processes."),
    "imagelib_database_pool_available": ("pool_available", "Database connections that are not in use."),
    "imagelib_database_pool_waiting": ("requests_waiting", "Threads that wait for a database connection."),
    "imagelib_database_pool_max": ("pool_max", "Database connections that all processes may open."),
}

_started_in = 0  # process ID of the thread that adds the counts, since a forked child needs its own
_start_lock = threading.Lock()


class Counts:
    """The counts of one process, and the part of them that was added to Redis."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._sent: dict[str, float] = {}
        self._lock = threading.Lock()

    def flush(self) -> None:
        """Add the difference since the last time. Raises RedisError without losing counts."""
        with self._lock:
            current = {
                json.dumps([family.name, sample.name, sample.labels], sort_keys=True): sample.value
                for family in self._registry.collect()
                for sample in family.samples
            }
            changed = {name: value for name, value in current.items() if value != self._sent.get(name, 0.0)}
            # redis-py sends it as a transaction (MULTI), so that all of the difference is added or none of it.
            with _redis().pipeline() as pipeline:
                for name, value in changed.items():
                    pipeline.hincrbyfloat(COUNTS_KEY, name, value - self._sent.get(name, 0.0))
                _report_pool(pipeline)
                pipeline.execute()
            self._sent |= changed


def start(registry: CollectorRegistry) -> None:
    """Begin to add this process's counts, once."""
    global _started_in
    if _started_in == os.getpid() or not settings.REDIS:
        return
    with _start_lock:
        if _started_in == os.getpid():
            return
        _started_in = os.getpid()
    threading.Thread(target=_flush_forever, args=[registry], name="metrics", daemon=True).start()
    atexit.register(flush, registry)


def flush(registry: CollectorRegistry) -> bool:
    """Add the counts now.

    False if Redis is not available; they are added next time.
    """
    if not settings.REDIS:
        return False
    try:
        _counts(registry).flush()
    except redis.RedisError as error:
        logger.debug("metrics wait for Redis: %s", error)
        return False
    return True


def totals(registry: CollectorRegistry) -> Iterator[Metric]:
    """The sums of all processes; without Redis, of this one only.

    Raises RedisError.
    """
    if not settings.REDIS:
        yield from registry.collect()
        return
    client: Any = _redis()
    if client.hlen(COUNTS_KEY) > MAX_FIELDS:
        client.delete(COUNTS_KEY)
    families = {family.name: Metric(family.name, family.documentation, family.type) for family in registry.collect()}
    for field, value in client.hgetall(COUNTS_KEY).items():
        family, name, labels = json.loads(field)
        if family in families:
            families[family].add_sample(name, labels, float(value))
    yield from families.values()
    yield from _pool_gauges(client)


def _flush_forever(registry: CollectorRegistry) -> None:
    while True:
        time.sleep(FLUSH_SECONDS)
        flush(registry)


def _report_pool(pipeline: Any) -> None:
    """Store the connection pool's state of this process, with the time."""
    pools: Any = getattr(type(connections["default"]), "_connection_pools", {})
    if pool := pools.get("default"):
        stats = pool.get_stats()
        row = {"at": time.time(), **{name: stats.get(name, 0) for name, _documentation in _POOL_GAUGES.values()}}
        pipeline.hset(POOLS_KEY, f"{socket.gethostname()}:{os.getpid()}", json.dumps(row))


def _pool_gauges(client: Any) -> Iterator[Metric]:
    rows = {field: json.loads(value) for field, value in client.hgetall(POOLS_KEY).items()}
    ended = [field for field, row in rows.items() if time.time() - row["at"] > POOL_SECONDS]
    if ended:
        client.hdel(POOLS_KEY, *ended)
    for name, (key, documentation) in _POOL_GAUGES.items():
        value = sum(row[key] for field, row in rows.items() if field not in ended)
        yield GaugeMetricFamily(name, documentation, value=value)


@cache
def _counts(registry: CollectorRegistry) -> Counts:
    return Counts(registry)


@cache
def _redis() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS, socket_timeout=1, socket_connect_timeout=1)
