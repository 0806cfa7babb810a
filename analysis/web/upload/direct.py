"""Direct uploads: a presigned form for each file, then the result of its check."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from analysis import formatting, permissions, pipeline
from analysis.aws.object_refs import PresignedForm
from analysis.curation.errors import ActionRefused
from analysis.ingest.validation import InvalidImage, clean_name
from analysis.ingest.xmp import MAX_BYTES, XmpMetadata, parse_packet
from analysis.library import images, resumable_uploads, uploads
from analysis.library.uploads import Target
from analysis.models import Upload
from analysis.storage import blobs
from analysis.web.http import Request, current_user_id, int_param
from analysis.web.upload.targets import target_of
from analysis.web.upload.views import MAX_STATES, UploadOutcome, UploadRow, upload_rows

HASH = re.compile("[0-9a-f]{64}")
ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MAX_SIZE = 2**50
"""Largest size that is parsed; the limit itself is checked when the upload is created."""


@require_POST
def create_upload(request: Request) -> HttpResponse:
    """A ticket for one file as JSON, or its `row` if nothing has to be sent.

    `url` and `fields` are a form for the file; or `parts` is where to get URLs for parts of `part_size` bytes, of which
    those in `arrived` need not be sent. With neither, the file has arrived, and only `complete` is left. `shown_at` is
    the collection.
    """
    permissions.require_upload_images(request.user)
    name, sha256 = request.POST.get("name", ""), request.POST.get("sha256", "")
    sha256 = sha256 if HASH.fullmatch(sha256) else ""
    try:
        target = target_of(request)
        # Only among the user's files: a result about other people's would reveal who has a picture.
        if sha256 and (present := images.find_stored(sha256, owner_id=current_user_id(request))):
            note = pipeline.reuse_existing_image(present, folder=request.POST.get("folder", ""), target=target)
            return _row_response(request, UploadOutcome(clean_name(name), present, sentence=note))
        upload = _resumed(request, sha256, target) or _issued(request, name, sha256, target)
        if upload.state == Upload.State.ARRIVED:
            return JsonResponse({"row": _render_rows(request, _rows([upload]))})
        shown_at = reverse("collection", args=[target.collection_id]) if target.collection_id else ""
        return JsonResponse(_ticket(request, upload) | {"shown_at": shown_at})
    except InvalidImage as rejection:
        return _row_response(request, UploadOutcome(rejection.name, sentence=formatting.translated(rejection)))
    except (blobs.StorageError, uploads.UploadRefused, ActionRefused) as failure:
        return _row_response(request, UploadOutcome(clean_name(name), sentence=str(failure), may_retry=True))


def _resumed(request: Request, sha256: str, target: Target) -> Upload | None:
    """The interrupted upload that the browser remembers, if it is for the same file."""
    upload_id = request.POST.get("upload", "")
    if not ID.fullmatch(upload_id):
        return None
    size = int_param(request.POST.get("size", ""), minimum=0, maximum=MAX_SIZE)
    return uploads.resume(UUID(upload_id), owner_id=current_user_id(request), size=size, sha256=sha256, target=target)


def _issued(request: Request, name: str, sha256: str, target: Target) -> Upload:
    """Create an upload. Raises InvalidImage, UploadRefused or StorageError."""
    upload = uploads.issue(
        owner_id=current_user_id(request),
        filename=name,
        size=int_param(request.POST.get("size", ""), minimum=0, maximum=MAX_SIZE),
        sha256=sha256,
        sidecar=_sidecar(request),
        folder=request.POST.get("folder", ""),
        target=target,
        modified=request.POST.get("modified", ""),
    )
    if resumable_uploads.is_needed(upload.size):
        resumable_uploads.start(upload)
    return upload


def _ticket(request: Request, upload: Upload) -> dict[str, object]:
    """The JSON of a ticket. Raises StorageError."""
    complete: dict[str, object] = {"upload": str(upload.pk), "complete": reverse("upload-complete", args=[upload.pk])}
    if upload.multipart_id:
        parts = resumable_uploads.parts_of(upload)
        address = reverse("upload-parts", args=[upload.pk])
        return complete | {"parts": address, "part_size": parts.size, "arrived": parts.arrived}
    # The connection was lost after the file had arrived, but before the browser could report it.
    if request.POST.get("upload") == str(upload.pk) and uploads.has_all_bytes(upload):
        return complete
    form = blobs.presigned_form(upload.key, size=upload.size, seconds=settings.UPLOAD_TICKET_SECONDS)
    # Only S3 presigns forms; with another storage the browser posts to receive_file, which needs the CSRF token.
    form = form or PresignedForm(reverse("upload-file", args=[upload.pk]), {"csrfmiddlewaretoken": get_token(request)})
    return complete | {"url": form.url, "fields": form.fields}


@require_POST
def part_urls(request: Request, upload_id: UUID) -> HttpResponse:
    """Presigned URLs of the parts in `number`, as JSON."""
    permissions.require_upload_images(request.user)
    numbers = [int_param(text, maximum=resumable_uploads.MAX_PARTS) for text in request.POST.getlist("number")]
    try:
        urls = resumable_uploads.part_urls(upload_id, numbers, owner_id=current_user_id(request))
    except uploads.UploadRefused as refused:
        return _text_response(str(refused), status=refused.status)
    except blobs.StorageError as failure:
        return _text_response(str(failure), status=507)
    return JsonResponse({"urls": urls})


@require_POST
def abort_upload(request: Request, upload_id: UUID) -> HttpResponse:
    """Abort an interrupted upload; 204 also if there is none."""
    try:
        resumable_uploads.abort(upload_id, owner_id=current_user_id(request))
    except uploads.UploadRefused:
        return HttpResponse(status=204)  # it has already ended
    except blobs.StorageError as failure:
        return _text_response(str(failure), status=507)
    return HttpResponse(status=204)


def _sidecar(request: Request) -> XmpMetadata | None:
    """Metadata of the XMP file that was chosen together with the picture."""
    file = request.FILES.get("sidecar")
    # One byte more, by which parse_packet recognizes a file that is too large.
    return parse_packet(file.read(MAX_BYTES + 1)) if file else None


@require_POST
def receive_file(request: Request, upload_id: UUID) -> HttpResponse:
    """Receive a file for storages that browsers can't send to; 204, as S3 responds."""
    permissions.require_upload_images(request.user)
    content = request.FILES.get("file")
    if content is None:
        return _text_response(_("The file did not arrive. Upload it again."), status=400)
    try:
        uploads.receive(upload_id, content, owner_id=current_user_id(request))
    except uploads.UploadRefused as refused:
        return _text_response(str(refused), status=refused.status)
    except blobs.StorageError as failure:
        return _text_response(str(failure), status=507)
    return HttpResponse(status=204)


