"""Files that browsers send one by one, straight to where their bytes are kept: leave to send, and what became of it."""

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
from django.views.decorators.http import require_POST, require_safe

from analysis import formatting, permissions, pipeline
from analysis.aws.object_refs import PresignedForm
from analysis.ingest.validation import InvalidImage, clean_name
from analysis.library import images, uploads
from analysis.models import Upload
from analysis.storage import blobs
from analysis.web.http import Request, current_user_id, int_param
from analysis.web.upload.views import MAX_STATES, UploadOutcome, UploadRow, upload_rows

HASH = re.compile("[0-9a-f]{64}")
ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TOO_LARGE = 2**50


@require_POST
def create_upload(request: Request) -> HttpResponse:
    """Leave to send one file: where to, and with which fields before it. Or its row, where it need not be sent."""
    permissions.require_upload_permission(request.user)
    name, sha256 = request.POST.get("name", ""), request.POST.get("sha256", "")
    sha256 = sha256 if HASH.fullmatch(sha256) else ""
    owner_id = current_user_id(request)
    present = images.find_any(sha256, owner_id=owner_id) if sha256 else None
    if present:
        return _row(request, UploadOutcome(clean_name(name), present))
    size = int_param(request.POST.get("size", ""), minimum=0, maximum=TOO_LARGE)
    try:
        ticket = uploads.issue(owner_id=owner_id, filename=name, size=size, sha256=sha256)
        form = blobs.presigned_form(ticket.key, size=ticket.size, seconds=settings.UPLOAD_TICKET_SECONDS)
    except InvalidImage as rejection:
        return _row(request, UploadOutcome(rejection.name, sentence=formatting.translated(rejection)))
    except (blobs.StorageError, uploads.UploadRefused) as failure:
        return _row(request, UploadOutcome(clean_name(name), sentence=str(failure), may_retry=True))
    form = form or PresignedForm(reverse("ticket-file", args=[ticket.pk]), {"csrfmiddlewaretoken": get_token(request)})
    complete_url = reverse("ticket-complete", args=[ticket.pk])
    return JsonResponse({"url": form.url, "fields": form.fields, "complete": complete_url})


@require_POST
def receive_file(request: Request, ticket_id: UUID) -> HttpResponse:
    """The bytes, where the storage takes none by itself. Answers as S3 does: nothing, or why not."""
    content = request.FILES.get("file")
    if content is None:
        return _said("No file arrived; send it again.", status=400)
    try:
        uploads.receive(ticket_id, content, owner_id=current_user_id(request))
    except uploads.UploadRefused as refused:
        return _said(str(refused), status=refused.status)
    except blobs.StorageError as failure:
        return _said(str(failure), status=507)
    return HttpResponse(status=204)


@require_POST
def complete_upload(request: Request, ticket_id: UUID) -> HttpResponse:
    """Everything was sent. Answers the file's row: what it has become, or that it is being looked at."""
    try:
        ticket = pipeline.complete_upload(ticket_id, owner_id=current_user_id(request))
    except uploads.UploadRefused as refused:
        return _said(str(refused), status=refused.status)
    return render(request, "upload/index.html#rows", {"rows": _rows([ticket])})


@require_safe
def upload_states(request: Request) -> HttpResponse:
    """Of the uploads that a page names, the rows of those that have been looked at."""
    ids = [UUID(text) for text in request.GET.getlist("id")[:MAX_STATES] if ID.fullmatch(text)]
    mine = Upload.objects.filter(pk__in=ids, owner_id=current_user_id(request)).select_related("image")
    over = mine.filter(state__in=[Upload.State.TAKEN, Upload.State.REFUSED])
    return render(request, "upload/index.html#rows", {"rows": _rows(over)})


def _rows(tickets: Iterable[Upload]) -> list[UploadRow]:
    shown, open_rows, outcomes, ids = [], [], [], []
    for ticket in tickets:
        if ticket.state == Upload.State.ARRIVED:
            open_rows.append(UploadRow("checking", ticket.filename, "Checking", ticket=str(ticket.pk)))
            continue
        ids.append(str(ticket.pk))
        outcomes.append(_outcome(ticket))
    shown = [replace(row, ticket=ticket_id) for row, ticket_id in zip(upload_rows(outcomes), ids, strict=True)]
    return shown + open_rows


def _outcome(ticket: Upload) -> UploadOutcome:
    if ticket.image:
        return UploadOutcome(ticket.filename, ticket.image, is_new=ticket.is_new)
    gone = "it was removed from the library meanwhile"
    return UploadOutcome(ticket.filename, sentence=ticket.reason or gone, may_retry=ticket.may_retry)


def _row(request: Request, outcome: UploadOutcome) -> HttpResponse:
    return JsonResponse({"row": render_to_string("upload/index.html#rows", {"rows": upload_rows([outcome])}, request)})


def _said(sentence: str, *, status: int) -> HttpResponse:
    return HttpResponse(sentence, status=status, content_type="text/plain; charset=utf-8")
