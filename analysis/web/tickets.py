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

from analysis import access, pipeline
from analysis.ingest.candidate import Rejected, clean_name
from analysis.models import Ticket
from analysis.sources.references import Form
from analysis.store import blobs, library, uploads
from analysis.web.requests import Request, number_in, person_id
from analysis.web.upload import MOST_STATES, Outcome, Row, rows

HASH = re.compile("[0-9a-f]{64}")
ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TOO_LARGE = 2**50


@require_POST
def issue(request: Request) -> HttpResponse:
    """Leave to send one file: where to, and with which fields before it. Or its row, where it need not be sent."""
    access.require_may_add(request.user)
    name, sha256 = request.POST.get("name", ""), request.POST.get("sha256", "")
    sha256 = sha256 if HASH.fullmatch(sha256) else ""
    owner_id = person_id(request)
    present = library.kept(sha256, owner_id=owner_id) if sha256 else None
    if present:
        return _row(request, Outcome(clean_name(name), present))
    size = number_in(request.POST.get("size", ""), least=0, most=TOO_LARGE)
    try:
        ticket = uploads.issue(owner_id=owner_id, filename=name, size=size, sha256=sha256)
        form = blobs.form(ticket.key, size=ticket.size, seconds=settings.UPLOAD_TICKET_SECONDS)
    except Rejected as rejection:
        return _row(request, Outcome(rejection.name, sentence=rejection.reason))
    except blobs.StorageFailed as failure:
        return _row(request, Outcome(clean_name(name), sentence=str(failure), may_retry=True))
    form = form or Form(reverse("ticket-file", args=[ticket.pk]), {"csrfmiddlewaretoken": get_token(request)})
    complete_url = reverse("ticket-complete", args=[ticket.pk])
    return JsonResponse({"url": form.url, "fields": form.fields, "complete": complete_url})


@require_POST
def file(request: Request, ticket_id: UUID) -> HttpResponse:
    """The bytes, where the storage takes none by itself. Answers as S3 does: nothing, or why not."""
    content = request.FILES.get("file")
    if content is None:
        return _said("No file arrived; send it again.", status=400)
    try:
        uploads.receive(ticket_id, content, owner_id=person_id(request))
    except uploads.Refused as refused:
        return _said(str(refused), status=refused.status)
    except blobs.StorageFailed as failure:
        return _said(str(failure), status=507)
    return HttpResponse(status=204)


@require_POST
def complete(request: Request, ticket_id: UUID) -> HttpResponse:
    """Everything was sent. Answers the file's row: what it has become, or that it is being looked at."""
    try:
        ticket = pipeline.complete(ticket_id, owner_id=person_id(request))
    except uploads.Refused as refused:
        return _said(str(refused), status=refused.status)
    return render(request, "upload.html#rows", {"rows": _rows([ticket])})


@require_safe
def states(request: Request) -> HttpResponse:
    """Of the uploads that a page names, the rows of those that have been looked at."""
    ids = [UUID(text) for text in request.GET.getlist("id")[:MOST_STATES] if ID.fullmatch(text)]
    mine = Ticket.objects.filter(pk__in=ids, owner_id=person_id(request)).select_related("image")
    over = mine.filter(state__in=[Ticket.State.TAKEN, Ticket.State.REFUSED])
    return render(request, "upload.html#rows", {"rows": _rows(over)})


def _rows(tickets: Iterable[Ticket]) -> list[Row]:
    shown, open_rows, outcomes, ids = [], [], [], []
    for ticket in tickets:
        if ticket.state == Ticket.State.ARRIVED:
            open_rows.append(Row("checking", ticket.filename, "Checking", ticket=str(ticket.pk)))
            continue
        ids.append(str(ticket.pk))
        outcomes.append(_outcome(ticket))
    shown = [replace(row, ticket=ticket_id) for row, ticket_id in zip(rows(outcomes), ids, strict=True)]
    return shown + open_rows


def _outcome(ticket: Ticket) -> Outcome:
    if ticket.image:
        return Outcome(ticket.filename, ticket.image, is_new=ticket.is_new)
    gone = "it was removed from the library meanwhile"
    return Outcome(ticket.filename, sentence=ticket.reason or gone, may_retry=ticket.may_retry)


def _row(request: Request, outcome: Outcome) -> HttpResponse:
    return JsonResponse({"row": render_to_string("upload.html#rows", {"rows": rows([outcome])}, request)})


def _said(sentence: str, *, status: int) -> HttpResponse:
    return HttpResponse(sentence, status=status, content_type="text/plain; charset=utf-8")
