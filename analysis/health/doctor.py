"""Runs all health checks, for `manage.py doctor` and the system page."""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import celery
import django
from django.conf import settings
from django.core import checks
from django.db import Error, connection, transaction
from django.utils.translation import gettext as _

from analysis.findings import Finding, State, failed, first_line, ok, warning
from analysis.health import (
    aws,
    background_work,
    backups,
    embeddings,
    local_models,
    services,
    sign_in,
    storage,
    workload,
)
from analysis.search import replica
from imagelib import celery_broker

logger = logging.getLogger(__name__)

# Seconds per statement of a check.
QUERY_TIMEOUT = 5


@dataclass(frozen=True)
class Check:
    """A check, and the servers it needs (by the subjects of their own checks)."""

    subject: str
    run: Callable[[], Finding | Iterable[Finding]]
    needs: frozenset[str] = frozenset()


SERVERS = {"database": "PostgreSQL", "redis": "Redis"}
DATABASE, BROKER = frozenset({"database"}), frozenset({"redis"})


def all_checks() -> tuple[Check, ...]:
    return (
        Check("versions", versions),
        Check("configuration", configuration),
        Check("database", services.check_database),
        *([Check("read replica", services.check_replica, DATABASE)] if replica.is_configured() else []),
        Check("migrations", services.check_migrations, DATABASE),
        Check("redis", services.check_broker),
        *_background_checks(),
        Check("analyses", workload.check_queue_age, DATABASE),
        Check("stuck jobs", workload.check_stuck, DATABASE),
        Check("failures", workload.check_failures, DATABASE),
        Check("outages", workload.check_outages, DATABASE),
        Check("similar pictures", embeddings.check_embeddings, DATABASE),
        Check("storage", storage.check_storage),
        Check("bucket", storage.check_bucket),
        Check("files", storage.check_orphans, DATABASE),
        Check("deletions", storage.check_leftovers, DATABASE),
        Check("original deletions", storage.check_original_deletions, DATABASE),
        Check("disk", storage.check_disk),
        Check("backup", backups.check_backup, DATABASE),
        Check("models", local_models.check_local_models),
        Check("deliveries", workload.check_deliveries, DATABASE),
        *([Check("mail", sign_in.check_mail)] if settings.EMAIL_HOST else []),
        Check("two-step sign-in", sign_in.check_two_step, DATABASE),
        Check("budget", workload.check_budget, DATABASE),
        Check("rate limits", workload.check_rate_limits, BROKER),
    )


def _background_checks() -> tuple[Check, ...]:
    if background_work.is_in_use():
        return (Check("background work", background_work.check_work, DATABASE),)
    broker = frozenset[str]() if celery_broker.is_sqs(settings.CELERY_BROKER_URL) else BROKER
    return (
        Check("queue", services.check_queue, broker),
        Check("workers", services.check_workers, broker),
        Check("scheduler", services.check_scheduler, DATABASE),
    )


def recognizer_checks() -> tuple[Check, ...]:
    """Checks of the recognizer; none of them costs money."""
    subjects = {"database", "redis", "background work", "workers", "scheduler", "outages", "budget", "rate limits"}
    name = settings.RECOGNIZER
    own = {"models"} if name == "local" else set()
    chosen = tuple(check for check in all_checks() if check.subject in subjects | own)
    return (*chosen, Check("AWS credentials", aws.check_credentials)) if name == "rekognition" else chosen


def findings(chosen: Iterable[Check] | None = None) -> Iterator[Finding]:
    """Run checks, all by default, and yield their findings one by one.

    Raises nothing, and ends within a minute even if servers are down.
    """
    down: set[str] = set()
    for check in chosen or all_checks():
        if servers := ", ".join(SERVERS[name] for name in check.needs & down):
            message = _("Not checked because %(server)s is not available.") % {"server": servers}
            yield warning(check.subject, message, _("See above."))
            continue
        for finding in run_check(check):
            if finding.state is State.FAILED and check.subject in SERVERS:
                down.add(check.subject)
            yield finding


def run_check(check: Check) -> list[Finding]:
    """The findings of one check; an exception becomes a finding."""
    try:
        return _with_timeout(check.run) if "database" in check.needs else _as_list(check.run())
    except Error as error:
        message = _("The database rejected the query: %(error)s.") % {"error": first_line(error)}
        return [failed(check.subject, message, _("Run `manage.py migrate`."))]
    except Exception as error:  # the boundary: an error in one check makes the others all the more important
        logger.debug("doctor: %s", check.subject, exc_info=error)
        values = {"kind": type(error).__name__, "error": first_line(error)}
        return [failed(check.subject, _("This check failed with %(kind)s: %(error)s.") % values, "")]


def _with_timeout(run: Callable[[], Finding | Iterable[Finding]]) -> list[Finding]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            # LOCAL: it ends with the transaction, and so does not reach another client of PgBouncer.
            cursor.execute(f"SET LOCAL statement_timeout = '{QUERY_TIMEOUT}s'")
        return _as_list(run())


def _as_list(result: Finding | Iterable[Finding]) -> list[Finding]:
    return [result] if isinstance(result, Finding) else list(result)


def versions() -> Finding:
    programs = {"Python": platform.python_version(), "Django": django.__version__, "Celery": celery.__version__}
    message = _("%(programs)s; recognizer %(recognizer)s; %(system)s on %(machine)s.") % {
        "programs": ", ".join(f"{name} {version}" for name, version in programs.items()),
        "recognizer": settings.RECOGNIZER,
        "system": platform.system(),
        "machine": platform.machine(),
    }
    return ok("versions", message)


def configuration() -> Iterator[Finding]:
    """Errors and warnings of Django's system checks, including imagelib's."""
    messages = [message for message in checks.run_checks() if message.level >= checks.WARNING]
    if not messages:
        yield ok("configuration", _("No problems found."))
    for message in messages:
        make = failed if message.level >= checks.ERROR else warning
        yield make("configuration", str(message.msg), str(message.hint or ""))
