"""A few rows held against their blobs, and a few blobs against their rows."""

from __future__ import annotations

import random
from collections.abc import Iterable

from django.db.models import Max

from analysis.models import Image, PendingBlob, Upload
from analysis.storage import blobs

DRAWN = 15
"""Pictures of a sample: with their renditions some forty questions to the storage."""
MOST_BLOBS = 200


def draw() -> list[Image]:
    """Some pictures: the newest, and others by chance."""
    last = Image.objects.aggregate(Max("pk"))["pk__max"] or 0
    by_chance = random.sample(range(1, last + 1), min(last, 4 * DRAWN))
    newest = list(Image.objects.order_by("-pk")[: DRAWN // 3])
    others = Image.objects.filter(pk__in=by_chance).exclude(pk__in=[image.pk for image in newest])
    return newest + list(others[: DRAWN - len(newest)])


def keys_of(image: Image) -> list[str]:
    """The original where it is in our storage, and the renditions, which always are."""
    original = [image.key] if image.bucket_id is None else []
    return [*original, *(blobs.rendition_key(image.renditions_id, name) for name in blobs.RENDITIONS)]


def missing_blobs(images: Iterable[Image]) -> list[str]:
    """Which of their blobs are gone. Asks the storage alone; raises blobs.StorageFailed."""
    return [key for image in images for key in keys_of(image) if not blobs.exists(key)]


def draw_blobs() -> list[str]:
    """The originals of a folder drawn by chance. Asks the storage alone; raises blobs.StorageFailed."""
    return list(blobs.list_keys(f"originals/{random.randrange(256):02x}"))[:MOST_BLOBS]  # noqa: S311


def unowned(keys: Iterable[str]) -> list[str]:
    """Which of these belong to no picture and to no upload on its way, and are not announced either."""
    asked = list(keys)
    owners = Image.objects.filter(bucket=None), Upload.objects.all(), PendingBlob.objects.all()
    owned = {key for rows in owners for key in rows.filter(key__in=asked).values_list("key", flat=True)}
    return [key for key in asked if key not in owned]
