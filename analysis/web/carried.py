"""What pictures somebody chose carry: the labels that could be confirmed or rejected on all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count

from analysis.models import Audience, ImageLabel

MOST = 12


@dataclass(frozen=True)
class Carried:
    """A label with how many of the chosen pictures carry it."""

    id: str
    name: str
    count: str


def carried(image_ids: Sequence[int], *, kinds: Sequence[str], audience: Audience) -> list[Carried]:
    """The most frequent labels of these kinds, of the pictures this audience may see."""
    rows = (
        ImageLabel.objects.filter(audience.images(), image_id__in=image_ids)
        .filter(label__kind__in=kinds, label__is_hidden=False)
        .values_list("label_id", "label__name")
        .annotate(number=Count("image_id"))
        .order_by("-number", "label__name")[:MOST]
    )
    return [Carried(str(label_id), name, f"{number:,}") for label_id, name, number in rows]
