"""The read side made anew from answers and verdicts, and what differed: it may always be thrown away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection, transaction

from analysis.models import Image
from analysis.recognition.search_index import reindex

STEP = 500
"""Pictures in one transaction: some 10,000 rows in memory."""

_ROWS = """
    SELECT image_id, 'labels',
           concat_ws(' ', label_id, confidence, instance_count, analysis_id, added_at, owner_id, visibility)
    FROM analysis_imagelabel WHERE image_id = ANY(%(ids)s)
    UNION ALL
    SELECT image_id, 'whole',
           concat_ws(' ', label_ids, brightness, sharpness, contrast, added_at, owner_id, visibility)
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
class Step:
    """So many pictures gone through, and those whose rows were not what they should be, with what differed."""

    images: int
    differing: dict[int, tuple[str, ...]]


def rebuild(*, is_dry: bool = False) -> Iterator[Step]:
    """Go through the whole library, the trash too, a transaction for each step; `is_dry` changes nothing."""
    last = 0
    while ids := list(Image.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:STEP]):
        last = ids[-1]
        with transaction.atomic():
            before = _rows(ids)
            reindex(ids)
            changed = before ^ _rows(ids)
            transaction.set_rollback(is_dry)
        differing: dict[int, set[str]] = {}
        for image_id, what, _ in changed:
            differing.setdefault(image_id, set()).add(what)
        yield Step(len(ids), {image_id: tuple(sorted(what)) for image_id, what in sorted(differing.items())})


def _rows(ids: list[int]) -> set[Row]:
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, {"ids": ids})
        return set(cursor.fetchall())
