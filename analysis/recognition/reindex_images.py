"""Writes the rows that search reads, for many images at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection, transaction

from analysis.ingest.thumbnails import payload_extent
from analysis.models import Analysis, Face, FileKeyword, Image, ImageText, Verdict
from analysis.models.expressions import DateTaken
from analysis.recognition import responses
from analysis.recognition.detected_labels import DetectedLabel, detected_labels, emotions_of, lines_in, traits_of
from analysis.recognition.label_ancestors import ancestors_of
from analysis.recognition.label_registry import get_or_create_labels

# 100 % in ImageLabel.confidence, which is in hundredths of a percent.
FULL = 10_000
_SORT_TIME = DateTaken.template % {"expressions": "image.taken_at"}
MAX_TEXT = 100_000
"""Characters of an image's text that are stored, since a tsvector has a megabyte at most."""


class LabelRow(NamedTuple):
    """A row of ImageLabel without the columns copied from its image."""

    image_id: int
    label_id: int
    confidence: int
    instance_count: int
    analysis_id: int | None


@dataclass(frozen=True)
class CurrentResult:
    """A current analysis with its response."""

    image_id: int
    analysis_id: int
    api: str
    answer: dict[str, Any]


def reindex(image_ids: Collection[int], *, apis: Collection[str] = Analysis.Api.values) -> None:
    """Update the index rows of the images, all or nothing.

    Call it also after a change of `taken_at`, from which the rows copy their sort key.

    `apis`: those with new results; rows of faces or text are kept if their API is not among them.
    """
    with transaction.atomic():
        # In the order of their ids, so that workers with the same images do not deadlock.
        locked = Image.objects.select_for_update().filter(pk__in=image_ids).order_by("pk")
        sizes = {
            pk: (width, height)
            for pk, trashed_at, width, height in locked.values_list("pk", "trashed_at", "width", "height")
            if trashed_at is None
        }
        results = [
            CurrentResult(image_id, pk, api, answer or {})
            for image_id, pk, api, answer in Analysis.objects.current()
            .filter(image_id__in=sizes)
            .values_list("image_id", "pk", "api", "answer")
        ]
        _replace_labels(image_ids, _effective_rows(list(sizes), results))
        _replace_image_index(image_ids, results)
        if Analysis.Api.FACES in apis:
            _replace_faces(image_ids, [result for result in results if result.api == Analysis.Api.FACES], sizes=sizes)
        if Analysis.Api.TEXT in apis:
            _replace_text(image_ids, [result for result in results if result.api == Analysis.Api.TEXT])


def _effective_rows(image_ids: list[int], results: list[CurrentResult]) -> list[LabelRow]:
    """Labels of results and keywords, corrected by verdicts, with ancestors."""
    rows = _labels_from_analyses(results)
    for image_id, label_id in _labels_from_keywords(image_ids):
        rows.setdefault((image_id, label_id), LabelRow(image_id, label_id, FULL, 0, None))
    verdicts = _labels_from_verdicts(image_ids)
    for (image_id, label_id), decision in verdicts.items():
        if decision == Verdict.Decision.REJECTED:
            rows.pop((image_id, label_id), None)
        else:
            row = rows.get((image_id, label_id), LabelRow(image_id, label_id, FULL, 0, None))
            rows[image_id, label_id] = row._replace(confidence=FULL)
    # After the verdicts: a rejected label gives no ancestors, and does not come back as the ancestor of another one.
    rejected = {key for key, decision in verdicts.items() if decision == Verdict.Decision.REJECTED}
    for key, confidence in _confidence_of_ancestors(rows.values()).items():
        if key not in rejected:
            row = rows.get(key, LabelRow(*key, confidence, 0, None))
            rows[key] = row._replace(confidence=max(row.confidence, confidence))
    return [rows[key] for key in sorted(rows)]


