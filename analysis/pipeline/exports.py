"""Exports in the background: start and retry."""

from __future__ import annotations

from django.db import transaction

from analysis import tasks
from analysis.exports import background
from analysis.models import Export


def start_export(export: Export) -> Export:
    """Queue an unsaved export. Raises background.ExportRefused."""
    with transaction.atomic():
        created = background.create(export)
        tasks.write_export.delay_on_commit(export_id=created.pk)
    return created


def retry_export(export: Export) -> bool:
    """Queue a failed or canceled export again. False if it is neither."""
    with transaction.atomic():
        is_queued = background.retry(export)
        if is_queued:
            tasks.write_export.delay_on_commit(export_id=export.pk)
    return is_queued
