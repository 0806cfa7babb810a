"""From current answers and verdicts to the rows that search reads, many pictures at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection, transaction

from analysis.ingest.render import payload_extent
from analysis.models import Analysis, Face, FileKeyword, Image, ImageText, Verdict
from analysis.recognition import responses
from analysis.recognition.detected_labels import DetectedLabel, detected_labels, emotions_of, lines_in, traits_of
from analysis.recognition.label_registry import get_or_create_labels

FULL = 10_000
"""100 % in ImageLabel's hundredths."""


class Row(NamedTuple):
    """One row of ImageLabel, without what it repeats of its picture."""

    image_id: int
    label_id: int
    confidence: int
    instance_count: int
    analysis_id: int | None


@dataclass(frozen=True)
class Current:
    """A current answer."""

    image_id: int
    analysis_id: int
    api: str
    answer: dict[str, Any]


def reindex(image_ids: Collection[int], *, apis: Collection[str] = Analysis.Api.values) -> None:
    """Make the pictures' rows say what their current answers and verdicts say, all or nothing.

    `apis`: those with news, which spares looking at the faces when only text was read. Pictures are locked in the
    order of their ids, so that two workers never wait for one another in a circle.
    """
    with transaction.atomic():
        locked = Image.objects.select_for_update().filter(pk__in=image_ids).order_by("pk")
        shown = {
            pk: (width, height)
            for pk, trashed_at, width, height in locked.values_list("pk", "trashed_at", "width", "height")
            if trashed_at is None
        }
        answers = [
            Current(image_id, pk, api, answer or {})
            for image_id, pk, api, answer in Analysis.objects.current()
            .filter(image_id__in=shown)
            .values_list("image_id", "pk", "api", "answer")
        ]
        _replace_labels(image_ids, _effective_rows(list(shown), answers))
        _replace_image_index(image_ids, answers)
        if Analysis.Api.FACES in apis:
            _replace_faces(image_ids, [each for each in answers if each.api == Analysis.Api.FACES], sizes=shown)
        if Analysis.Api.TEXT in apis:
            _replace_text(image_ids, [each for each in answers if each.api == Analysis.Api.TEXT])


def _effective_rows(image_ids: list[int], answers: list[Current]) -> list[Row]:
    """Current machine answers as far as they count and the files' keywords, less what was rejected, plus what was
    confirmed or added.
    """
    rows = _labels_from_analyses(answers)
    for image_id, label_id in _said_by_files(image_ids):
        rows.setdefault((image_id, label_id), Row(image_id, label_id, FULL, 0, None))
    for (image_id, label_id), decision in _labels_from_verdicts(image_ids).items():
        if decision == Verdict.Decision.REJECTED:
            rows.pop((image_id, label_id), None)
        else:
            machine = rows.get((image_id, label_id), Row(image_id, label_id, FULL, 0, None))
            rows[image_id, label_id] = machine._replace(confidence=FULL)
    return [rows[key] for key in sorted(rows)]


def _labels_from_analyses(answers: list[Current]) -> dict[tuple[int, int], Row]:
    """Of words that one label stands for, the surest; none below its threshold."""
    said = [(each, detected_labels(each.api, each.answer, threshold=settings.FACE_CONFIDENCE)) for each in answers]
    labels = get_or_create_labels(word for _, words in said for word in words)
    rows: dict[tuple[int, int], Row] = {}
    for current, words in said:
        for word in words:
            label = labels[word.key]
            row = _row(current, label.id, word)
            before = rows.get((row.image_id, row.label_id))
            if row.confidence >= 100 * label.threshold and (before is None or before.confidence < row.confidence):
                rows[row.image_id, row.label_id] = row
    return rows


def _said_by_files(image_ids: list[int]) -> set[tuple[int, int]]:
    """Pictures and the labels that stand for the keywords in their files."""
    keywords = FileKeyword.objects.filter(image_id__in=image_ids)
    rows = keywords.values_list("image_id", "label_id", "label__merged_into_id")
    return {(image_id, merged_into or label_id) for image_id, label_id, merged_into in rows}


def _labels_from_verdicts(image_ids: list[int]) -> dict[tuple[int, int], str]:
    """The last word on each label, whichever of those that it stands for that was said of."""
    said = Verdict.objects.filter(image_id__in=image_ids).order_by("decided_at", "pk")
    return {
        (image_id, merged_into or label_id): decision
        for image_id, label_id, merged_into, decision in said.values_list(
            "image_id", "label_id", "label__merged_into_id", "decision"
        )
    }


def _row(current: Current, label_id: int, word: DetectedLabel) -> Row:
    confidence = min(max(round(word.confidence * 100), 0), FULL)
    return Row(current.image_id, label_id, confidence, min(word.instance_count, 32_767), current.analysis_id)


