"""Checks the servers and processes: PostgreSQL, Redis, workers, scheduler."""

from __future__ import annotations

from functools import cache
from typing import Any

import redis
from celery import current_app
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from kombu.exceptions import OperationalError

from analysis.aws import sqs
from analysis.aws.errors import AWSError
from analysis.findings import Finding, failed, first_line, ok, warning
from analysis.formatting import duration, filesize, plural
from analysis.health import heartbeat
from analysis.health.bounded import bounded
from analysis.search import replica
from analysis.search.replica import ReplicaState
from imagelib import celery_broker, newer_database

CONNECT_TIMEOUT, READ_TIMEOUT = 3, 3  # seconds
PING_TIMEOUT = 1.5
# Number of messages. One message means that an API has work, all of which its worker does, so there are normally few.
LONG_QUEUE = 1_000
START_WORKER = gettext_lazy("Start one with `celery -A imagelib worker`, or everything with `make run`.")
START_EMBEDDED = gettext_lazy("Start it with `make run`.")
# The first version with NULLS NOT DISTINCT, which constraints of the statistics need.
MIN_POSTGRES = 15


def check_database() -> Finding:
    # A separate connection, since waiting for one from the pool may take much longer than this check may.
    subject = "database"
    database: Any = connection.Database  # type: ignore[attr-defined] # psycopg
    try:
        with database.connect(**connection.get_connection_params() | {"connect_timeout": CONNECT_TIMEOUT}) as own:
            own.execute(f"SET LOCAL statement_timeout = '{READ_TIMEOUT}s'")
            version = own.info.server_version // 10_000
            (size,) = own.execute("SELECT pg_database_size(current_database())").fetchone()
    except database.Error as error:
        next_step = _("Check DATABASE_URL and that the server is running.")
        next_step = str(START_EMBEDDED) if "postgres" in settings.EMBEDDED else next_step
        message = _("PostgreSQL is not available: %(error)s.") % {"error": first_line(error)}
        return failed(subject, message, next_step)
    if version < MIN_POSTGRES:
        message = _("PostgreSQL %(version)s is too old.") % {"version": version}
        return failed(subject, message, _("Use version %(version)s or newer.") % {"version": MIN_POSTGRES})
    return ok(subject, _("PostgreSQL %(version)s, %(size)s.") % {"version": version, "size": filesize(size)})


def check_replica() -> Finding:
    """The read replica; no finding without one."""
    subject, status = "read replica", replica.ReplicaMonitor().check()
    instead = _("Searches read the primary database.")
    match status.state:
        case ReplicaState.USABLE:
            return ok(subject, _("Searches read the replica; it has the latest changes."))
        case ReplicaState.UNREACHABLE:
            message = _("The read replica is not available: %(error)s.") % {"error": status.error}
            next_step = _("Check DATABASE_REPLICA_URL and that the server is running.")
        case ReplicaState.NO_STANDBY:
            message = _("DATABASE_REPLICA_URL points to a server that is not a standby of the primary database.")
            next_step = _("Set it to a streaming replica, or remove the setting.")
        case ReplicaState.BEHIND:
            # This may be temporary: any replica is behind at times while many pictures are analyzed.
            message = _("The read replica does not have the latest changes yet.")
            next_step = _("Check its replication if this lasts and no pictures are being added.")
    return warning(subject, f"{message} {instead}", next_step)


def check_migrations() -> Finding:
    if newer := newer_database.newer_migration():
        return failed("migrations", newer_database.newer_sentence(newer), "")
    executor = MigrationExecutor(connection)
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not pending:
        return ok("migrations", _("All migrations are applied."))
    names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _ in pending[:5])
    names += ", …" if len(pending) > 5 else "."
    text = ngettext("%(number)s migration is not applied:", "%(number)s migrations are not applied:", len(pending))
    return failed("migrations", f"{plural(text, len(pending))} {names}", _("Run `manage.py migrate`."))


