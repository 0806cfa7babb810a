"""Checks for /readyz: the servers that this process needs, with time limits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait

from django.db import connection
from django.utils.translation import gettext as _

from analysis.findings import Finding, failed
from analysis.health import doctor, services, storage

# Seconds for all checks together, which run in parallel.
LIMIT = 5.0
# Results are reused for these seconds, since anyone may send requests.
CACHE_SECONDS = 2.0
CHECKS = (
    doctor.Check("database", services.check_database),
    doctor.Check("migrations", services.check_migrations, doctor.DATABASE),
    doctor.Check("redis", services.check_broker),
    doctor.Check("storage", storage.check_reading),
)


class Readiness:
    """The latest findings, made by one thread per check.

    A check that hangs is not started again before it has ended, so there are never more threads than checks.
    """

    def __init__(self, checks: tuple[doctor.Check, ...] = CHECKS, *, limit: float = LIMIT) -> None:
        self._checks, self._limit = checks, limit
        self._lock = threading.Lock()
        self._running: dict[str, Future[list[Finding]]] = {}
        self._findings: list[Finding] = []
        self._made_at = float("-inf")

    def findings(self) -> list[Finding]:
        with self._lock:
            if time.monotonic() - self._made_at >= CACHE_SECONDS:
                self._findings, self._made_at = self._run_checks(), time.monotonic()
            return self._findings

    def _run_checks(self) -> list[Finding]:
        for check in self._checks:
            if check.subject not in self._running:
                self._running[check.subject] = _started(check)
        wait(self._running.values(), timeout=self._limit)
        findings = []
        for check in self._checks:
            if self._running[check.subject].done():
                findings += self._running.pop(check.subject).result()
            else:
                message = _("No response within %(seconds)s s.") % {"seconds": f"{self._limit:g}"}
                findings.append(failed(check.subject, message, _("See `manage.py doctor`.")))
        return findings


def _started(check: doctor.Check) -> Future[list[Finding]]:
    future: Future[list[Finding]] = Future()

    def run() -> None:
        try:
            future.set_result(doctor.run_check(check))
        finally:
            connection.close()  # of this thread

    # daemon, so that a check that hangs does not keep the process from exiting.
    threading.Thread(target=run, daemon=True, name=f"readiness-{check.subject}").start()
    return future


current_findings: Callable[[], list[Finding]] = Readiness().findings
