"""Looks at everything that must work, whatever does not: for the command, and for a page."""

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

from analysis.health import services, storage, workload
from analysis.health.findings import Finding, State, failed, ok, warning

logger = logging.getLogger(__name__)

SLOWEST = 5
"""Seconds that one look into the database may take."""


@dataclass(frozen=True)
class Check:
    """One thing to look at, and which servers must answer for it."""

    subject: str
    at: Callable[[], Finding | Iterable[Finding]]
    needs: frozenset[str] = frozenset()


SPOKEN = {"database": "the database", "redis": "Redis"}
DATABASE, BROKER = frozenset({"database"}), frozenset({"redis"})


def all_checks() -> tuple[Check, ...]:
    return (
        Check("versions", versions),
        Check("configuration", configuration),
        Check("database", services.check_database),
        Check("migrations", services.check_migrations, DATABASE),
        Check("redis", services.check_broker),
        Check("queue", services.check_queue, BROKER),
        Check("workers", services.check_workers, BROKER),
        Check("scheduler", services.check_scheduler, DATABASE),
        Check("waiting", workload.check_queue_age, DATABASE),
        Check("stuck", workload.check_stuck, DATABASE),
        Check("failures", workload.check_failures, DATABASE),
        Check("outages", workload.check_outages, DATABASE),
        Check("storage", storage.check_storage),
        Check("bucket", storage.check_bucket),
        Check("blobs", storage.check_orphans, DATABASE),
        Check("leftovers", storage.check_leftovers, DATABASE),
        Check("disk", storage.check_disk),
        Check("budget", workload.check_budget, DATABASE),
        Check("pace", workload.check_rate_limits, BROKER),
    )


def findings() -> Iterator[Finding]:
    """One by one as they are made. Raises nothing, and ends within a minute whatever is away."""
    away: set[str] = set()
    for look in all_checks():
        if absent := " and ".join(SPOKEN[name] for name in look.needs & away):
            yield warning(look.subject, f"Not known while {absent} does not answer.", "See above.")
            continue
        for found in made(look):
            if found.state is State.FAILED and look.subject in SPOKEN:
                away.add(look.subject)
            yield found


def made(look: Check) -> list[Finding]:
    try:
        made = _in_time(look.at) if "database" in look.needs else look.at()
        return [made] if isinstance(made, Finding) else list(made)
    except Error as error:
        return [failed(look.subject, f"The database refuses the look: {_line(error)}.", "Run `manage.py migrate`.")]
    except Exception as error:  # the boundary: whatever is wrong, the other lines are wanted all the more
        logger.debug("doctor: %s", look.subject, exc_info=error)
        return [failed(look.subject, f"It cannot be looked at: {type(error).__name__}: {_line(error)}.", "")]


def _in_time(at: Callable[[], Finding | Iterable[Finding]]) -> list[Finding]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{SLOWEST}s'")
        made = at()
        return [made] if isinstance(made, Finding) else list(made)


def versions() -> Finding:
    told = {"Python": platform.python_version(), "Django": django.__version__, "Celery": celery.__version__}
    names = ", ".join(f"{name} {version}" for name, version in told.items())
    return ok("versions", f"{names}; recognizer {settings.RECOGNIZER}; {platform.system()} on {platform.machine()}.")


def configuration() -> Iterator[Finding]:
    serious = [message for message in checks.run_checks() if message.level >= checks.WARNING]
    if not serious:
        yield ok("configuration", "No mistake was found.")
    for message in serious:
        make = failed if message.level >= checks.ERROR else warning
        yield make("configuration", str(message.msg), str(message.hint or ""))


def _line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
