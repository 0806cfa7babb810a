"""The state of the installation's welcome page: dismissed, or offered to staff."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models.functions import Now

from analysis import audit_log
from analysis.models import AuditEntry, Image, Installation

SHOWN, DISMISSED = "shown", "dismissed"


def welcome_dismissed_at() -> datetime | None:
    return Installation.objects.values_list("welcome_dismissed_at", flat=True).first()


def offers_welcome_first() -> bool:
    """True before the first picture, unless someone dismissed the page."""
    return welcome_dismissed_at() is None and not Image.objects.exists()


def set_welcome_dismissed(*, is_dismissed: bool, by_id: int) -> None:
    """Hide the links to the welcome page, or show them again.

    A repeated call has no effect.
    """
    with transaction.atomic():
        Installation.objects.get_or_create(pk=1)
        rows = Installation.objects.filter(welcome_dismissed_at__isnull=is_dismissed)
        if not rows.update(welcome_dismissed_at=Now() if is_dismissed else None):
            return
        values = [SHOWN, DISMISSED] if is_dismissed else [DISMISSED, SHOWN]
        details = {"values": {"welcome": values}}
        audit_log.record(AuditEntry.Action.CHANGE, Installation.objects.get(), by_id=by_id, details=details)
