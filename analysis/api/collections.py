"""Collections, own and shared: their pictures and order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from ninja import Field, Router, Schema
from ninja.decorators import decorate_view

from analysis import permissions
from analysis.api import pagination
from analysis.api.authentication import READ, WRITE, token_of
from analysis.api.idempotency import idempotent
from analysis.api.pagination import CursorParam, LimitParam
from analysis.api.request_body import RequestBody, RowId
from analysis.api.responses import json_response
from analysis.curation import collection_order
from analysis.curation import collections as curation
from analysis.curation.bulk import MAX_IDS, Selection
from analysis.curation.errors import ActionRefused
from analysis.models import Collection, CollectionImage, Image
from analysis.models.collections import NAME_LENGTH
from analysis.permissions import collections as rights

router = Router(tags=["Collections"])
Name = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH, pattern=r"\S")]
Description = Annotated[str, Field(max_length=curation.MAX_DESCRIPTION)]
Ids = Annotated[list[RowId], Field(min_length=1, max_length=MAX_IDS)]


class CollectionOut(Schema):
    """A collection. `cover_id` null: its first picture that you may see."""

    id: int
    name: str
    description: str
    owner: str
    is_own: bool
    is_shared: bool
    shares_private: bool
    cover_id: int | None
    created_at: datetime


class CollectionList(Schema):
    items: list[CollectionOut]
    next: str


class CollectionImages(Schema):
    """The pictures of the collection that you may see, in its order."""

    image_ids: list[int]
    next: str


class Changed(Schema):
    """The number of pictures."""

    changed: int


class NewCollection(RequestBody):
    name: Name
    description: Description = ""
    image_ids: Annotated[list[RowId], Field(max_length=MAX_IDS)] = []


class CollectionChanges(RequestBody):
    name: Name | None = None
    description: Description | None = None
    is_shared: bool | None = None
    shares_private: bool | None = None


class ImageIds(RequestBody):
    image_ids: Ids


class Move(RequestBody):
    """Pictures to move, before the picture `before`, or to the end if it is null."""

    image_ids: Ids
    before: RowId | None


@router.get("/collections", response=CollectionList, auth=READ, url_name="collections")
def list_collections(request: HttpRequest, cursor: CursorParam, limit: LimitParam) -> dict[str, Any]:
    """Your collections and those shared with you, the latest first."""
    rows = rights.viewable_collections(request.user).select_related("owner")
    page, following = pagination.page_by_id(rows, cursor=cursor, limit=limit, of="collections")
    return {"items": _all_out(page, request), "next": following}


@router.post("/collections", response={201: CollectionOut}, auth=WRITE, url_name="collections")
@decorate_view(idempotent)
def create_collection(request: HttpRequest, new: NewCollection) -> HttpResponse:
    """Create a collection, with pictures that you may see.

    Slashes in the name create levels.
    """
    user = token_of(request).user
    collection = curation.create(user, name=new.name)
    curation.describe(collection, text=new.description)
    if new.image_ids:
        curation.add(collection, Selection(user, ids=tuple(new.image_ids)))
    collection.refresh_from_db()
    location = request.build_absolute_uri(reverse("api-v1:collection", args=[collection.pk]))
    return json_response(_out(collection, request).model_dump(), status=201, location=location)


@router.get("/collections/{int:collection_id}", response=CollectionOut, auth=READ, url_name="collection")
def get_collection(request: HttpRequest, collection_id: int) -> CollectionOut:
    return _out(rights.get_collection_or_404(request.user, collection_id), request)


@router.patch("/collections/{int:collection_id}", response=CollectionOut, auth=WRITE, url_name="collection")
def change_collection(request: HttpRequest, collection_id: int, changes: CollectionChanges) -> CollectionOut:
    """Change one of your collections. A new name renames those below it, too."""
    collection = _own(request, collection_id)
    if changes.name is not None:
        curation.rename(collection, name=changes.name)
    if changes.description is not None:
        curation.describe(collection, text=changes.description)
    values = changes.model_dump(exclude={"name", "description"}, exclude_none=True)
    if values:
        Collection.objects.filter(pk=collection.pk).update(**values)
    collection.refresh_from_db()
    return _out(collection, request)


@router.delete("/collections/{int:collection_id}", response={204: None}, auth=WRITE, url_name="collection")
def delete_collection(request: HttpRequest, collection_id: int) -> HttpResponse:
    """Delete one of your collections. Its pictures stay; its links stop working."""
    curation.delete(_own(request, collection_id))
    return HttpResponse(status=204)


@router.get(
    "/collections/{int:collection_id}/images", response=CollectionImages, auth=READ, url_name="collection-images"
)
def list_collection_images(
    request: HttpRequest, collection_id: int, cursor: CursorParam, limit: LimitParam
) -> dict[str, Any]:
    """The pictures of a collection in its order."""
    collection = rights.get_collection_or_404(request.user, collection_id)
    list_of = f"images of collection {collection.pk}"
    visible = permissions.viewer_of(request.user).visible_filter("image__")
    rows = collection.entries.filter(visible, image__trashed_at=None).order_by("position", "image_id")
    after = pagination.decode(cursor, of=list_of)
    if after is not None:
        position, _slash, image_id = str(after).partition("/")
        rows = rows.filter(Q(position__gt=position) | Q(position=position, image_id__gt=int(image_id)))
    entries = list(rows[: limit + 1])
    following = _position_of(entries[limit - 1]) if len(entries) > limit else ""
    return {
        "image_ids": [entry.image_id for entry in entries[:limit]],
        "next": pagination.encode(following, of=list_of) if following else "",
    }


@router.post("/collections/{int:collection_id}/images", response=Changed, auth=WRITE, url_name="collection-images")
@decorate_view(idempotent)
def add_collection_images(request: HttpRequest, collection_id: int, images: ImageIds) -> HttpResponse:
    """Add pictures at the end. Pictures that are already in it keep their place."""
    collection = _arrangeable(request, collection_id)
    added = curation.add(collection, Selection(token_of(request).user, ids=tuple(images.image_ids)))
    return json_response({"changed": len(added)})


@router.post(
    "/collections/{int:collection_id}/images/remove", response=Changed, auth=WRITE, url_name="collection-images-remove"
)
def remove_collection_images(request: HttpRequest, collection_id: int, images: ImageIds) -> dict[str, int]:
    """Remove pictures; they stay in the library."""
    collection = _arrangeable(request, collection_id)
    return {"changed": len(curation.remove(collection, _visible(request, collection, images.image_ids)))}


@router.post(
    "/collections/{int:collection_id}/images/move", response=Changed, auth=WRITE, url_name="collection-images-move"
)
def move_collection_images(request: HttpRequest, collection_id: int, move: Move) -> dict[str, int]:
    """Move pictures before another one. 409 if one of them is no longer there."""
    collection = _arrangeable(request, collection_id)
    ids = list(dict.fromkeys(move.image_ids))
    if len(_visible(request, collection, ids)) < len(ids):
        raise ActionRefused(collection_order.CHANGED_MESSAGE)
    return {"changed": len(collection_order.move(collection, ids, before=move.before))}


def _own(request: HttpRequest, collection_id: int) -> Collection:
    own = rights.viewable_collections(request.user).filter(owner_id=token_of(request).user_id)
    return get_object_or_404(own.select_related("owner"), pk=collection_id)


def _arrangeable(request: HttpRequest, collection_id: int) -> Collection:
    collection = rights.get_collection_or_404(request.user, collection_id)
    rights.require_arrange_collection(request.user, collection)
    return collection


def _visible(request: HttpRequest, collection: Collection, image_ids: Sequence[int]) -> list[int]:
    entries = rights.visible_entries(request.user, collection).filter(image_id__in=image_ids)
    return list(entries.values_list("image_id", flat=True))


def _position_of(entry: CollectionImage) -> str:
    return f"{entry.position}/{entry.image_id}"


def _out(collection: Collection, request: HttpRequest) -> CollectionOut:
    return _all_out([collection], request)[0]


def _all_out(collections: Sequence[Collection], request: HttpRequest) -> list[CollectionOut]:
    """The collections, without covers that the user may not see."""
    covers = {collection.cover_id for collection in collections if collection.cover_id}
    visible = Image.objects.visible_to(permissions.viewer_of(request.user)).filter(pk__in=covers)
    cover_ids = set(visible.values_list("pk", flat=True)) if covers else set()
    names = ("name", "description", "is_shared", "shares_private", "created_at")
    return [
        CollectionOut(
            id=collection.pk,
            owner=collection.owner.get_username(),
            is_own=collection.owner_id == request.user.pk,
            # The cover may be a picture that its owner has made private since.
            cover_id=collection.cover_id if collection.cover_id in cover_ids else None,
            **{name: getattr(collection, name) for name in names},
        )
        for collection in collections
    ]
