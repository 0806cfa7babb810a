"""Saved searches: the caller's own, and shared ones."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from ninja import Field, Router, Schema
from ninja.decorators import decorate_view

from analysis.api import pagination
from analysis.api.authentication import READ, WRITE, token_of
from analysis.api.errors import ApiError
from analysis.api.idempotency import idempotent
from analysis.api.pagination import CursorParam, LimitParam
from analysis.api.preconditions import etag_of, is_unchanged, not_modified, require_match
from analysis.api.request_body import RequestBody
from analysis.api.responses import json_response
from analysis.models import SavedSearch
from analysis.search.syntax.parser import MAX_LENGTH, parse
from analysis.web.http import one_line
from analysis.web.saved_searches import MAX_NAME_LENGTH, visible

router = Router(tags=["Saved searches"])
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH, pattern=r"\S")]
QueryText = Annotated[str, Field(max_length=MAX_LENGTH)]


class SavedSearchOut(Schema):
    id: int
    name: str
    query: str
    is_shared: bool
    is_own: bool
    owner: str
    saved_at: datetime


class SavedSearchList(Schema):
    items: list[SavedSearchOut]
    next: str


class NewSearch(RequestBody):
    name: Name
    query: QueryText
    is_shared: bool = False


class SearchChanges(RequestBody):
    name: Name | None = None
    query: QueryText | None = None
    is_shared: bool | None = None


@router.get("/searches", response=SavedSearchList, auth=READ, url_name="searches")
def list_searches(request: HttpRequest, cursor: CursorParam, limit: LimitParam) -> dict[str, Any]:
    """Your saved searches and shared ones, the latest first."""
    rows = visible(token_of(request).user_id).select_related("owner")
    page, following = pagination.page_by_id(rows, cursor=cursor, limit=limit, of="searches")
    return {"items": [_out(saved, request) for saved in page], "next": following}


@router.post("/searches", response={201: SavedSearchOut}, auth=WRITE, url_name="searches")
@decorate_view(idempotent)
def create_search(request: HttpRequest, search: NewSearch) -> HttpResponse:
    """Save a search. Names are unique for each person."""
    parse(search.query)  # so that it is rejected now instead of each time it is opened
    saved = SavedSearch(
        owner_id=token_of(request).user_id, name=one_line(search.name), query=search.query, is_shared=search.is_shared
    )
    _save(saved)
    saved.refresh_from_db()
    location = request.build_absolute_uri(reverse("api-v1:search", args=[saved.pk]))
    return json_response(_out(saved, request).model_dump(), status=201, location=location)


@router.get("/searches/{int:search_id}", response=SavedSearchOut, auth=READ, url_name="search")
def get_search(request: HttpRequest, search_id: int) -> HttpResponse:
    """One saved search, with an ETag. Its results: `GET /images?q=` with its query."""
    saved = get_object_or_404(visible(token_of(request).user_id).select_related("owner"), pk=search_id)
    etag = _etag(saved, request)
    return not_modified(etag) if is_unchanged(request, etag) else _response(saved, request)


@router.patch("/searches/{int:search_id}", response=SavedSearchOut, auth=WRITE, url_name="search")
def change_search(request: HttpRequest, search_id: int, changes: SearchChanges) -> HttpResponse:
    """Change one of your searches. Honors If-Match."""
    with transaction.atomic():
        saved = _locked(request, search_id)
        require_match(request, _etag(saved, request))
        if changes.query is not None:
            parse(changes.query)
            saved.query = changes.query
        if changes.name is not None:
            saved.name = one_line(changes.name)
        if changes.is_shared is not None:
            saved.is_shared = changes.is_shared
        _save(saved)
    return _response(saved, request)


@router.delete("/searches/{int:search_id}", response={204: None}, auth=WRITE, url_name="search")
def delete_search(request: HttpRequest, search_id: int) -> HttpResponse:
    """Delete one of your searches, and its alerts. Honors If-Match."""
    # Deleted at once, since the Undo of the page is a button for people.
    with transaction.atomic():
        saved = _locked(request, search_id)
        require_match(request, _etag(saved, request))
        saved.delete()
    return HttpResponse(status=204)


def _locked(request: HttpRequest, search_id: int) -> SavedSearch:
    """One of the caller's searches, locked from the check of If-Match on."""
    own = SavedSearch.objects.filter(owner_id=token_of(request).user_id).select_related("owner")
    return get_object_or_404(own.select_for_update(of=("self",)), pk=search_id)


def _save(saved: SavedSearch) -> None:
    """Save a search. Raises ApiError 409 if the name is in use."""
    try:
        with transaction.atomic():
            saved.save()
    except IntegrityError as error:
        message = _("You already have a saved search named “%(name)s”. Choose another name.")
        raise ApiError(409, message % {"name": saved.name}, field="name") from error


def _response(saved: SavedSearch, request: HttpRequest) -> HttpResponse:
    return json_response(_out(saved, request).model_dump(), etag=_etag(saved, request))


def _etag(saved: SavedSearch, request: HttpRequest) -> str:
    return etag_of(_out(saved, request).model_dump())


def _out(saved: SavedSearch, request: HttpRequest) -> SavedSearchOut:
    return SavedSearchOut(
        id=saved.pk,
        name=saved.name,
        query=saved.query,
        is_shared=saved.is_shared,
        is_own=saved.owner_id == request.user.pk,
        owner=saved.owner.get_username(),
        saved_at=saved.saved_at,
    )
