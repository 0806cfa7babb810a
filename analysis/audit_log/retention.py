"""Deletes entries older than AUDIT_DAYS."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from analysis.jobs import run_for
from analysis.models import AuditedImages, AuditEntry

STEP = 5_000
MAX_RUN_SECONDS = 60.0
MIN_DAYS = 30
"""The trigger protects younger entries, whatever the setting."""


def delete_expired() -> None:
    """Delete entries older than AUDIT_DAYS; none if it is 0."""
    if settings.AUDIT_DAYS:
        run_for(MAX_RUN_SECONDS, _delete_step)


def _delete_step() -> bool:
    limit = Now() - timedelta(days=max(settings.AUDIT_DAYS, MIN_DAYS))
    with transaction.atomic(), connection.cursor() as cursor:
        # A trigger refuses every other deletion, see migration 0019.
        cursor.execute("SET LOCAL imagelib.audit_retention = 'on'")
        # The pictures first, so that a reader in between never finds pictures without their entry.
        deleted = _delete_oldest(AuditedImages.objects.filter(at__lt=limit)) or _delete_oldest(
            AuditEntry.objects.filter(at__lt=limit)
        )
    return deleted > 0


def _delete_oldest(rows: QuerySet[AuditedImages] | QuerySet[AuditEntry]) -> int:
    ids = list(rows.order_by("at").values_list("pk", flat=True)[:STEP])
    return rows.model._default_manager.filter(pk__in=ids).delete()[0]
