"""Uploads of large files in three steps: ticket, file, completion."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from ninja import Field, File, Router, Schema
from ninja.decorators import decorate_view
from ninja.files import UploadedFile

from analysis import permissions, pipeline
from analysis.api.authentication import WRITE, token_of
from analysis.api.idempotency import idempotent
from analysis.api.request_body import RequestBody
from analysis.api.responses import json_response
from analysis.api.sidecars import sidecar_metadata
from analysis.ingest.xmp import MAX_BYTES
from analysis.library import images, uploads
from analysis.models import Upload
from analysis.storage import blobs

router = Router(tags=["Uploads"])
RFC_3339 = r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d))?$"


class NewUpload(RequestBody):
    """A file to upload. With `sha256`, a file that you already own need not be sent."""

    filename: Annotated[str, Field(min_length=1, max_length=1_000)]
    size: Annotated[int, Field(ge=1, le=2**50, description="Bytes.")]
    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    sidecar: Annotated[str, Field(max_length=MAX_BYTES, description="The XMP sidecar beside the file, as text.")] = ""
    modified: Annotated[
        str,
        Field(
            pattern=RFC_3339,
            description="When the file was last changed. The date taken of a picture without one, if plausible.",
        ),
    ] = ""


class UploadOut(Schema):
    """An upload: POST the file to its `url`, then complete it.

    The request is multipart form data: `fields` first, `file` last.

    `state`: issued, arrived (being checked), taken (`image_id` is the image) or refused (`reason` says why).

    `trashed_at`: when that image was moved to the trash, if you had these bytes there. Restore it before you delete
    your copy.
    """

    id: UUID | None = None
    state: str
    url: str = ""
    fields: dict[str, str] = {}
    needs_token: bool = False
    expires_at: datetime | None = None
    image_id: int | None = None
    is_new: bool = False
    trashed_at: datetime | None = None
    reason: str = ""
    may_retry: bool = False


@router.post("/uploads", response={201: UploadOut, 200: UploadOut}, auth=WRITE)
@decorate_view(idempotent)
def create_upload(request: HttpRequest, upload: NewUpload) -> HttpResponse:
    """A ticket for one file; 200 with `image_id` if you own this SHA-256 already."""
    permissions.require_upload_images(request.user)
    owner_id = token_of(request).user_id
    present = images.find_stored(upload.sha256, owner_id=owner_id) if upload.sha256 else None
    if present is not None:
        taken = UploadOut(state=Upload.State.TAKEN, image_id=present.pk, trashed_at=present.trashed_at)
        return json_response(taken.model_dump())
    sidecar = sidecar_metadata(upload.sidecar.encode()) if upload.sidecar else None
    ticket = uploads.issue(
        owner_id=owner_id,
        filename=upload.filename,
        size=upload.size,
        sha256=upload.sha256,
        sidecar=sidecar,
        modified=upload.modified,
    )
    # A form, whose policy limits the size: a ticket for a kilobyte must not accept a terabyte.
    form = blobs.presigned_form(ticket.key, size=ticket.size, seconds=settings.UPLOAD_TICKET_SECONDS)
    ticket.refresh_from_db()
    values = _values(ticket)
    # Without S3, the file is sent to imagelib, with the same token as every request.
    values["needs_token"] = form is None
    values["url"] = form.url if form else request.build_absolute_uri(reverse("api-v1:upload-file", args=[ticket.pk]))
    values["fields"] = dict(form.fields) if form else {}
    location = request.build_absolute_uri(reverse("api-v1:upload", args=[ticket.pk]))
    return json_response(UploadOut(**values).model_dump(), status=201, location=location)


@router.post("/uploads/{uuid:upload_id}/file", response={204: None}, auth=WRITE, url_name="upload-file")
def receive_file(request: HttpRequest, upload_id: UUID, file: Annotated[UploadedFile, File()]) -> HttpResponse:
    """Upload the file here if the storage accepts no uploads from clients."""
    uploads.receive(upload_id, file, owner_id=token_of(request).user_id)
    return HttpResponse(status=204)


@router.post("/uploads/{uuid:upload_id}/complete", response=UploadOut, auth=WRITE)
def complete_upload(request: HttpRequest, upload_id: UUID) -> dict[str, Any]:
    """Report that the file was sent.

    It is checked soon: poll the upload until its state is no longer `arrived`.
    """
    return _values(pipeline.complete_upload(upload_id, owner_id=token_of(request).user_id))


@router.get("/uploads/{uuid:upload_id}", response=UploadOut, auth=WRITE, url_name="upload")
def get_upload(request: HttpRequest, upload_id: UUID) -> dict[str, Any]:
    """The state of an upload; kept for a day."""
    return _values(get_object_or_404(Upload, pk=upload_id, owner_id=request.user.pk))


def _values(upload: Upload) -> dict[str, Any]:
    # The row may exist for up to a day after its image was deleted.
    is_gone = upload.state == Upload.State.TAKEN and upload.image_id is None
    return {
        "id": upload.pk,
        "state": upload.state,
        "expires_at": upload.expires_at,
        "image_id": upload.image_id,
        "is_new": upload.is_new,
        "trashed_at": upload.image.trashed_at if upload.image else None,
        "reason": _("The picture has since been deleted from the library.") if is_gone else upload.reason,
        "may_retry": upload.may_retry,
    }