@require_POST
def complete_upload(request: Request, upload_id: UUID) -> HttpResponse:
    """Mark an upload as sent; responds with its result row if already checked."""
    try:
        upload = pipeline.complete_upload(upload_id, owner_id=current_user_id(request))
    except uploads.UploadRefused as refused:
        return _text_response(str(refused), status=refused.status)
    except blobs.StorageError as failure:
        return _text_response(str(failure), status=507)
    return render(request, "upload/index.html#rows", {"rows": _rows([upload])})


@require_safe
def upload_states(request: Request) -> HttpResponse:
    """Rows of the uploads with these ids that have been checked."""
    # UUID() alone also accepts braces, a URN and hyphens anywhere.
    ids = [UUID(text) for text in request.GET.getlist("id")[:MAX_STATES] if ID.fullmatch(text)]
    own = Upload.objects.filter(pk__in=ids, owner_id=current_user_id(request)).select_related("image")
    checked = own.filter(state__in=[Upload.State.TAKEN, Upload.State.REFUSED])
    return render(request, "upload/index.html#rows", {"rows": _rows(checked)})


def _rows(direct_uploads: Iterable[Upload]) -> list[UploadRow]:
    """Rows of checked uploads, then of those still being checked."""
    unchecked, outcomes, ids = [], [], []
    for upload in direct_uploads:
        if upload.state == Upload.State.ARRIVED:
            unchecked.append(UploadRow("checking", upload.filename, _("Checking"), upload_id=str(upload.pk)))
            continue
        ids.append(str(upload.pk))
        outcomes.append(_outcome(upload))
    checked = [replace(row, upload_id=upload_id) for row, upload_id in zip(upload_rows(outcomes), ids, strict=True)]
    return checked + unchecked


def _outcome(upload: Upload) -> UploadOutcome:
    if upload.image:
        return UploadOutcome(upload.filename, upload.image, is_new=upload.is_new, sentence=upload.reason)
    error = upload.reason or _("The picture has since been deleted from the library.")
    return UploadOutcome(upload.filename, sentence=error, may_retry=upload.may_retry)


def _row_response(request: Request, outcome: UploadOutcome) -> HttpResponse:
    return JsonResponse({"row": _render_rows(request, upload_rows([outcome]))})


def _render_rows(request: Request, rows: list[UploadRow]) -> str:
    return render_to_string("upload/index.html#rows", {"rows": rows}, request)


def _text_response(sentence: str, *, status: int) -> HttpResponse:
    return HttpResponse(sentence, status=status, content_type="text/plain; charset=utf-8")
