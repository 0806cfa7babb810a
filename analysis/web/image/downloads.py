"""Downloads of a picture: renditions for pages, and the original file."""

from __future__ import annotations

from typing import IO
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.http import parse_etags, quote_etag
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from analysis import permissions
from analysis.ingest.validation import InvalidImage
from analysis.models import Image
from analysis.storage import blobs, originals, renditions
from analysis.web.http import Request
from analysis.web.stored_files import stored_file

FOREVER = "private, max-age=31536000, immutable"
"""For URLs that contain the rendition's version."""
RENDITIONS = {**blobs.RENDITIONS, "full": blobs.ON_DEMAND["full"]}


@login_not_required
@require_safe
def rendition(request: Request, image_id: int, name: str) -> HttpResponseBase:
    """A `thumb` or `preview`, cached forever: its URL contains its version."""
    return rendition_response(request, permissions.get_image_or_404(request.user, image_id), name)


@login_not_required
@require_safe
def public_rendition(request: Request, public_id: UUID, name: str) -> HttpResponseBase:
    """A rendition of a public picture, without sign-in."""
    return rendition_response(request, permissions.get_public_image_or_404(public_id), name)


def rendition_response(request: Request, image: Image, name: str, *, cache_control: str = FOREVER) -> HttpResponseBase:
    """Respond with a rendition; the caller has checked permission for the picture."""
    if name not in RENDITIONS:
        raise Http404
    # Checked before reading, so that a 304 needs no request to the storage.
    etag = quote_etag(f"{image.renditions_id.hex}-{name}")
    # Not Django's condition decorator, which responds with 304 before the view has checked permission.
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        return cacheable(HttpResponse(status=304), etag, cache_control)
    try:
        content = _open_rendition(image, name)
    except (blobs.StorageError, InvalidImage):
        return _placeholder()
    _disable_gzip(request)
    return cacheable(stored_file(content, content_type=RENDITIONS[name]), etag, cache_control)


def _open_rendition(image: Image, name: str) -> IO[bytes]:
    """Open a rendition. Raises StorageError or InvalidImage."""
    if name in blobs.RENDITIONS:
        return renditions.read(image, name)
    # `full` only if it exists: the URL for zooming renders it, and reports errors.
    return blobs.get(blobs.rendition_key(image.renditions_id, name))


@require_safe
def download_original(request: Request, image_id: int) -> HttpResponseBase:
    """The original as an attachment.

    Never inline: an uploaded file could be an HTML page in disguise.
    Redirects to a presigned S3 URL if possible. That URL contains bucket and key, so for a picture in a connected
    bucket only users who may edit the picture get it; others get the bytes from this server.
    """
    image = permissions.get_image_or_404(request.user, image_id)
    is_editor = permissions.can_edit_image(request.user, image)
    try:
        # The URL is signed for GET alone, so HEAD would get 403 from S3.
        may_see_key = image.bucket_id is None or is_editor
        if may_see_key and request.method == "GET" and (url := originals.download_url(image)):
            return redirect(url)
        return original_response(request, image)
    except blobs.StorageError as error:
        # Also when the storage refuses: a browser shows a page instead of a download only for an error status.
        reason = str(error) if is_editor else _("The original can't be read.")  # the error names bucket and key
        return render(request, "404.html", {"reason": reason}, status=404)


def original_response(request: Request, image: Image, *, filename: str = "") -> HttpResponseBase:
    """The original from this server, as an attachment. Raises StorageError."""
    content = originals.get(image)
    _disable_gzip(request)
    return stored_file(content, filename=filename or image.filename, content_type="application/octet-stream")


def cacheable(response: HttpResponseBase, etag: str, cache_control: str = FOREVER) -> HttpResponseBase:
    """Let browsers keep a response forever: its URL contains its version."""
    response["ETag"] = etag
    response["Cache-Control"] = cache_control
    return response


def _placeholder() -> HttpResponse:
    """A drawing for a missing file, as a 404 that is not cached."""
    content = render_to_string("image/placeholder.svg")
    return HttpResponse(content, status=404, content_type="image/svg+xml", headers={"Cache-Control": "no-store"})


def _disable_gzip(request: Request) -> None:
    """Keep GZipMiddleware from compressing images."""
    # They do not shrink, and it removes the Content-Length of streamed responses.
    request.META.pop("HTTP_ACCEPT_ENCODING", None)
