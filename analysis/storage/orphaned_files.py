"""Deletes stored files that no row refers to, for example after a crash."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from analysis.jobs import run_for
from analysis.models import Export, Image, PendingBlob, Upload
from analysis.storage import blobs

MIN_AGE = timedelta(hours=1)
"""Age from which a file without a row is orphaned; younger ones may get their row soon."""
RUN_SECONDS = 60.0
STEP = 500


def orphaned(*, older_than: timedelta) -> QuerySet[PendingBlob]:
    """Registered files without a row for a while, except those of open uploads."""
    # An open upload's file may be older than that, since over a slow connection a browser sends for hours.
    is_open = Q(state=Upload.State.ISSUED, expires_at__gt=Now()) | Q(state=Upload.State.ARRIVED)
    uploads = Upload.objects.filter(is_open, key=OuterRef("key"))
    return PendingBlob.objects.filter(~Exists(uploads), ~_is_needed(), since__lt=Now() - older_than)


def _is_needed() -> Q:
    """Condition for files that a row refers to after all.

    A restore that fails has copied files that the library had lost, before its rows were to be replaced.
    """
    originals = Image.objects.filter(bucket=None, key=OuterRef("key"))
    return Exists(originals) | Exists(Export.objects.filter(key=OuterRef("key")))


def delete(*, older_than: timedelta) -> None:
    """Delete orphaned files for up to RUN_SECONDS, until none can be deleted."""
    PendingBlob.objects.filter(_is_needed(), since__lt=Now() - older_than).delete()
    run_for(RUN_SECONDS, lambda: _delete_some(older_than))


def _delete_some(older_than: timedelta) -> bool:
    """Delete the oldest files; False if none could be deleted."""
    keys = list(orphaned(older_than=older_than).order_by("since").values_list("key", flat=True)[:STEP])
    blobs.delete_pending(keys)
    return PendingBlob.objects.filter(key__in=keys).count() < len(keys)
