"""Fills new columns of older images in the background, in windows of ids."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction
from django.db.models import Max

from analysis.jobs import run_for
from analysis.library import cities
from analysis.library.camera_backfill import fill_camera_values
from analysis.library.folders import fill_folders
from analysis.models import Backfill, Image

WINDOW = 2_000
MAX_SECONDS = 120.0
STEPS: dict[str, Callable[[int, int], None]] = {
    "camera values": fill_camera_values,
    "folders": fill_folders,
    cities.BACKFILL: cities.fill_cities,
}
"""Functions that fill a column for images with ids after the first and up to the second number; they can be
repeated.
"""


def is_pending() -> bool:
    return Backfill.objects.filter(name__in=STEPS).exists()


def run_backfills(*, seconds: float = MAX_SECONDS, size: int = WINDOW) -> bool:
    """Fill more images; returns True if some are left.

    May be killed or run twice at the same time.
    """
    return run_for(seconds, lambda: fill_window(size) is not None)


def restart() -> None:
    """Fill all columns again, from the first image on."""
    for name in STEPS:
        Backfill.objects.update_or_create(name=name, defaults={"cursor": 0})


def fill_window(size: int = WINDOW) -> int | None:
    """Fill one window of one column.

    Returns the newest id in it, or None if nothing is left.
    """
    with transaction.atomic():
        rows = Backfill.objects.select_for_update(skip_locked=True).filter(name__in=STEPS).order_by("pk")
        row = rows.first()
        if row is None:
            return None
        STEPS[row.name](row.cursor, row.cursor + size)
        row.cursor += size
        if row.cursor >= (Image.objects.aggregate(newest=Max("pk"))["newest"] or 0):
            row.delete()
        else:
            row.save(update_fields=["cursor"])
    return row.cursor
