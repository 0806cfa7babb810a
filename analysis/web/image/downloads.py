"""Bytes of a picture: its renditions to look at, its original to take home."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.http import parse_etags, quote_etag
from django.views.decorators.http import require_safe

from analysis import permissions
from analysis.ingest.validation import InvalidImage
from analysis.models import Image
from analysis.storage import blobs, originals, renditions
from analysis.web.http import Request


@login_not_required
@require_safe
def rendition(request: Request, image_id: int, name: str) -> HttpResponseBase:
    """A thumb or a preview. The page's address for it names its version, so it may be kept for ever."""
    return _rendition(request, permissions.get_image_or_404(request.user, image_id), name)


@login_not_required
@require_safe
def public_rendition(request: Request, public_id: UUID, name: str) -> HttpResponseBase:
    """The same for people who are not signed in."""
    return _rendition(request, permissions.get_public_image_or_404(public_id), name)


def _rendition(request: Request, shown: Image, name: str) -> HttpResponseBase:
    if name not in blobs.RENDITIONS:
        raise Http404
    etag = quote_etag(f"{shown.renditions_id.hex}-{name}")
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        return _kept(HttpResponse(status=304), etag)
    try:
        content = renditions.read(shown, name)
    except (blobs.StorageError, InvalidImage):
        return _broken()
    _leave_as_is(request)
    return _kept(FileResponse(content, content_type=blobs.RENDITIONS[name]), etag)


@require_safe
def download_original(request: Request, image_id: int) -> HttpResponseBase:
    """The bytes as they came, to be saved and never shown: nothing here but they was not made by us.

    From where they lie, if browsers may fetch them there: by an address that is soon over. One in somebody's
    own bucket names it and the folders there, which are not told to those who may only look.
    """
    shown = permissions.get_image_or_404(request.user, image_id)
    is_told = shown.bucket_id is None or permissions.can_edit_image(request.user, shown)
    try:
        if is_told and request.method == "GET" and (address := originals.download_url(shown)):
            return redirect(address)
        content = originals.get(shown)
    except blobs.StorageError as error:
        return render(request, "404.html", {"reason": str(error)}, status=404)
    _leave_as_is(request)
    return FileResponse(content, as_attachment=True, filename=shown.filename, content_type="application/octet-stream")


def _kept(answer: HttpResponseBase, etag: str) -> HttpResponseBase:
    answer["ETag"] = etag
    answer["Cache-Control"] = "private, max-age=31536000, immutable"
    return answer


def _broken() -> HttpResponse:
    """A picture that says there is none, so that a lost blob breaks no page."""
    content = render_to_string("image/placeholder.svg")
    return HttpResponse(content, status=404, content_type="image/svg+xml", headers={"Cache-Control": "no-store"})


def _leave_as_is(request: Request) -> None:
    """Keep GZipMiddleware off bytes that do not shrink; it would also take their length away."""
    request.META.pop("HTTP_ACCEPT_ENCODING", None)
