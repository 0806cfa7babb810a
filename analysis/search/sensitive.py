"""Sensitive pictures: those with a moderation label."""

from __future__ import annotations

from collections.abc import Collection

from analysis.models import Label
from analysis.search.database import fetch_all


# The search index is read, so rejected labels and those below their threshold do not count.
def sensitive_ids(image_ids: Collection[int]) -> frozenset[int]:
    """The ids of images with a moderation label, not hidden and not rejected."""
    rows = fetch_all(
        """SELECT image_label.image_id FROM analysis_imagelabel image_label JOIN analysis_label label
           ON label.id = image_label.label_id AND NOT label.is_hidden AND label.kind = %s
           WHERE image_label.image_id = ANY(%s)""",
        [Label.Kind.MODERATION.value, list(image_ids)],
    )
    return frozenset(image_id for (image_id,) in rows)
