"""Folders with the number of images in and below them that a viewer may see.

A folder without such images is hidden: folder names reveal something about their pictures.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TypeGuard

from django.db.models import Q

from analysis.models import Folder, Image, Viewer
from analysis.search import results
from analysis.search.connection import search_alias
from analysis.search.database import fetch_all
from analysis.search.query import Query
from analysis.search.sql.conditions import visibility_filter
from analysis.search.terms import FolderTerm, Node

SAMPLE = 2_000
"""Images of a result in which folders are counted for the filter."""

# Images are counted by folder first, from the index alone, and then added up.
_BY_FOLDER = """
    SELECT i.folder_id, count(*) AS images FROM analysis_image i
    WHERE i.trashed_at IS NULL AND {visible} AND {among} GROUP BY i.folder_id
"""
_COLUMNS = """
    SELECT folder.id, folder.name, folder.path, folder.owner_id, folder.bucket_id, counted.images::bigint
    FROM counted JOIN analysis_folder folder
"""
# For the top all folders are read and grouped by the first name of their path, which is faster than walking the tree.
# coalesce, since a folder has an owner or a bucket, and the other one is NULL.
_TOP = f"""
    WITH counted AS (
        SELECT below.owner_id, below.bucket_id, split_part(below.path, '/', 1) AS name, sum(own.images) AS images
        FROM ({_BY_FOLDER}) own JOIN analysis_folder below ON below.id = own.folder_id GROUP BY 1, 2, 3)
    {_COLUMNS}
        ON folder.parent_id IS NULL AND folder.path = counted.name
        AND coalesce(folder.owner_id, 0) = coalesce(counted.owner_id, 0)
        AND coalesce(folder.bucket_id, 0) = coalesce(counted.bucket_id, 0)
    ORDER BY lower(folder.name), folder.id
"""
_BELOW = f"""
    WITH RECURSIVE tree AS (
        SELECT id, id AS top FROM analysis_folder WHERE {{start}}
        UNION ALL
        SELECT child.id, tree.top FROM tree JOIN analysis_folder child ON child.parent_id = tree.id),
    counted AS (
        SELECT tree.top, sum(own.images) AS images
        FROM ({_BY_FOLDER}) own JOIN tree ON tree.id = own.folder_id GROUP BY tree.top)
    {_COLUMNS} ON folder.id = counted.top ORDER BY lower(folder.name), folder.id
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
    visible = visibility_filter(viewer, "i")
    text = _TOP.format(visible=visible.text, among="i.folder_id IS NOT NULL")
    return [FolderCount(*row) for row in fetch_all(text, visible.values)]


def subfolders(folder: Folder, viewer: Viewer) -> list[FolderCount]:
    """The folders directly in a folder, by name."""
    return _below("parent_id = %s", folder, viewer)


def count_of(folder: Folder, viewer: Viewer) -> int:
    """The number of visible images in a folder and below it; 0 for a hidden folder."""
    return sum(row.images for row in _below("id = %s", folder, viewer))


def path_to(folder: Folder) -> list[Folder]:
    """The folders above a folder, from the top, and itself."""
    names = folder.path.split("/")
    paths = ["/".join(names[:depth]) for depth in range(1, len(names) + 1)]
    same = Folder.objects.filter(Q(owner=folder.owner_id, bucket=folder.bucket_id), path__in=paths)
    return sorted(same, key=lambda above: len(above.path))


def _below(start: str, folder: Folder, viewer: Viewer) -> list[FolderCount]:
    visible = visibility_filter(viewer, "i")
    among = "i.folder_id = ANY(ARRAY(SELECT id FROM tree))"
    text = _BELOW.format(start=start, visible=visible.text, among=among)
    return [FolderCount(*row) for row in fetch_all(text, [folder.pk, *visible.values])]


@dataclass(frozen=True)
class FolderFacet:
    """A folder by its path, and the number of a result's images in it and below it."""

    path: str
    name: str
    images: int


def folder_facets(query: Query, *, viewer: Viewer, maximum: int = 20) -> tuple[list[FolderFacet], bool]:
    """The most frequent folders of a result, one level below the query's.

    Counted on the first SAMPLE images of the result; True if it has more.
    """
    ids = results.image_ids(query, viewer=viewer, limit=SAMPLE + 1)
    below = next((part.text.strip("/") for part in query.parts if is_folder_term(part)), "")
    depth = below.count("/") + 2 if below else 1
    images = Image.objects.using(search_alias()).filter(pk__in=ids[:SAMPLE], folder__isnull=False)
    paths = images.values_list("folder__path", flat=True)
    counts = Counter("/".join(path.split("/")[:depth]) for path in paths if path.count("/") >= depth - 1)
    facets = [FolderFacet(path, path.rpartition("/")[2], number) for path, number in counts.most_common(maximum)]
    return facets, len(ids) > SAMPLE


def is_folder_term(part: Node) -> TypeGuard[FolderTerm]:
    """True for a term for one folder and those below it, as the filter adds it."""
    return isinstance(part, FolderTerm) and part.is_prefix and part.text.endswith("/")