def _confidence_of_ancestors(rows: Collection[LabelRow]) -> dict[tuple[int, int], int]:
    """Confidence of each ancestor: the highest of its descendants.

    Ancestors below their threshold are left out.
    """
    ancestors = ancestors_of(row.label_id for row in rows)
    highest: dict[tuple[int, int], int] = {}
    for row in rows:
        for ancestor in ancestors.get(row.label_id, ()):
            key = row.image_id, ancestor.id
            if row.confidence >= 100 * ancestor.threshold:
                highest[key] = max(highest.get(key, 0), row.confidence)
    return highest


def _labels_from_analyses(results: list[CurrentResult]) -> dict[tuple[int, int], LabelRow]:
    """Labels by (image id, label id).

    Of merged labels the one with the highest confidence; none below the label's threshold.
    """
    detected = [
        (result, detected_labels(result.api, result.answer, threshold=settings.FACE_CONFIDENCE)) for result in results
    ]
    resolved = get_or_create_labels(label for _, labels in detected for label in labels)
    rows: dict[tuple[int, int], LabelRow] = {}
    for result, labels in detected:
        for label in labels:
            target = resolved[label.key]
            row = _row(result, target.id, label)
            previous = rows.get((row.image_id, row.label_id))
            if row.confidence >= 100 * target.threshold and (previous is None or previous.confidence < row.confidence):
                rows[row.image_id, row.label_id] = row
    return rows


def _labels_from_keywords(image_ids: list[int]) -> set[tuple[int, int]]:
    """(image id, label id) for the keywords in the images' files."""
    keywords = FileKeyword.objects.filter(image_id__in=image_ids)
    rows = keywords.values_list("image_id", "label_id", "label__merged_into_id")
    return {(image_id, merged_into or label_id) for image_id, label_id, merged_into in rows}


def _labels_from_verdicts(image_ids: list[int]) -> dict[tuple[int, int], str]:
    """The latest decision by (image id, label id).

    Verdicts on a merged label count for the label it was merged into.
    """
    verdicts = Verdict.objects.filter(image_id__in=image_ids).order_by("decided_at", "pk")
    return {
        (image_id, merged_into or label_id): decision
        for image_id, label_id, merged_into, decision in verdicts.values_list(
            "image_id", "label_id", "label__merged_into_id", "decision"
        )
    }


def _row(result: CurrentResult, label_id: int, label: DetectedLabel) -> LabelRow:
    confidence = min(max(round(label.confidence * 100), 0), FULL)
    # 32,767 is the largest value of a smallint.
    return LabelRow(result.image_id, label_id, confidence, min(label.instance_count, 32_767), result.analysis_id)


def _replace_labels(image_ids: Collection[int], rows: list[LabelRow]) -> None:
    """Replace the label rows of the images, with one DELETE and one INSERT.

    Unchanged rows are not written, which saves WAL.
    """
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], [], []]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM analysis_imagelabel old WHERE image_id = ANY(%s) AND NOT EXISTS (
                SELECT FROM unnest(%s::bigint[], %s::int[]) AS new (image_id, label_id)
                WHERE new.image_id = old.image_id AND new.label_id = old.label_id)
            """,
            [list(image_ids), columns[0], columns[1]],
        )
        cursor.execute(
            f"""
            INSERT INTO analysis_imagelabel AS old
                (image_id, label_id, confidence, instance_count, analysis_id, sort_time, owner_id, visibility)
            SELECT new.*, {_SORT_TIME}, image.owner_id, image.visibility
            FROM unnest(%s::bigint[], %s::int[], %s::smallint[], %s::smallint[], %s::bigint[])
                 AS new (image_id, label_id, confidence, instance_count, analysis_id)
            JOIN analysis_image image ON image.id = new.image_id
            ON CONFLICT (image_id, label_id) DO UPDATE
            SET (confidence, instance_count, analysis_id, sort_time, owner_id, visibility) =
                (excluded.confidence, excluded.instance_count, excluded.analysis_id,
                 excluded.sort_time, excluded.owner_id, excluded.visibility)
            WHERE (old.confidence, old.instance_count, old.analysis_id, old.sort_time, old.owner_id, old.visibility)
                  IS DISTINCT FROM
                  (excluded.confidence, excluded.instance_count, excluded.analysis_id,
                   excluded.sort_time, excluded.owner_id, excluded.visibility)
            """,
            columns,
        )


_DELETE_TRASHED = """
    DELETE FROM analysis_imageindex USING analysis_image image
    WHERE image_id = ANY(%s) AND image.id = image_id AND image.trashed_at IS NOT NULL
