"""The order of a collection's pictures: moving some, or sorting all."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, transaction
from django.utils.translation import gettext_lazy

from analysis.curation.collections import PlacedImage, lock, placed_images
from analysis.curation.errors import ActionRefused
from analysis.curation.positions import FIRST, MAX_LENGTH, WIDTH, positions_between
from analysis.models import Collection

CHANGED_MESSAGE = gettext_lazy("This collection changed in the meantime. Reload the page and try again.")
ORDERS = {
    "taken": "image.taken_at NULLS LAST, image.id",
    "taken-last": "image.taken_at DESC NULLS LAST, image.id DESC",
    "added": "entry.added_at, entry.position",
    "name": "lower(image.filename), image.id",
}
"""Orders that a collection can be put in at once."""
_ARRANGE = """
    UPDATE analysis_collectionimage entry SET position = lpad((%s + numbered.number)::text, %s, '0')
    FROM (SELECT entry.id, row_number() OVER (ORDER BY {order}) AS number
          FROM analysis_collectionimage entry JOIN analysis_image image ON image.id = entry.image_id
          WHERE entry.collection_id = %s) numbered
    WHERE entry.id = numbered.id
"""


def move(collection: Collection, image_ids: Sequence[int], *, before: int | None) -> list[PlacedImage]:
    """Move pictures before another one, or to the end; returns their old positions.

    The target is a picture, not a position, so it is still correct after others moved pictures. Raises ActionRefused if
    a picture is no longer there.
    """
    with transaction.atomic():
        lock(collection)
        moving = set(image_ids)
        order = sorted(placed_images(collection), key=lambda row: (row.position, row.image_id))
        were = [row for row in order if row.image_id in moving]
        rest = [row for row in order if row.image_id not in moving]
        index = len(rest) if before is None else next((i for i, row in enumerate(rest) if row.image_id == before), -1)
        if index < 0 or len(were) < len(moving):
            raise ActionRefused(CHANGED_MESSAGE)
        low = rest[index - 1].position if index else None
        high = rest[index].position if index < len(rest) else None
        positions = positions_between(low, high, len(were))
        _set_positions(collection, [row.image_id for row in were], positions)
        if max(map(len, positions), default=0) > MAX_LENGTH:
            _arrange(collection, "entry.position, entry.image_id")
    return were


def arrange(collection: Collection, order: str) -> list[PlacedImage]:
    """Sort all pictures by one of ORDERS; returns their old positions."""
    with transaction.atomic():
        lock(collection)
        were = placed_images(collection)
        _arrange(collection, ORDERS[order])
    return were


def _set_positions(collection: Collection, image_ids: Sequence[int], positions: Sequence[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE analysis_collectionimage entry SET position = moved.position
               FROM unnest(%s::bigint[], %s::text[]) AS moved(image_id, position)
               WHERE entry.collection_id = %s AND entry.image_id = moved.image_id""",
            [list(image_ids), list(positions), collection.pk],
        )


def _arrange(collection: Collection, order: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ARRANGE.format(order=order), [FIRST, WIDTH, collection.pk])
