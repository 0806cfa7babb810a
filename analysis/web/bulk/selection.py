"""What pictures somebody chose carry: the labels that could be confirmed or rejected on all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count

from analysis.models import ImageLabel, Viewer

MOST = 12


@dataclass(frozen=True)
class SelectedLabel:
    """A label with how many of the chosen pictures carry it."""

    id: str
    name: str
    count: str


def selected_labels(image_ids: Sequence[int], *, kinds: Sequence[str], viewer: Viewer) -> list[SelectedLabel]:
    """The most frequent labels of these kinds, of the pictures this viewer may see."""
    rows = (
        ImageLabel.objects.filter(viewer.visible_filter(), image_id__in=image_ids)
        .filter(label__kind__in=kinds, label__is_hidden=False)
        .values_list("label_id", "label__name")
        .annotate(number=Count("image_id"))
        .order_by("-number", "label__name")[:MOST]
    )
    return [SelectedLabel(str(label_id), name, f"{number:,}") for label_id, name, number in rows]