def _replace_labels(image_ids: Collection[int], rows: list[Row]) -> None:
    """One DELETE and one INSERT however many pictures there are; rows that say the same already are left alone."""
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], [], []]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM analysis_imagelabel old WHERE image_id = ANY(%s) AND NOT EXISTS (
                SELECT FROM unnest(%s::bigint[], %s::int[]) AS kept (image_id, label_id)
                WHERE kept.image_id = old.image_id AND kept.label_id = old.label_id)
            """,
            [list(image_ids), columns[0], columns[1]],
        )
        cursor.execute(
            """
            INSERT INTO analysis_imagelabel AS old
                (image_id, label_id, confidence, instance_count, analysis_id, added_at, owner_id, visibility)
            SELECT said.*, image.added_at, image.owner_id, image.visibility
            FROM unnest(%s::bigint[], %s::int[], %s::smallint[], %s::smallint[], %s::bigint[])
                 AS said (image_id, label_id, confidence, instance_count, analysis_id)
            JOIN analysis_image image ON image.id = said.image_id
            ON CONFLICT (image_id, label_id) DO UPDATE
            SET (confidence, instance_count, analysis_id, added_at, owner_id, visibility) =
                (excluded.confidence, excluded.instance_count, excluded.analysis_id,
                 excluded.added_at, excluded.owner_id, excluded.visibility)
            WHERE (old.confidence, old.instance_count, old.analysis_id, old.added_at, old.owner_id, old.visibility)
                  IS DISTINCT FROM
                  (excluded.confidence, excluded.instance_count, excluded.analysis_id,
                   excluded.added_at, excluded.owner_id, excluded.visibility)
            """,
            columns,
        )


def _replace_image_index(image_ids: Collection[int], answers: Iterable[Current]) -> None:
    """The one row of each picture, from the rows of its labels; pictures in the trash have none."""
    qualities = {
        each.image_id: quality
        for each in answers
        if each.api == Analysis.Api.LABELS and (quality := responses.quality_in(each.answer))
    }
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM analysis_imageindex USING analysis_image image
            WHERE image_id = ANY(%s) AND image.id = image_id AND image.trashed_at IS NOT NULL
            """,
            [list(image_ids)],
        )
        cursor.execute(
            """
            INSERT INTO analysis_imageindex AS old
                (image_id, added_at, owner_id, visibility, label_ids, brightness, sharpness, contrast)
            SELECT image.id, image.added_at, image.owner_id, image.visibility,
                   ARRAY(SELECT label_id FROM analysis_imagelabel WHERE image_id = image.id ORDER BY label_id),
                   said.brightness, said.sharpness, said.contrast
            FROM analysis_image image
            LEFT JOIN unnest(%s::bigint[], %s::float[], %s::float[], %s::float[])
                      AS said (image_id, brightness, sharpness, contrast) ON said.image_id = image.id
            WHERE image.id = ANY(%s) AND image.trashed_at IS NULL
            ON CONFLICT (image_id) DO UPDATE
            SET (added_at, owner_id, visibility, label_ids, brightness, sharpness, contrast) =
                (excluded.added_at, excluded.owner_id, excluded.visibility, excluded.label_ids,
                 excluded.brightness, excluded.sharpness, excluded.contrast)
            WHERE old IS DISTINCT FROM excluded
            """,
            [
                list(qualities),
                [each.brightness for each in qualities.values()],
                [each.sharpness for each in qualities.values()],
                [each.contrast for each in qualities.values()],
                list(image_ids),
            ],
        )


def _replace_faces(
    image_ids: Collection[int], answers: Iterable[Current], *, sizes: dict[int, tuple[int, int]]
) -> None:
    Face.objects.filter(image_id__in=image_ids).delete()
    Face.objects.bulk_create(
        [
            _face(each.image_id, found, sizes[each.image_id])
            for each in answers
            for found in responses.faces_in(each.answer)
        ]
    )


def _face(image_id: int, found: responses.DetectedFace, size: tuple[int, int]) -> Face:
    # The recognizer saw more than the picture where that was filled up to the smallest side it takes.
    across, down = payload_extent(*size, long_side=settings.RECOGNITION_LONG_SIDE)
    return Face(
        image_id=image_id,
        left=found.box.left / across,
        top=found.box.top / down,
        width=found.box.width / across,
        height=found.box.height / down,
        confidence=found.confidence,
        age_low=_years(found.age_low),
        age_high=_years(found.age_high),
        gender=(found.gender or "")[:10],
        attributes=[name[:20] for name in traits_of(found, threshold=settings.FACE_CONFIDENCE)],
        emotions=[name[:20] for name in emotions_of(found, threshold=settings.FACE_CONFIDENCE)],
    )


def _years(age: int | None) -> int | None:
    """An age that people reach; an answer may say anything."""
    return None if age is None else min(max(age, 0), 150)


def _replace_text(image_ids: Collection[int], answers: Iterable[Current]) -> None:
    texts = [ImageText(image_id=each.image_id, content=lines_in(each.answer)) for each in answers]
    texts = [text for text in texts if text.content]
    ImageText.objects.filter(image_id__in=set(image_ids) - {text.pk for text in texts}).delete()
    ImageText.objects.bulk_create(texts, update_conflicts=True, unique_fields=["image"], update_fields=["content"])
