"""Images: list by query, details, files, upload, change, trash and restore."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from ninja import Field, File, Query, Router, Schema
from ninja.decorators import decorate_view
from ninja.files import UploadedFile

from analysis import permissions, pipeline
from analysis.api import pagination
from analysis.api.authentication import READ, WRITE, token_of
from analysis.api.idempotency import idempotent
from analysis.api.image_changes import ImageChanges, edit_from
from analysis.api.image_resource import VISIBILITIES, ImageOut, Selection, resource, resources, selection_of
from analysis.api.json_query import JsonQuery, query_from_json
from analysis.api.pagination import CursorParam, LimitParam
from analysis.api.preconditions import etag_of, is_unchanged, not_modified, require_match
from analysis.api.request_body import RequestBody
from analysis.api.responses import json_response
from analysis.api.sidecars import sidecar_metadata
from analysis.curation import bulk, ratings, trash
from analysis.curation.visibility import set_visibility
from analysis.ingest.xmp import MAX_BYTES
from analysis.models import BulkChange, Image
from analysis.search import results
from analysis.search.pagination import Cursor
from analysis.search.query import Query as SearchQuery
from analysis.search.syntax.parser import MAX_LENGTH, parse
from analysis.search.time_limit import time_limit
from analysis.web.image import downloads

router = Router(tags=["Images"])
FieldsParam = Annotated[str, Query("", description="Only these fields, separated by commas.")]
ExpandParam = Annotated[str, Query("", description="`labels`, or `boxes` for labels with their boxes.")]
ImageId = int
ALL_FIELDS = selection_of("", "")
REVALIDATED = "private, no-cache"
"""For files whose URLs have no version, other than on pages."""


class ImageList(Schema):
    """A page of images. `next` is the cursor of the following page, empty on the last."""

    items: list[ImageOut]
    next: str
    count: int | None = None
    is_count_capped: bool | None = None


class ImageSearch(RequestBody):
    """A search in JSON, for programs that build queries."""

    query: JsonQuery
    cursor: str = ""
    limit: Annotated[int, Field(ge=1, le=pagination.MAX_LIMIT)] = 50
    fields: str = ""
    expand: str = ""
    count: bool = False


@router.get("/images", response=ImageList, auth=READ, exclude_unset=True, url_name="images")
def list_images(
    request: HttpRequest,
    *,
    q: Annotated[str, Query("", max_length=MAX_LENGTH, description="A search, as typed on the page.")],
    cursor: CursorParam,
    limit: LimitParam,
    fields: FieldsParam,
    expand: ExpandParam,
    count: Annotated[bool, Query(False, description="Also count the results, up to 10,000.")],
) -> HttpResponse:
    """Images that match a search, in its order; all images without one."""
    selection = selection_of(fields, expand)
    return json_response(image_page(request, parse(q), selection, cursor=cursor, limit=limit, is_counted=count))


@router.post("/images/search", response=ImageList, auth=READ, exclude_unset=True)
def search_images(request: HttpRequest, search: ImageSearch) -> HttpResponse:
    """Images that match a search, for long searches and searches in JSON."""
    selection = selection_of(search.fields, search.expand)
    query = query_from_json(search.query)
    return json_response(
        image_page(request, query, selection, cursor=search.cursor, limit=search.limit, is_counted=search.count)
    )


# Returns JSON instead of an ImageList, whose values ninja would validate again, which takes longer than the search.
def image_page(
    request: HttpRequest, query: SearchQuery, selection: Selection, *, cursor: str, limit: int, is_counted: bool
) -> dict[str, Any]:
    """A page of images as JSON values, as ImageList describes it."""
    viewer = permissions.viewer_of(request.user)
    # By the canonical text, so that a cursor is valid for the same search in any spelling, and for no other.
    name = f"images {query.text}"
    after = Cursor.from_text(pagination.decode(cursor, of=name) or "")
    with time_limit():
        search = results.Search(query, viewer)
        page = search.page(after=after, size=limit, columns=results.ALL_COLUMNS)
        total = search.count() if is_counted else None
        items = resources(page.images, request, selection)
    values: dict[str, Any] = {
        "items": items,
        "next": pagination.encode(str(page.next), of=name) if page.next else "",
    }
    if total is not None:
        values |= {"count": min(total, results.COUNT_CAP), "is_count_capped": total > results.COUNT_CAP}
    return values


@router.get("/images/{int:image_id}", response=ImageOut, auth=READ, exclude_unset=True, url_name="image")
def get_image(request: HttpRequest, image_id: ImageId, fields: FieldsParam, expand: ExpandParam) -> HttpResponse:
    """One image, with an ETag. Images in the trash are visible to their owner only."""
    image = permissions.get_image_or_404(request.user, image_id)
    values = resource(image, request, selection_of(fields, expand))
    etag = etag_of(values)
    return not_modified(etag) if is_unchanged(request, etag) else json_response(values, etag=etag)


@router.get(
    "/images/{int:image_id}/files/{name}",
    auth=READ,
    url_name="image-file",
    openapi_extra={"responses": {200: {"description": "The file.", "content": {"application/octet-stream": {}}}}},
)
def get_image_file(
    request: HttpRequest, image_id: ImageId, name: Literal["thumb", "preview", "original"]
) -> HttpResponseBase:
    """The file `thumb`, `preview` or `original`; may redirect to the storage."""
    web_request: Any = request
    # The page's code, so that permissions, redirects and ETags are the same.
    if name == "original":
        return downloads.download_original(web_request, image_id)
    image = permissions.get_image_or_404(request.user, image_id)
    return downloads.rendition_response(web_request, image, name, cache_control=REVALIDATED)


@router.post("/images", response={201: ImageOut, 200: ImageOut}, auth=WRITE, exclude_unset=True, url_name="images")
@decorate_view(idempotent)
def create_image(
    request: HttpRequest, file: Annotated[UploadedFile, File()], sidecar: Annotated[UploadedFile | None, File()] = None
) -> HttpResponse:
    """Upload one file, optionally with its XMP sidecar.

    200 with the existing image if you own these bytes already, 201 otherwise.

    The image is analyzed like one uploaded on the page. For large files, use /uploads.
    """
    permissions.require_upload_images(request.user)
    metadata = sidecar_metadata(sidecar.read(MAX_BYTES + 1)) if sidecar else None
    added = pipeline.ingest_file(file, name=file.name or "", owner_id=token_of(request).user_id, sidecar=metadata)
    location = request.build_absolute_uri(reverse("api-v1:image", args=[added.image.pk]))
    image = Image.objects.select_related("owner").get(pk=added.image.pk)
    return json_response(resource(image, request, ALL_FIELDS), status=201 if added.is_new else 200, location=location)


@router.patch("/images/{int:image_id}", response=ImageOut, auth=WRITE, exclude_unset=True, url_name="image")
def change_image(request: HttpRequest, image_id: ImageId, changes: ImageChanges) -> HttpResponse:
    """Change visibility and details (owners), or your own rating. Honors If-Match."""
    user = token_of(request).user
    with transaction.atomic():
        image = permissions.lock_image_or_404(request.user, image_id)
        edit = edit_from(changes)
        if changes.visibility is not None or edit:
            permissions.require_edit_image(request.user, image)
        # All fields, since the ETag is of all of them; a caller who read only some `fields=` has none to send.
        require_match(request, etag_of(resource(image, request, ALL_FIELDS)))
        if edit:
            bulk.apply(bulk.Selection(user, ids=(image.pk,)), BulkChange.Action.EDIT, edit=edit)
        if changes.visibility is not None:
            set_visibility(image, VISIBILITIES[changes.visibility], by_id=user.pk)
        if changes.is_favorite is not None:
            ratings.set_favorite(image.pk, person_id=user.pk, is_favorite=changes.is_favorite)
        if changes.rating is not None:
            ratings.rate(image.pk, person_id=user.pk, stars=changes.rating)
    values = resource(permissions.get_image_or_404(request.user, image_id), request, ALL_FIELDS)
    return json_response(values, etag=etag_of(values))


@router.delete("/images/{int:image_id}", response={204: None}, auth=WRITE, url_name="image")
def trash_image(request: HttpRequest, image_id: ImageId) -> HttpResponse:
    """Move an image to the trash, from where it can be restored."""
    with transaction.atomic():
        image = permissions.lock_image_or_404(request.user, image_id)
        permissions.require_edit_image(request.user, image)
        require_match(request, etag_of(resource(image, request, ALL_FIELDS)))
        # Only to the trash, so that a mistake is easy to undo. trash.py deletes images forever.
        trash.trash_image(image, by_id=token_of(request).user_id)
    return HttpResponse(status=204)


@router.post("/images/{int:image_id}/restore", response=ImageOut, auth=WRITE, exclude_unset=True)
def restore_image(request: HttpRequest, image_id: ImageId) -> dict[str, Any]:
    """Restore an image from the trash. 409 if the same file was added again."""
    image = permissions.get_image_or_404(request.user, image_id)
    permissions.require_edit_image(request.user, image)
    trash.restore(image.pk, by_id=token_of(request).user_id)
    return resource(permissions.get_image_or_404(request.user, image_id), request, ALL_FIELDS)
