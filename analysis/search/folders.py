"""Folders with the number of images in and below them that a viewer may see.

A folder without such images is not there: the names of folders tell about their pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.models import Folder, Viewer
from analysis.search.database import fetch_all
from analysis.search.sql.conditions import visibility_filter

# Images are counted by folder first, from the index alone, and then added up along the tree.
_COUNTED = """
    WITH RECURSIVE tree AS (
        SELECT id, id AS top FROM analysis_folder WHERE {start}
        UNION ALL
        SELECT child.id, tree.top FROM tree JOIN analysis_folder child ON child.parent_id = tree.id),
    counted AS (
        SELECT tree.top, sum(own.images) AS images
        FROM (SELECT i.folder_id, count(*) AS images FROM analysis_image i
              WHERE i.trashed_at IS NULL AND {visible} AND {among}
              GROUP BY i.folder_id) own
        JOIN tree ON tree.id = own.folder_id GROUP BY tree.top)
    SELECT folder.id, folder.name, folder.path, folder.owner_id, folder.bucket_id, counted.images::bigint
    FROM counted JOIN analysis_folder folder ON folder.id = counted.top
    ORDER BY lower(folder.name), folder.id
"""


@dataclass(frozen=True)
class FolderCount:
    """A folder, and the visible images in it and below it."""

    id: int
    name: str
    path: str
    owner_id: int | None
    bucket_id: int | None
    images: int


def top_folders(viewer: Viewer) -> list[FolderCount]:
    """The folders at the top, of all owners and buckets, by name."""
    return _counted("parent_id IS NULL", [], viewer, is_everything=True)


def subfolders(folder: Folder, viewer: Viewer) -> list[FolderCount]:
    """The folders directly in a folder, by name."""
    return _counted("parent_id = %s", [folder.pk], viewer)


def count_of(folder: Folder, viewer: Viewer) -> int:
    """The visible images in a folder and below it; 0 if the viewer may not know of it."""
    return sum(row.images for row in _counted("id = %s", [folder.pk], viewer))


def path_to(folder: Folder) -> list[Folder]:
    """The folders above a folder, from the top, and itself."""
    names = folder.path.split("/")
    paths = ["/".join(names[:depth]) for depth in range(1, len(names) + 1)]
    same = Folder.objects.filter(owner_id=folder.owner_id, bucket_id=folder.bucket_id, path__in=paths)
    return sorted(same, key=lambda above: len(above.path))


def _counted(start: str, values: Sequence[int], viewer: Viewer, *, is_everything: bool = False) -> list[FolderCount]:
    visible = visibility_filter(viewer, "i")
    # Below one folder, its part of the index is read; from the top, all of it at once.
    among = "i.folder_id IS NOT NULL" if is_everything else "i.folder_id = ANY(ARRAY(SELECT id FROM tree))"
    text = _COUNTED.format(start=start, visible=visible.text, among=among)
    return [FolderCount(*row) for row in fetch_all(text, [*values, *visible.values])]
