"""Adds file dates to pictures that were imported before imagelib read them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from django.db import transaction
from django.utils import timezone

from analysis.aws import s3_objects
from analysis.ingest.capture_time import CaptureTime
from analysis.ingest.file_date import is_plausible, modified_before_upload
from analysis.models import Backfill, Bucket, Image
from analysis.recognition.reindex_images import reindex
from analysis.storage import originals

WINDOW = 200
"""Pictures whose dates are saved together."""
REQUESTS = 8
"""Number of parallel requests."""


@dataclass
class FileDates:
    """Number of pictures in a bucket that were checked, and that got a date."""

    checked: int = 0
    filled: int = 0


def fill_file_dates(bucket: Bucket, *, is_stopped: Callable[[], bool]) -> FileDates:
    """Read file dates that uploaders stored in S3, for pictures without a date.

    Sends one HeadObject per picture. Continues where an earlier run was stopped. Raises AWSError, after which the next
    run begins with the same pictures.
    """
    # HeadObject returns 404 for a missing bucket and for a missing object alike.
    next(s3_objects.pages(originals.client_of(bucket), bucket.name, prefix=bucket.prefix, size=1), None)
    cursor, _ = Backfill.objects.get_or_create(name=f"file dates {bucket.pk}")
    dates = FileDates()
    while images := _undated(bucket, after=cursor.cursor):
        times = _modification_times(images, bucket)
        with transaction.atomic():
            dates.filled += _save(times)
            cursor.cursor = images[-1].pk
            cursor.save(update_fields=["cursor"])
        dates.checked += len(images)
        if is_stopped():
            return dates
    cursor.delete()
    return dates


def _undated(bucket: Bucket, *, after: int) -> list[Image]:
    # Pictures whose date was removed by a user are left out.
    images = Image.objects.filter(bucket=bucket, taken_at=None, trashed_at=None, pk__gt=after)
    images = images.exclude(file_values__has_key="taken").only("key", "version_id", "etag", "added_at")
    return list(images.order_by("pk")[:WINDOW])


def _modification_times(images: list[Image], bucket: Bucket) -> dict[int, CaptureTime]:
    """Plausible modification times by image id."""
    zone = timezone.get_current_timezone()
    with ThreadPoolExecutor(REQUESTS) as pool:
        metadata = list(pool.map(partial(originals.uploader_metadata, bucket=bucket), images))
    times = {image: modified_before_upload(values, zone=zone) for image, values in zip(images, metadata, strict=True)}
    return {image.pk: time for image, time in times.items() if time and is_plausible(time, now=image.added_at)}


def _save(times: dict[int, CaptureTime]) -> int:
    filled = [
        image_id
        for image_id, time in times.items()
        if Image.objects.filter(pk=image_id, taken_at=None).update(
            taken_at=time.clock, taken_offset=time.offset, is_file_date=True
        )
    ]
    reindex(filled)
    return len(filled)
