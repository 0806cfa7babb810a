"""Finds a picture by the exact name of its file."""

from __future__ import annotations

from analysis.models import Viewer
from analysis.search.database import fetch_all
from analysis.search.sql.conditions import visibility_filter

MAX_PICTURES = 100
"""Maximum number of pictures of one name to check, since a camera's counter starts again at IMG_0001 for every card."""


def image_id_of(filename: str, *, viewer: Viewer) -> int | None:
    """Id of the picture with this file name.

    Of several, the viewer's newest; else the newest.
    """
    visible = visibility_filter(viewer, "i")
    # lower(), since the index is over lower(filename).
    rows = fetch_all(
        f"""SELECT i.id, i.owner_id FROM analysis_image i
            WHERE i.trashed_at IS NULL AND lower(i.filename) = lower(%s) AND i.filename = %s AND {visible.text}
            ORDER BY i.id DESC LIMIT {MAX_PICTURES}""",
        [filename, filename, *visible.values],
    )
    own = (image_id for image_id, owner_id in rows if owner_id == viewer.user_id)
    return next(own, rows[0][0] if rows else None)
