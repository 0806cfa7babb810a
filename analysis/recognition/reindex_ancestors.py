"""Adds missing ancestors of labels to the index, in the background."""

from __future__ import annotations

from django.db import connection, transaction
from django.db.models import Max, Min

from analysis.jobs import run_for
from analysis.models import Image, Label
from analysis.recognition.label_ancestors import lock_parents, refresh_ancestors
from analysis.recognition.reindex_images import reindex

# Range of image ids per query, and images per transaction.
WINDOW = 5_000
STEP = 500
# After these seconds the task is sent again, so that it never outlives the broker's visibility timeout.
MAX_SECONDS = 120.0

# A tag has the ancestors of the label of its name (see label_ancestors). Rejected ancestors and those below their
# threshold are missing on purpose: their images are checked again, but nothing is written.
_LACKING = """
    WITH carrier AS (
        SELECT id, id AS label_id FROM analysis_label WHERE id = ANY(%(labels)s)
        UNION
        SELECT tag.id, coalesce(named.merged_into_id, named.id)
        FROM analysis_label named JOIN analysis_label tag ON lower(tag.name) = lower(named.name) AND tag.kind = 'tag'
        WHERE named.kind = 'label' AND coalesce(named.merged_into_id, named.id) = ANY(%(labels)s))
    SELECT DISTINCT carried.image_id
    FROM analysis_imagelabel carried
    JOIN carrier ON carrier.id = carried.label_id
    JOIN analysis_labelancestor own ON own.label_id = carrier.label_id
    WHERE carried.image_id > %(after)s AND carried.image_id <= %(last)s AND NOT EXISTS (
        SELECT FROM analysis_imagelabel implied
        WHERE implied.image_id = carried.image_id AND implied.label_id = own.ancestor_id
              AND implied.confidence >= carried.confidence)
    ORDER BY 1
"""


def refresh_all() -> None:
    """Update the ancestors of all labels from their parents.

    Needed after an upgrade, or after changes to the database by hand.
    """
    with transaction.atomic():
        lock_parents()
        refresh_ancestors()


def is_pending() -> bool:
    return Label.objects.filter(ancestors_cursor__isnull=False).exists()


def reindex_ancestors(*, seconds: float = MAX_SECONDS, size: int = WINDOW) -> bool:
    """Continue with the labels that are furthest behind; return True if any are left.

    One pass serves all labels that changed at the same time. May be killed or run twice at the same time.
    """
    return run_for(seconds, lambda: _reindex_window(size))


def _reindex_window(size: int) -> bool:
    """One window of images; False if no label needs it."""
    after = Label.objects.aggregate(cursor=Min("ancestors_cursor"))["cursor"]
    if after is None:
        return False
    pending = Label.objects.filter(ancestors_cursor=after)
    label_ids = list(pending.values_list("pk", flat=True))
    newest = Image.objects.aggregate(newest=Max("pk"))["newest"] or 0
    ids = _images_lacking_ancestors(label_ids, after=after, last=after + size)
    for start in range(0, len(ids), STEP):
        reindex(ids[start : start + STEP], apis=())
    # Compared, since another change of a label resets its cursor to start again.
    same = pending.filter(pk__in=label_ids)
    same.update(ancestors_cursor=after + size if after + size < newest else None)
    return True


def _images_lacking_ancestors(label_ids: list[int], *, after: int, last: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(_LACKING, {"labels": label_ids, "after": after, "last": last})
        return [pk for (pk,) in cursor.fetchall()]
