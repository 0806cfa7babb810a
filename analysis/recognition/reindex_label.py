"""After people changed what a label stands for: the pictures it concerns are indexed anew, in the background."""

from __future__ import annotations

import json
import time
from typing import NamedTuple

from django.db import connection
from django.db.models import Max

from analysis.models import Image, Label
from analysis.recognition.search_index import reindex

WINDOW = 5_000
"""Picture numbers looked at in one go."""
STEP = 500
SPELL = 120.0
APIS = {
    Label.Kind.LABEL: "labels",
    Label.Kind.COLOR: "labels",
    Label.Kind.FACE: "faces",
    Label.Kind.EMOTION: "faces",
    Label.Kind.CELEBRITY: "celebrities",
    Label.Kind.MODERATION: "moderation",
}


class Window(NamedTuple):
    """Pictures with numbers above the one and up to the other."""

    after: int
    last: int


def waiting() -> list[int]:
    """Labels of which pictures are still to be gone through.

    A worker that indexed a picture while its label was being merged may have written the old one.
    """
    left_over = Label.objects.filter(merged_into__isnull=False, image_count__gt=0, reindex_cursor=None)
    left_over.update(reindex_cursor=0)
    return list(Label.objects.filter(reindex_cursor__isnull=False).order_by("pk").values_list("pk", flat=True))


def reindex_label(label_id: int, *, seconds: float = SPELL, size: int = WINDOW) -> bool:
    """Go through more pictures; whether there are more. Safe to be killed and to be called twice at a time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        label = Label.objects.filter(pk=label_id, reindex_cursor__isnull=False).first()
        if label is None or label.reindex_cursor is None:
            return False
        newest = Image.objects.aggregate(newest=Max("pk"))["newest"] or 0
        window = Window(label.reindex_cursor, label.reindex_cursor + size)
        ids = affected_images(label, window)
        for start in range(0, len(ids), STEP):
            reindex(ids[start : start + STEP], apis=())
        same = Label.objects.filter(pk=label_id, reindex_cursor=window.after)  # somebody may have changed it again
        if window.last < newest:
            same.update(reindex_cursor=window.last)
        elif label.merged_into_id is not None:
            same.update(reindex_cursor=None, image_count=0)
        else:
            same.update(reindex_cursor=None)
    return True


def affected_images(label: Label, window: Window) -> list[int]:
    """Pictures that carry it, of which people or its file said it, or whose current answers may name it."""
    api = APIS.get(Label.Kind(label.kind), "")
    # A face's traits are named otherwise in answers than in labels ("EyesOpen"), so all answers are meant.
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
