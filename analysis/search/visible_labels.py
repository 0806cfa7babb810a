"""The labels an viewer can meet: how often, and on which pictures. Tells nothing of pictures it may not see."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from analysis.models import Image, Label, Viewer
from analysis.search.sql.conditions import visibility_filter

SAMPLE = 4_000
"""So many pictures tell which labels are frequent; in smaller libraries that is all of them."""
CAP = 1_000
"""A label is counted as far as this where counting all would take long."""
SURE = 20
"""From so many in the sample on, an estimate of three times the cap is not below it."""
NEWEST = 4
MOST_ASKED = 1_000
"""So many labels are looked up one by one at a time, of which many may be on others' pictures alone."""


@dataclass(frozen=True)
class LabelFrequencies:
    """On how many visible pictures each label is, of those that were looked at: one in `step`.

    With a step of one that is all of them, and a label that is missing cannot be met.
    """

    numbers: dict[int, int]
    step: int = 1

    @property
    def is_exact(self) -> bool:
        return self.step == 1

    def surely_capped(self, label_id: int) -> bool:
        number = self.numbers.get(label_id, 0)
        return number >= SURE and number * self.step >= 3 * CAP


@dataclass(frozen=True)
class VisibleLabel:
    """A label with how many visible pictures carry it, or at least that many, and the newest of them."""

    label_id: int
    count: int
    is_capped: bool
    newest: tuple[int, ...]


def label_frequencies(viewer: Viewer) -> LabelFrequencies:
    """Of all pictures where few are seen or all are one's own; else of some, spread evenly."""
    ids = _spread()
    if ids.step > 1 and _sees_all(viewer):
        counted = Label.objects.filter(image_count__gt=0, is_hidden=False).values_list("pk", "image_count")
        return LabelFrequencies(dict(counted))
    few = _few_seen(viewer) if ids.step > 1 else None
    if few is not None:
        return LabelFrequencies(_carried("SELECT unnest(%s::bigint[])", [few], viewer))
    spread = [ids.start, ids.stop - 1, ids.step]
    return LabelFrequencies(_carried("SELECT generate_series(%s, %s, %s)", spread, viewer), step=ids.step)


def visible_labels(
    label_ids: Sequence[int], *, viewer: Viewer, among: LabelFrequencies, maximum: int = MOST_ASKED
) -> tuple[list[VisibleLabel], int]:
    """Those of the labels that can be met, in the order given, no more than `most`; and how many were looked up.

    Not all of them where most cannot be met: then one goes on behind the last that was looked up.
    """
    found: list[VisibleLabel] = []
    asked, step = 0, maximum
    while asked < min(len(label_ids), MOST_ASKED) and len(found) < maximum:
        found += _met(label_ids[asked : asked + step], viewer=viewer, among=among)
        asked, step = min(asked + step, len(label_ids)), step * 2
    if len(found) > maximum:
        found = found[:maximum]
        asked = label_ids.index(found[-1].label_id) + 1
    return found, asked


def _met(label_ids: Sequence[int], *, viewer: Viewer, among: LabelFrequencies) -> list[VisibleLabel]:
    newest = _newest(label_ids, viewer)
    if among.is_exact:
        return [VisibleLabel(label_id, among.numbers[label_id], False, tuple(ids)) for label_id, ids in newest]
    counts = _counted([label_id for label_id, _ in newest if not among.surely_capped(label_id)], viewer)
    numbers = ((counts.get(label_id, CAP + 1), label_id, tuple(ids)) for label_id, ids in newest)
    return [VisibleLabel(label_id, min(number, CAP), number > CAP, ids) for number, label_id, ids in numbers]


def _newest(label_ids: Sequence[int], viewer: Viewer) -> list[tuple[Any, ...]]:
    """For each label that can be met, the ids of the newest pictures that carry it."""
    visible = visibility_filter(viewer, "analysis_imagelabel")
    return _fetched(
        f"""SELECT label.id, newest.ids FROM unnest(%s::int[]) WITH ORDINALITY label (id, place)
            CROSS JOIN LATERAL (
                SELECT array_agg(image_id) AS ids FROM (
                    SELECT image_id FROM analysis_imagelabel WHERE label_id = label.id AND {visible.text}
                    ORDER BY added_at DESC, image_id DESC LIMIT {NEWEST}) few) newest
            WHERE newest.ids IS NOT NULL ORDER BY label.place""",  # noqa: S608
        [list(label_ids), *visible.values],
    )


def _counted(label_ids: Sequence[int], viewer: Viewer) -> dict[int, int]:
    visible = visibility_filter(viewer, "analysis_imagelabel")
    rows = _fetched(
        f"""SELECT label.id, (SELECT count(*) FROM (
                SELECT FROM analysis_imagelabel WHERE label_id = label.id AND {visible.text} LIMIT {CAP + 1}) few)
            FROM unnest(%s::int[]) label (id)""",  # noqa: S608
        [*visible.values, list(label_ids)],
    )
    return dict(rows)


def _carried(ids: str, values: list[Any], viewer: Viewer) -> dict[int, int]:
    """Of those of these pictures that are seen, how many carry each label."""
    visible = visibility_filter(viewer, "analysis_imageindex")
    rows = _fetched(
        f"""SELECT label_id, count(*) FROM analysis_imageindex, unnest(label_ids) label_id
            WHERE image_id = ANY(ARRAY({ids})) AND {visible.text} GROUP BY label_id""",  # noqa: S608
        [*values, *visible.values],
    )
    return dict(rows)


def _few_seen(viewer: Viewer) -> list[int] | None:
    """All pictures that are seen, if they are no more than are looked at."""
    library = Image.objects.filter(trashed_at=None).values_list("pk", flat=True)
    opened = library.filter(visibility__gte=viewer.min_visibility).order_by("-added_at", "-pk")[: SAMPLE + 1]
    own = library.filter(owner=viewer.person_id).order_by("-added_at", "-pk")[: SAMPLE + 1]
    if opened.count() > SAMPLE or own.count() > SAMPLE:
        return None
    ids = {*opened, *own}
    return list(ids) if len(ids) <= SAMPLE else None


def _spread() -> range:
    """Ids of pictures, all of them or some at even distances."""
    [(first, last)] = _fetched(
        "SELECT coalesce(min(image_id), 0), coalesce(max(image_id), -1) FROM analysis_imageindex"
    )
    return range(first, last + 1, max(1, -(-(last + 1 - first) // SAMPLE)))


def _sees_all(viewer: Viewer) -> bool:
    """Whether all pictures are their own, which two looks into an index tell."""
    if viewer.person_id is None:
        return False
    library = Image.objects.filter(trashed_at=None)
    return not (
        library.filter(owner__lt=viewer.person_id).exists() or library.filter(owner__gt=viewer.person_id).exists()
    )


def _fetched(sql: str, parameters: Collection[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(parameters))
        return list(cursor.fetchall())
