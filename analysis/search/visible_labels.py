"""Labels on images that a viewer may see, and the number of these images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from analysis.models import Image, Label, Viewer
from analysis.search.connection import search_alias
from analysis.search.database import fetch_all
from analysis.search.sql.conditions import visibility_filter

EXACT = 4_000
"""Up to this number of images, the labels of all of them are counted to find the frequent ones."""
SAMPLE = 2_000
"""For more images, a sample of about this number is counted."""
COUNT_CAP = 1_000
"""Labels are counted up to this number if counting all images would take long."""
MIN_SAMPLED = 20
"""Minimum number in the sample from which an estimate of three times COUNT_CAP is certainly above COUNT_CAP."""
NEWEST = 4
MAX_LOOKUPS = 1_000
"""Labels looked up in one request, many of which may be only on images hidden from the viewer."""
SMALL_LIBRARY = 300
"""Up to this many images that a viewer sees, labels are read from these images."""
MAX_PROBES = 300
"""Labels that autocomplete looks up one by one, most frequent first."""


@dataclass(frozen=True)
class LabelFrequencies:
    """Numbers of visible images by label, counted among one in `step` images.

    With a step of 1 all images are counted, and a missing label is on no visible image.
    """

    numbers: dict[int, int]
    step: int = 1

    @property
    def is_exact(self) -> bool:
        return self.step == 1

    def exceeds_cap(self, label_id: int) -> bool:
        number = self.numbers.get(label_id, 0)
        return number >= MIN_SAMPLED and number * self.step >= 3 * COUNT_CAP


@dataclass(frozen=True)
class VisibleLabel:
    """A label, its number of visible images (at least, if capped), and the newest."""

    label_id: int
    count: int
    is_capped: bool
    newest: tuple[int, ...]


def label_frequencies(viewer: Viewer) -> LabelFrequencies:
    """Frequencies of labels: exact for viewers of few or owners of all, else sampled."""
    ids = _sample_ids()
    if ids.step > 1 and _owns_all(viewer):
        labels = Label.objects.using(search_alias()).filter(image_count__gt=0, is_hidden=False)
        return LabelFrequencies(dict(labels.values_list("pk", "image_count")))
    visible_ids = _visible_ids(viewer) if ids.step > 1 else None
    if visible_ids is not None:
        return LabelFrequencies(_count_by_label("SELECT unnest(%s::bigint[])", [visible_ids], viewer))
    series = "SELECT generate_series(%s::bigint, %s::bigint, %s::bigint)"
    return LabelFrequencies(_count_by_label(series, [ids.start, ids.stop - 1, ids.step], viewer), step=ids.step)


def visible_labels(
    label_ids: Sequence[int], *, viewer: Viewer, among: LabelFrequencies, maximum: int = MAX_LOOKUPS
) -> tuple[list[VisibleLabel], int]:
    """The visible ones of these labels, and how many of the ids were looked up.

    At most `maximum` labels, in the order of the ids. If few of them are visible, not all ids are looked up; the next
    call continues after the last one.
    """
    labels: list[VisibleLabel] = []
    position, step = 0, maximum
    while position < min(len(label_ids), MAX_LOOKUPS) and len(labels) < maximum:
        labels += _visible(label_ids[position : position + step], viewer=viewer, among=among)
        # Twice as many each time: where few are visible, equal steps would take many statements.
        position, step = min(position + step, len(label_ids)), step * 2
    if len(labels) > maximum:
        labels = labels[:maximum]
        position = label_ids.index(labels[-1].label_id) + 1
    return labels, position


def _visible(label_ids: Sequence[int], *, viewer: Viewer, among: LabelFrequencies) -> list[VisibleLabel]:
    newest = _newest_images(label_ids, viewer)
    if among.is_exact:
        return [VisibleLabel(label_id, among.numbers[label_id], False, tuple(ids)) for label_id, ids in newest]
    counts = _capped_counts([label_id for label_id, _ in newest if not among.exceeds_cap(label_id)], viewer)
    numbers = ((counts.get(label_id, COUNT_CAP + 1), label_id, tuple(ids)) for label_id, ids in newest)
    return [
        VisibleLabel(label_id, min(number, COUNT_CAP), number > COUNT_CAP, ids) for number, label_id, ids in numbers
    ]


def _newest_images(label_ids: Sequence[int], viewer: Viewer) -> list[tuple[int, list[int]]]:
    """The newest visible images with each label; labels without any are left out."""
    visible = visibility_filter(viewer, "analysis_imagelabel")
    return fetch_all(
        f"""SELECT label.id, newest.ids FROM unnest(%s::int[]) WITH ORDINALITY label (id, place)
            CROSS JOIN LATERAL (
                SELECT array_agg(image_id) AS ids FROM (
                    SELECT image_id FROM analysis_imagelabel WHERE label_id = label.id AND {visible.text}
                    ORDER BY sort_time DESC, image_id DESC LIMIT {NEWEST}) few) newest
            WHERE newest.ids IS NOT NULL ORDER BY label.place""",
        [list(label_ids), *visible.values],
    )


def _capped_counts(label_ids: Sequence[int], viewer: Viewer) -> dict[int, int]:
    visible = visibility_filter(viewer, "analysis_imagelabel")
    rows = fetch_all(
        f"""SELECT label.id, (SELECT count(*) FROM (
                SELECT FROM analysis_imagelabel WHERE label_id = label.id AND {visible.text}
                LIMIT {COUNT_CAP + 1}) few)
            FROM unnest(%s::int[]) label (id)""",
        [*visible.values, list(label_ids)],
    )
    return dict(rows)


def _count_by_label(ids: str, values: list[Any], viewer: Viewer) -> dict[int, int]:
    """Visible images by label among the ids of a statement."""
    visible = visibility_filter(viewer, "analysis_imageindex")
    rows = fetch_all(
        f"""SELECT label_id, count(*) FROM analysis_imageindex, unnest(label_ids) label_id
            WHERE image_id = ANY(ARRAY({ids})) AND {visible.text} GROUP BY label_id""",
        [*values, *visible.values],
    )
    return dict(rows)


def _visible_ids(viewer: Viewer) -> list[int] | None:
    """The ids of all images that the viewer sees; None if there are more than EXACT."""
    images = Image.objects.using(search_alias()).filter(trashed_at=None)
    library = images.order_by("-added_at", "-pk").values_list("pk", flat=True)
    # Two queries, since each has a partial index and their disjunction has none.
    shared = library.filter(visibility__gte=viewer.min_visibility)[: EXACT + 1]
    own = library.filter(owner=viewer.user_id)[: EXACT + 1]
    if shared.count() > EXACT or own.count() > EXACT:
        return None
    ids = {*shared, *own}
    return list(ids) if len(ids) <= EXACT else None


def _sample_ids() -> range:
    """Ids at even intervals over the library; some may not exist."""
    [(first, last)] = fetch_all(
        "SELECT coalesce(min(image_id), 0), coalesce(max(image_id), -1) FROM analysis_imageindex"
    )
    number = last + 1 - first
    return range(first, last + 1, 1 if number <= EXACT else -(-number // SAMPLE))


def _owns_all(viewer: Viewer) -> bool:
    if viewer.user_id is None:
        return False
    library = Image.objects.using(search_alias()).filter(trashed_at=None)
    # The first and the last owner, which the index has at its ends; "not equal" would scan it.
    before, after = library.filter(owner__lt=viewer.user_id), library.filter(owner__gt=viewer.user_id)
    return not (before.exists() or after.exists())


@dataclass(frozen=True)
class LabelVisibility:
    """Which labels one viewer may see, for one response.

    Looking up labels one by one is fast if the viewer sees many images, since a visible image with each is found soon.
    If they see few, that would read thousands of other images, so the labels of the few images are read instead.
    """

    viewer: Viewer
    counts: dict[int, int] | None
    """For viewers of few images: number of visible images by label, without hidden labels."""
    owns_all: bool
    """True if the viewer owns all images."""

    def visible(self, label_ids: Iterable[int], *, maximum: int) -> dict[int, int | None]:
        """The visible labels among these, in their order, each with its number of images.

        The number is exact for viewers of few images, the label's own counter for viewers who own all images, and
        None for others, to whom the counter would reveal images they may not see. Hidden labels are never visible.
        """
        if self.counts is not None:
            counts = self.counts
            return dict(islice(((pk, counts[pk]) for pk in label_ids if pk in counts), maximum))
        labels: dict[int, int | None] = {}
        remaining, probed = iter(label_ids), 0
        while len(labels) < maximum:
            step = list(islice(remaining, min(maximum + 2 * probed, MAX_PROBES - probed)))
            if not step:
                break
            labels |= self._probe(step)
            probed += len(step)
        return dict(islice(labels.items(), maximum))

    def categories(self, names: Sequence[str], *, maximum: int) -> list[str]:
        """The categories among these that have a visible label."""
        is_visible, values = (
            _is_visible(self.viewer) if self.counts is None else ("label.id = ANY(%s)", [[*self.counts]])
        )
        rows = fetch_all(
            f"""SELECT c.name FROM unnest(%s::text[]) WITH ORDINALITY c (name, place)
                WHERE (SELECT 1 FROM analysis_label label
                       WHERE label.category = c.name AND NOT label.is_hidden AND {is_visible} LIMIT 1) = 1
                ORDER BY c.place LIMIT {maximum:d}""",
            [list(names), *values],
        )
        return [name for (name,) in rows]

    def _probe(self, label_ids: Sequence[int]) -> dict[int, int | None]:
        is_visible, values = _is_visible(self.viewer)
        rows = fetch_all(
            f"""SELECT label.id, label.image_count FROM unnest(%s::int[]) WITH ORDINALITY c (id, place)
                JOIN analysis_label label ON label.id = c.id AND NOT label.is_hidden
                WHERE {is_visible} ORDER BY c.place""",
            [list(label_ids), *values],
        )
        return {pk: count if self.owns_all else None for pk, count in rows}


def label_visibility(viewer: Viewer) -> LabelVisibility:
    """The label visibility of a viewer, in one or two short queries."""
    images = f"""SELECT id FROM analysis_image WHERE trashed_at IS NULL AND {{}}
                 ORDER BY added_at DESC, id DESC LIMIT {SMALL_LIBRARY + 1}"""
    shared = images.format(f"visibility > 0 AND visibility >= {viewer.min_visibility:d}")
    own = images.format("owner_id = %s")
    others = "EXISTS (SELECT FROM analysis_image WHERE trashed_at IS NULL AND owner_id {} %s)"
    [(ids, owns_all)] = fetch_all(
        f"""SELECT ARRAY(SELECT id FROM (({own}) UNION ALL ({shared})) visible LIMIT {SMALL_LIBRARY + 1}),
                   NOT ({others.format("<")} OR {others.format(">")})""",
        [viewer.user_id] * 3,
    )
    counts = _labels_of(ids) if len(ids) <= SMALL_LIBRARY else None
    return LabelVisibility(viewer, counts, owns_all=bool(owns_all) and viewer.user_id is not None)


def _labels_of(image_ids: list[int]) -> dict[int, int]:
    """The number of these images with each label, the most frequent first."""
    return dict(
        fetch_all(
            """SELECT label.id, counted.images
               FROM (SELECT label_id, count(*) AS images
                     FROM analysis_imageindex, unnest(label_ids) label_id
                     WHERE image_id = ANY(%s) GROUP BY label_id) counted
               JOIN analysis_label label ON label.id = counted.label_id AND NOT label.is_hidden
               ORDER BY counted.images DESC, label.name""",
            [image_ids],
        )
    )


def _is_visible(viewer: Viewer) -> tuple[str, list[Any]]:
    """The condition that a visible image has `label`, and its values."""
    visible = visibility_filter(viewer, "p")
    # A scalar subquery, so that the planner uses one index lookup for each label (see sql/conditions.py).
    return (
        f"(SELECT 1 FROM analysis_imagelabel p WHERE p.label_id = label.id AND {visible.text} LIMIT 1) = 1",
        list(visible.values),
    )
