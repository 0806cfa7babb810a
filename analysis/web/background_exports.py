"""Downloads page: exports prepared in the background, and their progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.http import Http404, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from analysis import formatting, permissions, pipeline
from analysis.exports import background
from analysis.exports.formats import FORMATS
from analysis.models import Export
from analysis.storage import blobs
from analysis.web import toasts
from analysis.web.byte_ranges import file_response
from analysis.web.http import Request, current_user_id, int_param, is_fragment
from analysis.web.links import with_parameters
from analysis.web.toasts import Toast

PAGE_SIZE = 50
State = Export.State


@dataclass(frozen=True)
class ExportRow:
    """An export as the page shows it.

    `maximum` is 0 where the number of pictures is not known.
    """

    id: str
    title: str
    format: str
    pictures: str
    state: str
    state_label: str
    size: str
    sha256: str
    error: str
    ago: str
    exact: str
    expires: str
    written: int
    maximum: int


@require_safe
def exports(request: Request) -> HttpResponse:
    """The user's exports, newest first; polled as a fragment while one is running."""
    number = int_param(request.GET.get("page", ""), maximum=10_000)
    start = (number - 1) * PAGE_SIZE
    own = permissions.viewable_exports(request.user).order_by("-pk")
    page = list(own[start : start + PAGE_SIZE + 1])
    rows = [_row(export) for export in page[:PAGE_SIZE]]
    context = {
        "rows": rows,
        "is_active": any(row.state in background.UNFINISHED for row in rows),
        "is_first": number == 1,
        "address": with_parameters(reverse("exports"), page=number),
        "more_url": with_parameters(reverse("exports"), page=number + 1) if len(page) > PAGE_SIZE else "",
    }
    if is_fragment(request):
        return render(request, "exports.html#rows", context)
    return render(request, "exports.html", context | {"toasts": toasts.take_toasts(request)})


@require_safe
def export_file(request: Request, export_id: int) -> HttpResponseBase:
    """The finished file.

    Sent by S3 through a signed URL, or by this server. Both can resume an interrupted download.
    """
    return send_file(request, _finished(request, export_id))


@require_safe
def export_manifest(request: Request, export_id: int) -> HttpResponse:
    """Search, options, checksum and dates of a finished export, as JSON."""
    export = _finished(request, export_id)
    name = f"{background.filename(export)}.manifest.json"
    disposition = content_disposition_header(as_attachment=True, filename=name) or "attachment"
    return JsonResponse(
        background.manifest(export), json_dumps_params={"indent": 2}, headers={"Content-Disposition": disposition}
    )


@require_POST
def export_action(request: Request, export_id: int, action: str) -> HttpResponse:
    """Cancel, retry or delete one of the user's exports."""
    if action not in ACTIONS:  # 404, not 400: the action is part of the URL
        raise Http404
    export = get_object_or_404(permissions.viewable_exports(request.user), pk=export_id)
    toasts.add_toast(request, Toast(ACTIONS[action](export, request)))
    return redirect("exports")


def send_file(request: Request, export: Export) -> HttpResponseBase:
    """The file of a finished export, for the page and the API."""
    filename = background.filename(export)
    disposition = content_disposition_header(as_attachment=True, filename=filename) or "attachment"
    try:
        # The URL is signed for GET alone, so HEAD would get 403 from S3.
        if blobs.signs_urls() and request.method == "GET":
            return redirect(blobs.download_url(export.key, disposition=disposition))
        file = blobs.get(export.key)
    except blobs.StorageError as error:
        return render(request, "404.html", {"reason": str(error)}, status=404)
    return file_response(
        request,
        file,
        size=export.size or 0,
        etag=export.sha256,
        filename=filename,
        content_type=FORMATS[export.format].content_type,
    )


def _finished(request: Request, export_id: int) -> Export:
    exports = permissions.viewable_exports(request.user).select_related("owner")
    return get_object_or_404(exports, pk=export_id, state=State.DONE)


def _cancel(export: Export, _request: Request) -> str:
    return _("Canceled.") if background.cancel(export) else _("It has already finished.")


def _retry(export: Export, _request: Request) -> str:
    if pipeline.retry_export(export):
        return _("Started again.")
    return _("Only failed or canceled downloads can be retried.")


def _delete(export: Export, request: Request) -> str:
    background.delete(export, by_id=current_user_id(request))
    return _("Deleted.")


ACTIONS: dict[str, Callable[[Export, Request], str]] = {"cancel": _cancel, "retry": _retry, "delete": _delete}


def _row(export: Export) -> ExportRow:
    # More can be written than were counted before, as pictures may have been added in between.
    is_known = export.total is not None and export.written <= export.total
    return ExportRow(
        id=str(export.pk),
        title=_title(export),
        format=str(FORMATS[export.format].title),
        pictures=formatting.pictures(export.written),
        state=export.state,
        state_label=str(State(export.state).label),
        size=formatting.filesize(export.size) if export.size is not None else "",
        sha256=export.sha256,
        error=export.error,
        ago=formatting.ago(export.finished_at or export.created_at, now=now()),
        exact=formatting.exact(export.finished_at or export.created_at),
        expires=formatting.day(export.expires_at) if export.expires_at else "",
        written=export.written,
        maximum=export.total or 0 if is_known else 0,
    )


def _title(export: Export) -> str:
    if export.name:
        return _("%(name)s, version %(version)s") % {"name": export.name, "version": export.version}
    if export.image_ids is not None:
        return _("Selected pictures")
    return export.query or _("All pictures")
