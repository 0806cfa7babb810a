"""Duplicates: groups, the comparison of two pictures, exact copies, and changes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Field, Query, Router, Schema

from analysis import pipeline
from analysis.api import pagination
from analysis.api.authentication import READ, WRITE, token_of
from analysis.api.errors import ApiError
from analysis.api.pagination import CursorParam, LimitParam
from analysis.api.request_body import MAX_ID, RequestBody, RowId
from analysis.curation import distinct_pairs, duplicate_facts, exact_copies, merge_duplicates
from analysis.curation.distinct_pairs import MAX_MARKED
from analysis.curation.duplicate_facts import Facts
from analysis.curation.duplicate_groups import find_duplicate_groups
from analysis.curation.merge_duplicates import MAX_DUPLICATES
from analysis.formatting import taken_iso
from analysis.models import BulkChange
from analysis.search.pagination import Cursor

router = Router(tags=["Duplicates"])
MAX_IMMEDIATE = 1_000
"""Pictures restored within the request; a larger undo runs in the background."""
ImageId = Annotated[int, Query(..., ge=1, le=MAX_ID)]


class ChangeOut(Schema):
    """A change to several pictures, which can be undone for a day.

    `changed` grows while `is_running`: poll it. `restored` counts the pictures that an undo restored.
    """

    id: int
    action: str
    changed: int
    restored: int
    is_running: bool
    is_undone: bool
    started_at: datetime


class DuplicateGroup(Schema):
    """Ids of near-identical pictures among yours, the best one first."""

    image_ids: list[int]


class DuplicateGroups(Schema):
    items: list[DuplicateGroup]
    next: str


class ComparedImage(Schema):
    """One of two pictures.

    `labels_only_here`: labels that the other one lacks.
    """

    id: int
    filename: str
    title: str
    size: int
    width: int
    height: int
    format: str
    taken_at: str | None
    camera: str
    folder: str
    labels_only_here: list[str]
    is_favorite: bool
    rating: int
    collections: list[str]


class Comparison(Schema):
    """Two pictures; `different` names the fields that differ."""

    is_exact: bool
    different: list[str]
    first: ComparedImage
    second: ComparedImage


class ExactCopies(Schema):
    """Pictures with the same bytes: the one that is kept, and those for the trash.

    `kept_for`: "edits" if the kept one has the most edits by people, else "age". `edits` counts them.
    """

    keep: int
    trash: list[int]
    kept_for: str
    edits: int


class ExactCopiesList(Schema):
    items: list[ExactCopies]
    next: str


class DuplicateMerge(RequestBody):
    """The picture `keep` gets the edits of the others, which move to the trash."""

    keep: RowId
    trash: Annotated[list[RowId], Field(min_length=1, max_length=MAX_DUPLICATES)]


class DistinctImages(RequestBody):
    image_ids: Annotated[list[RowId], Field(min_length=2, max_length=MAX_MARKED)]


@router.get("/duplicates", response=DuplicateGroups, auth=READ)
def list_duplicates(request: HttpRequest, cursor: CursorParam) -> dict[str, Any]:
    """Groups of near-identical pictures among yours, newest first.

    A page may be empty although there are more: continue until `next` is empty.
    """
    position = pagination.decode(cursor, of="duplicates")
    result = find_duplicate_groups(token_of(request).user_id, after=Cursor.from_text(position or ""))
    following = pagination.encode(str(result.next), of="duplicates") if result.next else ""
    return {"items": [{"image_ids": [image.pk for image in group]} for group in result.groups], "next": following}


@router.get("/duplicates/comparison", response=Comparison, auth=READ)
def compare_duplicates(request: HttpRequest, first: ImageId, second: ImageId) -> dict[str, Any]:
    """Compare two of your pictures; returns the fields in which they differ."""
    if first == second:
        raise ApiError(422, _("Choose two different pictures."), field="second")
    left, right = duplicate_facts.facts_of([first, second], token_of(request).user)
    values = _compared(left, right), _compared(right, left)
    different = [name for name in values[0] if name != "id" and values[0][name] != values[1][name]]
    is_exact = left.image.sha256 == right.image.sha256
    return {"is_exact": is_exact, "different": different, "first": values[0], "second": values[1]}


@router.post("/duplicates/keep", response=ChangeOut, auth=WRITE)
def keep_duplicate(request: HttpRequest, choice: DuplicateMerge) -> dict[str, Any]:
    """Keep one of several of your duplicates. `POST /changes/{id}/undo` undoes it."""
    return _change(merge_duplicates.merge_duplicates(choice.keep, instead_of=choice.trash, by=token_of(request).user))


@router.post("/duplicates/different", response=ChangeOut, auth=WRITE)
def mark_different(request: HttpRequest, pictures: DistinctImages) -> dict[str, Any]:
    """Mark some of your pictures as not duplicates of each other."""
    return _change(distinct_pairs.mark_distinct(pictures.image_ids, by=token_of(request).user))


@router.get("/duplicates/exact", response=ExactCopiesList, auth=READ)
def list_exact_copies(request: HttpRequest, cursor: CursorParam, limit: LimitParam) -> dict[str, Any]:
    """Exact copies among your pictures, with the one that resolving would keep."""
    after = pagination.decode(cursor, of="exact copies") or ""
    groups, next_cursor = exact_copies.exact_copies(token_of(request).user, after=after, size=limit)
    items = [
        {
            "keep": group.best.pk,
            "trash": [image.pk for image in group.others],
            "kept_for": "edits" if group.has_most_edits else "age",
            "edits": group.edits[group.best.pk],
        }
        for group in groups
    ]
    return {"items": items, "next": pagination.encode(next_cursor, of="exact copies") if next_cursor else ""}


@router.post("/duplicates/exact/resolve", response=ChangeOut, auth=WRITE)
def resolve_exact_copies(request: HttpRequest) -> dict[str, Any]:
    """Keep one picture of each file and move the others to the trash.

    In the background if there are many: poll `GET /changes/{id}`.
    """
    return _change(pipeline.merge_exact_copies(token_of(request).user))


@router.get("/changes/{int:change_id}", response=ChangeOut, auth=READ)
def get_change(request: HttpRequest, change_id: int) -> dict[str, Any]:
    """One of your changes, with its progress. Changes are kept for a day."""
    return _change(get_object_or_404(BulkChange, pk=change_id, person_id=token_of(request).user_id))


@router.post("/changes/{int:change_id}/undo", response=ChangeOut, auth=WRITE)
def undo_change(request: HttpRequest, change_id: int) -> dict[str, Any]:
    """Undo one of your changes. Later changes are kept."""
    get_object_or_404(BulkChange, pk=change_id, person_id=token_of(request).user_id)
    change = pipeline.undo(change_id, by=token_of(request).user, at_once=MAX_IMMEDIATE)
    change.refresh_from_db()
    return _change(change)


def _change(change: BulkChange) -> dict[str, Any]:
    return {
        "id": change.pk,
        "action": change.action,
        "changed": change.number,
        "restored": change.restored,
        "is_running": change.is_open,
        "is_undone": change.undone_at is not None,
        "started_at": change.done_at,
    }


def _compared(facts: Facts, other: Facts) -> dict[str, Any]:
    image = facts.image
    return {
        "id": image.pk,
        "filename": image.filename,
        "title": image.title,
        "size": image.size,
        "width": image.width,
        "height": image.height,
        "format": image.format,
        "taken_at": taken_iso(image.taken_at, image.taken_offset),
        "camera": facts.camera,
        "folder": facts.folder,
        "labels_only_here": sorted(facts.labels - other.labels),
        "is_favorite": facts.rating.is_favorite,
        "rating": facts.rating.stars or 0,
        "collections": list(facts.collections),
    }
