"""Checks `manage.py work`, if it does the background work instead of Celery."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from analysis.findings import Finding, ok, warning
from analysis.formatting import duration
from analysis.models import WorkLease

MAX_AGE = timedelta(days=1)
"""Time without a run after which background work counts as not running."""


def is_in_use() -> bool:
    """True without a Celery broker."""
    return not settings.CELERY_BROKER_URL


def check_work() -> Finding:
    subject, started = "background work", _since_start()
    next_step = _("Run it regularly: see “Without worker and Redis” in docs/operations.md.")
    if started is None:
        return warning(subject, _("Background work is done by `manage.py work`, which has not run yet."), next_step)
    row = WorkLease.objects.get(name=WorkLease.NAME)
    values = {"age": duration(started), "host": row.host}
    if not WorkLease.objects.filter(WorkLease.is_free(), pk=row.pk).exists():
        message = _("Background work is done by `manage.py work`, running on %(host)s for %(age)s.")
        return ok(subject, message % values)
    if started > MAX_AGE:
        message = _("Background work is done by `manage.py work`, which was last started %(age)s ago.")
        return warning(subject, message % values, next_step)
    if row.token:
        message = _("Background work is done by `manage.py work`; the last run, started %(age)s ago, was killed.")
        return warning(subject, message % values, _("The next run will continue."))
    return ok(subject, _("Background work is done by `manage.py work`, last started %(age)s ago.") % values)


def is_overdue(waited: timedelta) -> bool:
    """True if work has waited so long that a run should have done it."""
    started = _since_start()
    if started is None or started > MAX_AGE:
        return True
    return waited > started and WorkLease.objects.filter(WorkLease.is_free()).exists()


def hint() -> str:
    """A sentence about the last run, for messages about waiting work."""
    started = _since_start()
    if started is None:
        return _("Background work is done by `manage.py work`, which has not run yet.")
    return _("The last run of `manage.py work` was started %(age)s ago; see its output.") % {"age": duration(started)}


def _since_start() -> timedelta | None:
    elapsed = ExpressionWrapper(Now() - F("started_at"), output_field=DurationField())
    return WorkLease.objects.filter(name=WorkLease.NAME).values_list(elapsed, flat=True).first()
