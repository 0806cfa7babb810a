"""Rebuilds the search index and reports the images whose rows differed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection, transaction

from analysis.models import Image
from analysis.recognition.reindex_images import reindex

# Images per transaction: about 10,000 rows in memory.
STEP = 500

_ROWS = """
    SELECT image_id, 'labels',
           concat_ws(' ', label_id, confidence, instance_count, analysis_id, sort_time, owner_id, visibility)
    FROM analysis_imagelabel WHERE image_id = ANY(%(ids)s)
    UNION ALL
    SELECT image_id, 'index',
           concat_ws(' ', label_ids, brightness, sharpness, contrast, sort_time, owner_id, visibility)
    FROM analysis_imageindex WHERE image_id = ANY(%(ids)s)
    UNION ALL
    SELECT image_id, 'text', content FROM analysis_imagetext WHERE image_id = ANY(%(ids)s)
    UNION ALL
    SELECT image_id, 'faces',
           concat_ws(' ', "left", top, width, height, confidence, age_low, age_high, gender, attributes, emotions)
    FROM analysis_face WHERE image_id = ANY(%(ids)s)
"""
Row = tuple[int, str, str]


@dataclass(frozen=True)
class RebuildStep:
    """Progress of a rebuild.

    `images`: number of images checked. `differing`: kinds of rows that were wrong, by image id.
    """

    images: int
    differing: dict[int, tuple[str, ...]]


def rebuild(*, is_dry: bool = False) -> Iterator[RebuildStep]:
    """Rebuild the index of all images, in one transaction per step.

    Includes images in the trash. `is_dry` rolls each transaction back.
    """
    last = 0
    while ids := list(Image.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:STEP]):
        last = ids[-1]
        with transaction.atomic():
            before = _rows(ids)
            reindex(ids)
            changed = before ^ _rows(ids)
            transaction.set_rollback(is_dry)
        differing: dict[int, set[str]] = {}
        for image_id, kind, _ in changed:
            differing.setdefault(image_id, set()).add(kind)
        yield RebuildStep(len(ids), {image_id: tuple(sorted(kinds)) for image_id, kinds in sorted(differing.items())})


def _rows(ids: list[int]) -> set[Row]:
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, {"ids": ids})
        return set(cursor.fetchall())
