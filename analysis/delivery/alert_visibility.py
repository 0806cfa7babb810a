"""Removes pictures from messages that the alert's owner may no longer see."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from analysis.models import Delivery, Viewer
from analysis.search.database import fetch_all

_VISIBLE = """
    SELECT listed.owner_id, i.id FROM unnest(%s::bigint[], %s::bigint[]) AS listed (owner_id, image_id)
    JOIN analysis_image i ON i.id = listed.image_id
    WHERE i.trashed_at IS NULL AND (i.owner_id = listed.owner_id OR i.visibility >= %s)
"""


def hide_images(deliveries: Iterable[Delivery]) -> list[Delivery]:
    """Remove hidden pictures, and messages that then have none.

    Messages may be sent days after they were written. The saved messages keep their pictures, which may become visible
    again.
    """
    matches = [delivery for delivery in deliveries if delivery.kind == Delivery.Kind.MATCHES and delivery.alert]
    visible = _visible([(_owner_id(row), image["id"]) for row in matches for image in _images(row)])
    empty = []
    for delivery in matches:
        images = _images(delivery)
        remaining = [image for image in images if (_owner_id(delivery), image["id"]) in visible]
        if images and not remaining:
            empty.append(delivery)
        elif len(remaining) < len(images):
            count = delivery.payload["count"] - len(images) + len(remaining)
            delivery.payload = delivery.payload | {"images": remaining, "count": count}
    return empty


def _images(delivery: Delivery) -> list[dict[str, Any]]:
    images: list[dict[str, Any]] = delivery.payload.get("images", [])
    return images


def _owner_id(delivery: Delivery) -> int:
    return delivery.alert.owner_id if delivery.alert else 0


def _visible(pairs: list[tuple[int, int]]) -> set[tuple[int, int]]:
    if not pairs:
        return set()
    owner_ids, image_ids = (list(column) for column in zip(*pairs, strict=True))
    return {tuple(row) for row in fetch_all(_VISIBLE, [owner_ids, image_ids, Viewer(user_id=0).min_visibility])}
