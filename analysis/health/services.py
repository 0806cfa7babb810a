"""The servers: database, Redis, workers, scheduler."""

from __future__ import annotations

from functools import cache
from typing import Any

import redis
from celery import current_app
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import ngettext
from kombu.exceptions import OperationalError

from analysis.formatting import duration, plural
from analysis.health import heartbeat
from analysis.health.findings import Finding, bounded, failed, ok, warning

CONNECT, ANSWER = 3, 3  # seconds
PING = 1.5
LONG_QUEUE = 1_000
"""Messages; each says only that an API has work, and whoever takes one does all of it."""
START = "Start one: `celery -A imagelib worker`, or all at once: `make run`."
START_EMBEDDED = "Start it: `make run`."
OLDEST_POSTGRES = 15


def check_database() -> Finding:
    """By a connection of its own, since those of the pool are waited for longer."""
    subject = "database"
    database: Any = connection.Database  # type: ignore[attr-defined] # psycopg
    try:
        with database.connect(**connection.get_connection_params() | {"connect_timeout": CONNECT}) as own:
            own.execute(f"SET statement_timeout = '{ANSWER}s'")
            version = own.info.server_version // 10_000
            (size,) = own.execute("SELECT pg_size_pretty(pg_database_size(current_database()))").fetchone()
    except database.Error as error:
        step = "Is DATABASE_URL right, and the server up?"
        step = START_EMBEDDED if "postgres" in settings.EMBEDDED else step
        return failed(subject, f"PostgreSQL does not answer: {_first_line(error)}", step)
    if version < OLDEST_POSTGRES:
        return failed(subject, f"PostgreSQL {version} is too old.", f"Use {OLDEST_POSTGRES} or newer.")
    return ok(subject, f"PostgreSQL {version} answers, {size}.")


def check_migrations() -> Finding:
    executor = MigrationExecutor(connection)
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not pending:
        return ok("migrations", "All are applied.")
    names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _ in pending[:5])
    number = ngettext("%(number)s migration", "%(number)s migrations", len(pending))
    told = f"{plural(number, len(pending))} not applied: {names}."
    return failed("migrations", told, "Run `manage.py migrate`.")


def check_broker() -> Finding:
    try:
        told: Any = _redis().info()
    except redis.RedisError as error:
        step = START_EMBEDDED if "redis" in settings.EMBEDDED else "Is REDIS_URL right, and the server up?"
        sentence = f"Redis does not answer: {_first_line(error)} New work waits in the database meanwhile."
        return failed("redis", sentence, step)
    policy = told.get("maxmemory_policy", "noeviction")
    used = f"Redis {told.get('redis_version')} answers, {told.get('used_memory_human')}"
    if int(told.get("maxmemory", 0)) and policy != "noeviction":
        return warning("redis", f"{used}; when full it forgets keys ({policy}).", "Set maxmemory-policy noeviction.")
    return ok("redis", f"{used}.")


def check_queue() -> Finding:
    length = int(_redis().llen(settings.CELERY_TASK_DEFAULT_QUEUE))
    sentence = plural(ngettext("%(number)s message in the queue.", "%(number)s messages in the queue.", length), length)
    if length > LONG_QUEUE:
        return warning("queue", sentence, "Are there workers? They take one only when they may do its work.")
    return ok("queue", sentence)


def check_workers() -> Finding:
    """Whoever answers a ping; one that is alive answers within milliseconds."""
    try:
        names = sorted(bounded(lambda: current_app.control.inspect(timeout=PING).ping() or {}))
    except (OSError, OperationalError) as error:
        return failed("workers", f"They cannot be asked: {_first_line(error)}", "Look at Redis first.")
    if names:
        number = plural(ngettext("%(number)s worker", "%(number)s workers", len(names)), len(names))
        return ok("workers", f"{number}: {', '.join(names[:5])}{' …' if names[5:] else ''}.")
    return failed("workers", "No worker answers.", START)


def check_scheduler() -> Finding:
    age, subject = heartbeat.age_seconds(), "scheduler"
    if age is None:
        return failed(subject, "Nothing ever came from it.", "Start exactly one: `celery -A imagelib beat`.")
    told = f"The last message through scheduler, broker and worker came {duration(age)} ago"
    if age > heartbeat.MAX_AGE:
        return failed(subject, f"{told}.", "Start what is down: `celery -A imagelib beat`, and a worker.")
    return ok(subject, f"{told}.")


@cache
def _redis() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS, socket_timeout=ANSWER, socket_connect_timeout=CONNECT)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return f"{lines[0].rstrip('.')}."