"""
_UPSERT_IMAGE_INDEX = f"""
    INSERT INTO analysis_imageindex AS old
        (image_id, sort_time, owner_id, visibility, label_ids, brightness, sharpness, contrast)
    SELECT image.id, {_SORT_TIME}, image.owner_id, image.visibility,
           ARRAY(SELECT label_id FROM analysis_imagelabel WHERE image_id = image.id ORDER BY label_id),
           quality.brightness, quality.sharpness, quality.contrast
    FROM analysis_image image
    LEFT JOIN unnest(%s::bigint[], %s::float[], %s::float[], %s::float[])
              AS quality (image_id, brightness, sharpness, contrast) ON quality.image_id = image.id
    WHERE image.id = ANY(%s) AND image.trashed_at IS NULL
    ON CONFLICT (image_id) DO UPDATE
    SET (sort_time, owner_id, visibility, label_ids, brightness, sharpness, contrast) =
        (excluded.sort_time, excluded.owner_id, excluded.visibility, excluded.label_ids,
         excluded.brightness, excluded.sharpness, excluded.contrast)
    WHERE old IS DISTINCT FROM excluded
"""


def _replace_image_index(image_ids: Collection[int], results: Iterable[CurrentResult]) -> None:
    """Write the ImageIndex row of each image from its label rows.

    Images in the trash get none.
    """
    qualities = {
        result.image_id: quality
        for result in results
        if result.api == Analysis.Api.LABELS and (quality := responses.quality_in(result.answer))
    }
    with connection.cursor() as cursor:
        cursor.execute(_DELETE_TRASHED, [list(image_ids)])
        cursor.execute(
            _UPSERT_IMAGE_INDEX,
            [
                list(qualities),
                [quality.brightness for quality in qualities.values()],
                [quality.sharpness for quality in qualities.values()],
                [quality.contrast for quality in qualities.values()],
                list(image_ids),
            ],
        )


def _replace_faces(
    image_ids: Collection[int], results: Iterable[CurrentResult], *, sizes: dict[int, tuple[int, int]]
) -> None:
    Face.objects.filter(image_id__in=image_ids).delete()
    Face.objects.bulk_create(
        [
            _face(result.image_id, face, sizes[result.image_id])
            for result in results
            for face in responses.faces_in(result.answer)
        ]
    )


def _face(image_id: int, face: responses.DetectedFace, size: tuple[int, int]) -> Face:
    # A very narrow image is padded to the recognizer's minimum side, so its boxes refer to a larger image.
    across, down = payload_extent(*size, long_side=settings.RECOGNITION_LONG_SIDE)
    return Face(
        image_id=image_id,
        left=face.box.left / across,
        top=face.box.top / down,
        width=face.box.width / across,
        height=face.box.height / down,
        confidence=face.confidence,
        age_low=_years(face.age_low),
        age_high=_years(face.age_high),
        gender=(face.gender or "")[:10],
        attributes=[name[:20] for name in traits_of(face, threshold=settings.FACE_CONFIDENCE)],
        emotions=[name[:20] for name in emotions_of(face, threshold=settings.FACE_CONFIDENCE)],
    )


def _years(age: int | None) -> int | None:
    """An age that fits the column, whatever the response contains."""
    return None if age is None else min(max(age, 0), 150)


def _replace_text(image_ids: Collection[int], results: Iterable[CurrentResult]) -> None:
    texts = [ImageText(image_id=result.image_id, content=lines_in(result.answer)[:MAX_TEXT]) for result in results]
    texts = [text for text in texts if text.content]
    ImageText.objects.filter(image_id__in=set(image_ids) - {text.pk for text in texts}).delete()
    ImageText.objects.bulk_create(texts, update_conflicts=True, unique_fields=["image"], update_fields=["content"])