def check_broker() -> Finding:
    if not settings.REDIS:
        return ok("redis", _("Redis is not used: limits are counted in the database."))
    try:
        info: Any = _redis().info()
    except redis.RedisError as error:
        next_step = _("Check REDIS_URL and that the server is running.")
        next_step = str(START_EMBEDDED) if "redis" in settings.EMBEDDED else next_step
        message = _("Redis is not available: %(error)s. New work waits in the database.") % {"error": first_line(error)}
        return failed("redis", message, next_step)
    policy = info.get("maxmemory_policy", "noeviction")
    # Valkey's redis_version is the version of Redis that it is compatible with.
    server = ("Valkey", info["valkey_version"]) if "valkey_version" in info else ("Redis", info.get("redis_version"))
    memory = filesize(int(info.get("used_memory", 0)))
    values = {"server": " ".join(map(str, server)), "memory": memory, "policy": policy}
    if int(info.get("maxmemory", 0)) and policy != "noeviction":
        # An evicted key may be a queue, whose messages would be lost.
        message = _("%(server)s, %(memory)s; it evicts keys when memory is full (%(policy)s).") % values
        return warning("redis", message, _("Set maxmemory-policy to noeviction."))
    return ok("redis", _("%(server)s, %(memory)s.") % values)


def queue_length() -> int:
    """Messages in the broker's queue. Raises RedisError."""
    return int(_redis().llen(settings.CELERY_TASK_DEFAULT_QUEUE))


def check_queue() -> Finding:
    if celery_broker.is_sqs(settings.CELERY_BROKER_URL):
        return _check_sqs()
    return _check_length(queue_length())


def _check_sqs() -> Finding:
    if not settings.CELERY_QUEUE_URL:
        return ok("queue", _("The queue is in SQS; see its length in CloudWatch."))
    try:
        status = sqs.connect(settings.CELERY_QUEUE_URL, region=settings.AWS_REGION).status()
    except AWSError as error:
        message = _("The queue of Celery cannot be read: %(error)s") % {"error": error}
        return failed("queue", message, _("Check CELERY_QUEUE_URL, and grant sqs:GetQueueAttributes."))
    if status.visibility_timeout < celery_broker.VISIBILITY_TIMEOUT:
        message = _("The visibility timeout of Celery's queue is %(seconds)s s: long tasks are delivered twice.")
        next_step = _("Set it to %(seconds)s s.") % {"seconds": celery_broker.VISIBILITY_TIMEOUT}
        return warning("queue", message % {"seconds": status.visibility_timeout}, next_step)
    return _check_length(status.messages)


def _check_length(length: int) -> Finding:
    message = plural(ngettext("%(number)s message in the queue.", "%(number)s messages in the queue.", length), length)
    if length > LONG_QUEUE:
        return warning("queue", message, _("Check that workers are running."))
    return ok("queue", message)


def check_workers() -> Finding:
    if celery_broker.is_sqs(settings.CELERY_BROKER_URL):
        # A ping is a broadcast, which SQS does not support. The heartbeat is sent like every task.
        return ok("workers", _("Workers cannot be contacted over SQS; the heartbeat shows whether they are running."))
    try:
        # Bounded, since Celery waits for ever for a broker that is frozen.
        names = sorted(bounded(lambda: current_app.control.inspect(timeout=PING_TIMEOUT).ping() or {}))
    except (OSError, OperationalError) as error:
        message = _("The workers could not be reached: %(error)s.") % {"error": first_line(error)}
        return failed("workers", message, _("Check Redis first."))
    if names:
        number = plural(ngettext("%(number)s worker", "%(number)s workers", len(names)), len(names))
        return ok("workers", f"{number}: {', '.join(names[:5])}{' …' if names[5:] else ''}.")
    return failed("workers", _("No worker is running."), str(START_WORKER))


def check_scheduler() -> Finding:
    age, subject = heartbeat.age(), "scheduler"
    if age is None:
        # Two schedulers would send each task twice.
        return failed(subject, _("No heartbeat yet."), _("Start exactly one scheduler: `celery -A imagelib beat`."))
    message = _("Last heartbeat through scheduler, broker and worker: %(age)s ago.") % {"age": duration(age)}
    if age > heartbeat.MAX_AGE:
        return failed(subject, message, _("Check that `celery -A imagelib beat` and a worker are running."))
    return ok(subject, message)


@cache
def _redis() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS, socket_timeout=READ_TIMEOUT, socket_connect_timeout=CONNECT_TIMEOUT)
