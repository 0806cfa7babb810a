"""Reindexes the images of a changed label in the background."""

from __future__ import annotations

import json
from typing import NamedTuple

from django.db import connection
from django.db.models import Max

from analysis.jobs import run_for
from analysis.models import Image, Label
from analysis.recognition.reindex_images import reindex

# Range of image ids per query.
WINDOW = 5_000
# Images per transaction.
STEP = 500
# After these seconds the task is sent again, so that it never outlives the broker's visibility timeout.
MAX_SECONDS = 120.0
APIS = {
    Label.Kind.LABEL: "labels",
    Label.Kind.COLOR: "labels",
    Label.Kind.FACE: "faces",
    Label.Kind.EMOTION: "faces",
    Label.Kind.CELEBRITY: "celebrities",
    Label.Kind.MODERATION: "moderation",
}


class Window(NamedTuple):
    """Image ids greater than `after`, up to `last`."""

    after: int
    last: int


def pending_label_ids() -> list[int]:
    """Ids of labels that are not fully reindexed."""
    # Merged labels that have images again: a worker that indexed an image during the merge may have used the old label.
    stale = Label.objects.filter(merged_into__isnull=False, image_count__gt=0, reindex_cursor=None)
    stale.update(reindex_cursor=0)
    return list(Label.objects.filter(reindex_cursor__isnull=False).order_by("pk").values_list("pk", flat=True))


def reindex_label(label_id: int, *, seconds: float = MAX_SECONDS, size: int = WINDOW) -> bool:
    """Reindex images from the label's cursor on; return True if some are left.

    May be killed or run twice at the same time.
    """
    return run_for(seconds, lambda: _reindex_window(label_id, size))


def _reindex_window(label_id: int, size: int) -> bool:
    """Reindex one window of images; return False if the label needs none."""
    label = Label.objects.filter(pk=label_id, reindex_cursor__isnull=False).first()
    if label is None or label.reindex_cursor is None:
        return False
    newest = Image.objects.aggregate(newest=Max("pk"))["newest"] or 0
    window = Window(label.reindex_cursor, label.reindex_cursor + size)
    ids = affected_images(label, window)
    for start in range(0, len(ids), STEP):
        reindex(ids[start : start + STEP], apis=())
    # Compared, since another change of the label resets the cursor to start again.
    same = Label.objects.filter(pk=label_id, reindex_cursor=window.after)
    if window.last < newest:
        same.update(reindex_cursor=window.last)
    elif label.merged_into_id is not None:
        same.update(reindex_cursor=None, image_count=0)
    else:
        same.update(reindex_cursor=None)
    return True


def affected_images(label: Label, window: Window) -> list[int]:
    """Ids of images that have, or may get, this label."""
    api = APIS.get(Label.Kind(label.kind), "")
    # Responses spell face attributes differently ("EyesOpen" for "Eyes Open"), so all of them match.
    name = "" if label.kind == Label.Kind.FACE else json.dumps(label.name, ensure_ascii=False)[1:-1]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT image_id FROM analysis_imagelabel
            WHERE image_id > %(after)s AND image_id <= %(last)s AND label_id = %(label)s
            UNION
            SELECT image_id FROM analysis_verdict
            WHERE image_id > %(after)s AND image_id <= %(last)s AND label_id = %(label)s
            UNION
            SELECT image_id FROM analysis_filekeyword
            WHERE image_id > %(after)s AND image_id <= %(last)s AND label_id = %(label)s
            UNION
            SELECT image_id FROM analysis_analysis
            WHERE image_id > %(after)s AND image_id <= %(last)s AND is_current AND api = %(api)s
                  AND position(lower(%(name)s) in lower(answer::text)) > 0
            ORDER BY image_id
            """,
            {"after": window.after, "last": window.last, "label": label.pk, "api": api, "name": name},
        )
        return [pk for (pk,) in cursor.fetchall()]
