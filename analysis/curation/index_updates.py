"""One word on many pictures, in the rows that search reads: what reindex would make of it, without reading answers.

Pictures are locked by whoever calls. Those in the trash have no rows and get none.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db import connection
from django.db.models import Q

from analysis.models import FileKeyword, Image, ImageLabel, Label
from analysis.recognition.search_index import FULL, reindex


def index_confirmed(image_ids: Collection[int], label: Label) -> None:
    """A person says that the label is there: it is, as sure as can be."""
    rows = ImageLabel.objects.filter(image_id__in=image_ids, label=label)
    found = set(rows.values_list("image_id", flat=True))
    rows.update(confidence=FULL)
    missing = [pk for pk in image_ids if pk not in found]
    if label.kind != Label.Kind.TAG:
        reindex(missing, apis=())  # the recognizer may have found it, too, and counted instances
        return
    shown = Image.objects.filter(pk__in=missing, trashed_at=None)
    ImageLabel.objects.bulk_create(
        ImageLabel(
            image_id=pk, label=label, confidence=FULL, added_at=added_at, owner_id=owner_id, visibility=visibility
        )
        for pk, added_at, owner_id, visibility in shown.values_list("pk", "added_at", "owner_id", "visibility")
    )
    _renew_whole(missing)


def index_rejected(image_ids: Collection[int], label: Label) -> None:
    """A person says that the label is not there: it is not."""
    ImageLabel.objects.filter(image_id__in=image_ids, label=label).delete()
    _renew_whole(image_ids)


def index_from_analysis(image_ids: Collection[int], label: Label) -> None:
    """Nobody says anything of the label any more: what the recognizer says stands, which never says tags, and what
    the file says.
    """
    if label.kind != Label.Kind.TAG:
        reindex(image_ids, apis=())
        return
    in_file = in_files(image_ids, label)
    index_rejected([pk for pk in image_ids if pk not in in_file], label)
    reindex(in_file, apis=())


def in_files(image_ids: Collection[int], label: Label) -> set[int]:
    """Of these pictures those whose file carries the label, or one that it stands for, as a keyword."""
    keywords = FileKeyword.objects.filter(Q(label=label) | Q(label__merged_into=label), image_id__in=image_ids)
    return set(keywords.values_list("image_id", flat=True))


def _renew_whole(image_ids: Collection[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE analysis_imageindex whole
            SET label_ids = ARRAY(
                SELECT label_id FROM analysis_imagelabel WHERE image_id = whole.image_id ORDER BY label_id)
            WHERE image_id = ANY(%s)
            """,
            [list(image_ids)],
        )
