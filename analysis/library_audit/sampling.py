"""Samples of rows and files for the quick check of `manage.py doctor`."""

from __future__ import annotations

import random
from collections.abc import Iterable

from django.db.models import Max

from analysis.models import Image, PendingBlob, Upload
from analysis.storage import blobs

SAMPLE_SIZE = 15
"""Images of a sample, which with renditions take about forty requests to the storage."""
MAX_BLOBS = 200


def draw() -> list[Image]:
    """The newest images, and random others."""
    last = Image.objects.aggregate(Max("pk"))["pk__max"] or 0
    # Random IDs, since ORDER BY random() would read the whole table; four times as many, since IDs of deleted pictures
    # do not exist.
    random_ids = random.sample(range(1, last + 1), min(last, 4 * SAMPLE_SIZE))
    newest = list(Image.objects.order_by("-pk")[: SAMPLE_SIZE // 3])
    others = Image.objects.filter(pk__in=random_ids).exclude(pk__in=[image.pk for image in newest])
    return newest + list(others[: SAMPLE_SIZE - len(newest)])


def keys_of(image: Image) -> list[str]:
    """Keys in our storage: renditions, and the original unless it is in a bucket."""
    original = [image.key] if image.bucket_id is None else []
    return [*original, *(blobs.rendition_key(image.renditions_id, name) for name in blobs.RENDITIONS)]


def missing_blobs(images: Iterable[Image]) -> list[str]:
    """Keys of these images that storage lacks. Reads no rows; raises StorageError."""
    return [key for image in images for key in keys_of(image) if not blobs.exists(key)]


def draw_blobs() -> list[str]:
    """Keys of originals in a random folder. Reads no rows; raises StorageError."""
    # Keys are spread over 256 folders by their first byte, so one folder is a fair sample for one listing.
    return list(blobs.list_keys(f"originals/{random.randrange(256):02x}"))[:MAX_BLOBS]


def unowned(keys: Iterable[str]) -> list[str]:
    """The keys that belong to no image or upload, and are not being added."""
    requested = list(keys)
    owners = Image.objects.filter(bucket=None), Upload.objects.all(), PendingBlob.objects.all()
    owned = {key for rows in owners for key in rows.filter(key__in=requested).values_list("key", flat=True)}
    return [key for key in requested if key not in owned]
