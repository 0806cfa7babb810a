"""Updates of the label index after verdicts, mostly without reading analyses.

The result must equal a reindex of the same pictures (tests/curation/test_bulk.py compares them). The caller locks the
pictures. Pictures in the trash have no index rows and get none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.db import connection
from django.db.models import Q

from analysis.library import image_events
from analysis.models import FileKeyword, Image, ImageLabel, Label, Verdict
from analysis.models.expressions import DateTaken
from analysis.recognition.label_ancestors import ancestors_of
from analysis.recognition.reindex_images import FULL, reindex

# A picture that was never analyzed has no row yet, and would be missing in searches for several labels.
_SAVE_LABEL_IDS = f"""
    INSERT INTO analysis_imageindex (image_id, sort_time, owner_id, visibility, label_ids)
    SELECT image.id, {DateTaken.template % {"expressions": "image.taken_at"}}, image.owner_id, image.visibility, ARRAY(
        SELECT label_id FROM analysis_imagelabel WHERE image_id = image.id ORDER BY label_id)
    FROM analysis_image image WHERE image.id = ANY(%s) AND image.trashed_at IS NULL ORDER BY image.id
    ON CONFLICT (image_id) DO UPDATE SET label_ids = excluded.label_ids
"""


def index_verdicts(label: Label, decisions: Mapping[int, str | None]) -> None:
    """Update the index; a decision of None means that no verdict is left."""
    if not decisions:
        return
    image_events.record_changed(decisions)
    if label.merged_into_id is not None or label.merged.exists():
        # Verdicts on any of the merged labels count for the remaining one, which only a reindex combines.
        reindex(list(decisions), apis=())
        return
    if ancestors_of([label.pk]):
        reindex(list(decisions), apis=())  # since other labels of the image may have the same ancestors
        return
    _index_rejected([pk for pk, decision in decisions.items() if decision == Verdict.Decision.REJECTED], label)
    _index_undecided([pk for pk, decision in decisions.items() if decision is None], label)
    positive = {Verdict.Decision.CONFIRMED, Verdict.Decision.ADDED}
    _index_positive([pk for pk, decision in decisions.items() if decision in positive], label)


def images_with_keyword(image_ids: Collection[int], label: Label) -> set[int]:
    """Pictures whose file has the label, or one merged into it, as a keyword."""
    keywords = FileKeyword.objects.filter(Q(label=label) | Q(label__merged_into=label), image_id__in=image_ids)
    return set(keywords.values_list("image_id", flat=True))


def _index_positive(image_ids: Collection[int], label: Label) -> None:
    rows = ImageLabel.objects.filter(image_id__in=image_ids, label=label)
    indexed = set(rows.values_list("image_id", flat=True))
    # Confirmed labels have 100 %, which is above every threshold.
    rows.update(confidence=FULL)
    missing = [pk for pk in image_ids if pk not in indexed]
    if label.kind != Label.Kind.TAG:
        reindex(missing, apis=())  # an analysis may have detected it below the threshold and counted instances
        return
    images = Image.objects.filter(pk__in=missing, trashed_at=None)
    ImageLabel.objects.bulk_create(
        ImageLabel(
            image_id=pk, label=label, confidence=FULL, sort_time=sort_time, owner_id=owner_id, visibility=visibility
        )
        for pk, sort_time, owner_id, visibility in images.values_list(
            "pk", DateTaken("taken_at"), "owner_id", "visibility"
        )
    )
    _update_label_ids(missing)


def _index_rejected(image_ids: Collection[int], label: Label) -> None:
    ImageLabel.objects.filter(image_id__in=image_ids, label=label).delete()
    _update_label_ids(image_ids)


def _index_undecided(image_ids: Collection[int], label: Label) -> None:
    if label.kind != Label.Kind.TAG:
        reindex(image_ids, apis=())
        return
    # Recognizers never return tags, so without a verdict only the file's keywords count.
    from_file = images_with_keyword(image_ids, label)
    _index_rejected([pk for pk in image_ids if pk not in from_file], label)
    reindex(from_file, apis=())


def _update_label_ids(image_ids: Collection[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _SAVE_LABEL_IDS,
            [list(image_ids)],
        )
