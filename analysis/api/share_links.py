"""Share links: URLs that show pictures to people without an account."""

from __future__ import annotations

from datetime import MAXYEAR, datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Field, Router, Schema
from ninja.decorators import decorate_view

from analysis import permissions
from analysis.api import pagination
from analysis.api.authentication import READ, WRITE, token_of
from analysis.api.errors import ApiError
from analysis.api.idempotency import idempotent
from analysis.api.pagination import CursorParam, LimitParam
from analysis.api.request_body import RequestBody, RowId
from analysis.api.responses import json_response
from analysis.models import SavedSearch, ShareLink
from analysis.permissions import collections as rights
from analysis.sharing import share_links
from analysis.sharing.share_links import LinkOptions, Target

router = Router(tags=["Share links"])


class ShareLinkOut(Schema):
    """One of `image_id`, `collection_id` and `search_id` is not null."""

    id: int
    url: str
    image_id: int | None
    collection_id: int | None
    search_id: int | None
    has_password: bool
    expires_at: datetime | None
    revoked_at: datetime | None
    allows_download: bool
    shows_metadata: bool
    includes_private: bool
    includes_sensitive: bool
    views: int
    created_at: datetime


class ShareLinkList(Schema):
    items: list[ShareLinkOut]
    next: str


class NewShareLink(RequestBody):
    """Exactly one of `image_id`, `collection_id` and `search_id`."""

    image_id: RowId | None = None
    collection_id: RowId | None = None
    search_id: RowId | None = None
    password: Annotated[str, Field(max_length=200)] = ""
    expires_at: Annotated[datetime | None, Field(strict=False)] = None
    allows_download: bool = False
    shows_metadata: bool = False
    includes_private: bool = False
    includes_sensitive: bool = False


@router.get("/share-links", response=ShareLinkList, auth=READ, url_name="share-links")
def list_share_links(request: HttpRequest, cursor: CursorParam, limit: LimitParam) -> dict[str, Any]:
    """Your links, the latest first."""
    rows = rights.viewable_share_links(request.user)
    page, following = pagination.page_by_id(rows, cursor=cursor, limit=limit, of="share-links")
    return {"items": [_out(link, request) for link in page], "next": following}


@router.post("/share-links", response={201: ShareLinkOut}, auth=WRITE, url_name="share-links")
@decorate_view(idempotent)
def create_share_link(request: HttpRequest, new: NewShareLink) -> HttpResponse:
    """Create a link.

    It shows your own pictures and public ones. Private pictures must be included explicitly.
    """
    if new.expires_at is not None and new.expires_at.tzinfo is None:
        raise ApiError(422, _("Include the offset from UTC in the time."), field="expires_at")
    if new.expires_at is not None and not 1 < new.expires_at.year < MAXYEAR:  # in UTC it may be out of range
        raise ApiError(422, _("This date does not exist. Choose another."), field="expires_at")
    if new.expires_at is not None and new.expires_at <= timezone.now():
        raise ApiError(422, _("This time has passed. Choose a later one."), field="expires_at")
    options = LinkOptions(**new.model_dump(exclude={"image_id", "collection_id", "search_id"}))
    link = share_links.create(token_of(request).user, _target(request, new), options)
    link.refresh_from_db()
    location = request.build_absolute_uri(reverse("api-v1:share-link", args=[link.pk]))
    return json_response(_out(link, request).model_dump(), status=201, location=location)


@router.get("/share-links/{int:link_id}", response=ShareLinkOut, auth=READ, url_name="share-link")
def get_share_link(request: HttpRequest, link_id: int) -> ShareLinkOut:
    return _out(get_object_or_404(rights.viewable_share_links(request.user), pk=link_id), request)


@router.delete("/share-links/{int:link_id}", response={204: None}, auth=WRITE, url_name="share-link")
def revoke_share_link(request: HttpRequest, link_id: int) -> HttpResponse:
    """Revoke a link, so that it can no longer be opened."""
    link = get_object_or_404(rights.viewable_share_links(request.user), pk=link_id)
    share_links.revoke(link, by_id=token_of(request).user_id)
    return HttpResponse(status=204)


def _target(request: HttpRequest, new: NewShareLink) -> Target:
    """The picture, collection or search to share. 404 if the user may not share it."""
    if [new.image_id, new.collection_id, new.search_id].count(None) != 2:
        raise ApiError(422, _("Provide one of “image_id”, “collection_id” and “search_id”."), field="image_id")
    if new.image_id is not None:
        image = permissions.get_image_or_404(request.user, new.image_id)
        permissions.require_or_404(rights.can_share_image(request.user, image))
        return image
    if new.collection_id is not None:
        collection = rights.get_collection_or_404(request.user, new.collection_id)
        permissions.require_or_404(rights.can_edit_collection(request.user, collection))
        return collection
    search = get_object_or_404(SavedSearch, pk=new.search_id)
    permissions.require_or_404(rights.can_share_search(request.user, search))
    return search


def _out(link: ShareLink, request: HttpRequest) -> ShareLinkOut:
    names = (
        *("image_id", "collection_id", "search_id", "expires_at", "revoked_at", "views", "created_at"),
        *("allows_download", "shows_metadata", "includes_private", "includes_sensitive"),
    )
    return ShareLinkOut(
        id=link.pk,
        url=request.build_absolute_uri(link.get_absolute_url()),
        has_password=bool(link.password),
        **{name: getattr(link, name) for name in names},
    )
