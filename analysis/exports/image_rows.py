"""Reads pictures with their labels, for all export formats."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from django.db.models import prefetch_related_objects

from analysis.models import Analysis, Image, Verdict, Viewer
from analysis.models.labels import Label
from analysis.recognition import responses
from analysis.recognition.responses import Box, LabelResult
from analysis.search import results
from analysis.search.database import fetch_all
from analysis.search.query import Query
from analysis.search.sensitive import sensitive_ids

STEP = 1_000
"""Pictures read at a time and kept in memory."""
Source = Literal["effective", "machine", "person"]
SOURCES: tuple[Source, ...] = ("effective", "machine", "person")
NO_BOXES: Mapping[str, tuple[Any, ...]] = {}
POSITIVE = (Verdict.Decision.CONFIRMED.value, Verdict.Decision.ADDED.value)


# Tuples, since an export creates twenty per picture, and frozen dataclasses take four times as long.
class LabelBox(NamedTuple):
    """A box in fractions of the upright picture, with its confidence in percent."""

    box: Box
    confidence: float


class LabelRow(NamedTuple):
    """A label of a picture; `confidence` in percent.

    `id`: 0 for a recognizer's result, which may have no label row.
    """

    id: int
    name: str
    kind: str
    category: str
    confidence: float
    instances: int
    verdict: str | None
    boxes: tuple[LabelBox, ...] = ()


@dataclass(frozen=True)
class ImageRow:
    """A picture. `is_blurred`: shown blurred, like sensitive pictures on the pages.

    `names_source`: the reader may know its bucket and key, which errors contain.
    """

    image: Image
    labels: tuple[LabelRow, ...]
    is_blurred: bool = False
    names_source: bool = False


@dataclass(frozen=True)
class Options:
    """The labels that an export contains.

    `source`: effective (results corrected by verdicts), machine (results only), or person (verdicts only).
    `blurs_sensitive`: blur sensitive pictures.
    """

    source: Source = "effective"
    min_confidence: float = 0
    kinds: frozenset[str] = frozenset()
    blurs_sensitive: bool = False

    def accepted(self, labels: Sequence[LabelRow]) -> tuple[LabelRow, ...]:
        if self.source != "person" and not self.kinds and not self.min_confidence:
            return tuple(labels)
        return tuple(label for label in labels if self._accepts(label))

    def _accepts(self, label: LabelRow) -> bool:
        if self.kinds and label.kind not in self.kinds:
            return False
        return label.confidence >= self.min_confidence and (self.source != "person" or label.verdict in POSITIVE)


def image_rows(query: Query, *, viewer: Viewer, options: Options, has_boxes: bool = False) -> Iterator[ImageRow]:
    """All pictures of a search, the newest first.

    Boxes are read only on request, since they are in the large responses.
    """
    for ids in results.iter_ids(query, viewer=viewer, step=STEP):
        yield from _rows(ids, viewer, options, has_boxes=has_boxes)


def selected_rows(
    ids: Sequence[int], *, viewer: Viewer, options: Options, has_boxes: bool = False
) -> Iterator[ImageRow]:
    """These pictures, without those the viewer may not see, in this order."""
    for start in range(0, len(ids), STEP):
        step = ids[start : start + STEP]
        visible = set(Image.objects.visible_to(viewer).filter(pk__in=step).values_list("pk", flat=True))
        yield from _rows([pk for pk in step if pk in visible], viewer, options, has_boxes=has_boxes)


def _rows(ids: Sequence[int], viewer: Viewer, options: Options, *, has_boxes: bool) -> Iterator[ImageRow]:
    images = results.images_by_id(ids)
    # For archives of originals, which may be in a bucket.
    prefetch_related_objects([image for image in images.values() if image.bucket_id is not None], "bucket")
    labels = _results(ids) if options.source == "machine" else effective_labels(ids, has_boxes=has_boxes)
    blurred = sensitive_ids(ids) if options.blurs_sensitive else frozenset()
    for pk in ids:
        if pk in images:  # unless deleted since the search
            names_source = viewer.sees_all or images[pk].is_editable_by(viewer.user_id)
            yield ImageRow(images[pk], options.accepted(labels.get(pk, [])), pk in blurred, names_source)


def effective_labels(ids: Collection[int], *, has_boxes: bool = False) -> dict[int, list[LabelRow]]:
    """Results corrected by verdicts, the highest confidence first.

    Boxes are read only on request, since they are in the large responses.
    """
    boxes_by_image = _boxes(ids) if has_boxes else {}
    labels: dict[int, list[LabelRow]] = {}
    rows = fetch_all(
        """SELECT il.image_id, l.id, l.name, l.kind, l.category, il.confidence, il.instance_count, v.decision
           FROM analysis_imagelabel il JOIN analysis_label l ON l.id = il.label_id AND NOT l.is_hidden
           LEFT JOIN analysis_verdict v ON v.image_id = il.image_id AND v.label_id = il.label_id
           WHERE il.image_id = ANY(%s) ORDER BY il.image_id, il.confidence DESC, l.name, l.id""",
        [list(ids)],
    )
    for image_id, label_id, name, kind, category, confidence, instances, decision in rows:
        boxes = boxes_by_image.get(image_id, NO_BOXES)
        # Only for the recognizer's labels, since a tag may have the same name.
        of_label = boxes.get(name.lower(), ()) if boxes and kind == Label.Kind.LABEL else ()
        label = LabelRow(label_id, name, kind, category, confidence / 100, instances, decision, of_label)
        labels.setdefault(image_id, []).append(label)
    return labels


def _boxes(ids: Collection[int]) -> dict[int, dict[str, tuple[LabelBox, ...]]]:
    """The boxes of each image by the label's name in lower case."""
    # Labels without boxes, which are most of a response, are left out by PostgreSQL.
    rows = fetch_all(
        """SELECT image_id, jsonb_path_query_array(answer, '$.Labels[*] ? (exists(@.Instances[*]))')
           FROM analysis_analysis WHERE image_id = ANY(%s) AND api = 'labels' AND is_current""",
        [list(ids)],
    )
    return {
        image_id: {label.name.lower(): _label_boxes(label) for label in responses.labels_in({"Labels": entries})}
        for image_id, entries in rows
        if entries
    }


def _results(ids: Collection[int]) -> dict[int, list[LabelRow]]:
    """Labels of the current responses, with their boxes."""
    analyses = Analysis.objects.current().filter(image_id__in=ids, api=Analysis.Api.LABELS)
    return {
        image_id: [
            LabelRow(
                id=0,
                name=label.name,
                kind=Label.Kind.LABEL.value,
                category=label.categories[0] if label.categories else "",
                confidence=label.confidence,
                instances=len(label.instances),
                verdict=None,
                boxes=_label_boxes(label),
            )
            for label in responses.labels_in(answer)
        ]
        for image_id, answer in analyses.values_list("image_id", "answer")
    }


def _label_boxes(label: LabelResult) -> tuple[LabelBox, ...]:
    return tuple(LabelBox(instance.box.clamped(), instance.confidence) for instance in label.instances)
