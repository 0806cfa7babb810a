"""Zooming: the URL of a picture's full-size pixels, and its tiles."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.http import parse_etags, quote_etag
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from analysis import permissions
from analysis.formatting import translated
from analysis.ingest.validation import InvalidImage
from analysis.models import Image
from analysis.storage import blobs
from analysis.storage import zoom as stored
from analysis.web import links
from analysis.web.http import Request
from analysis.web.image.downloads import cacheable


def zoom_url(request: Request, image: Image) -> str:
    """URL of the JSON that describes how to load the full-size pixels.

    Its version is the version of the renditions.
    """
    path = (
        reverse("image-zoom", args=[image.pk])
        if request.user.is_authenticated
        else reverse("public-zoom", args=[image.public_id])
    )
    return links.with_parameters(path, v=image.renditions_id.hex[:12])


@login_not_required
@require_safe
def zoom(request: Request, image_id: int) -> HttpResponse:
    """Describe the full-size picture or its tiles as JSON; render them if missing."""
    image = permissions.get_image_or_404(request.user, image_id)
    tile_path = reverse("image-tile", args=[image.pk, 0, 0, 0])
    return _zoom(request, image, tile_path, links.rendition_url(image, "full"))


@login_not_required
@require_safe
def public_zoom(request: Request, public_id: UUID) -> HttpResponse:
    """The same for a public picture, without sign-in."""
    image = permissions.get_public_image_or_404(public_id)
    tile_path = reverse("public-tile", args=[image.public_id, 0, 0, 0])
    return _zoom(request, image, tile_path, links.public_rendition_url(image, "full"))


@login_not_required
@require_safe
def tile(request: Request, image_id: int, level: int, row: int, column: int) -> HttpResponseBase:
    """One tile, cached forever: its URL contains its version."""
    return _tile(request, permissions.get_image_or_404(request.user, image_id), level, row, column)


@login_not_required
@require_safe
def public_tile(request: Request, public_id: UUID, level: int, row: int, column: int) -> HttpResponseBase:
    """A tile of a public picture, without sign-in."""
    return _tile(request, permissions.get_public_image_or_404(public_id), level, row, column)


def _zoom(request: Request, image: Image, tile_path: str, full_url: str) -> HttpResponse:
    try:
        stored.prepare(image)
        values = _tiles(image, tile_path) if stored.is_tiled(image) else {"image": full_url}
    except (blobs.StorageError, InvalidImage) as error:
        reason = _reason(request, image, error)
        # Not stored, since the original may be readable again at the next attempt.
        return JsonResponse({"reason": reason}, status=404, headers={"Cache-Control": "no-store"})
    return JsonResponse(values, headers={"Cache-Control": "private, no-cache"})


def _tiles(image: Image, tile_path: str) -> dict[str, Any]:
    index = stored.tile_index(image)
    return {
        "tiles": links.with_parameters(tile_path, v=image.renditions_id.hex[:12]),
        "size": index.tile_size,
        "levels": [{"width": level.width, "height": level.height} for level in index.levels],
    }


def _reason(request: Request, image: Image, error: Exception) -> str:
    """The reason why only the preview can be shown.

    Details name buckets and keys, so they are for users who may edit the picture.
    """
    notice = _("The original can't be read, so only the preview can be shown.")
    return f"{notice} {translated(error)}" if permissions.can_edit_image(request.user, image) else notice


def _tile(request: Request, image: Image, level: int, row: int, column: int) -> HttpResponseBase:
    etag = quote_etag(f"{image.renditions_id.hex}-{level}-{row}-{column}")
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        return cacheable(HttpResponse(status=304), etag)
    try:
        content = stored.read_tile(image, level, row, column)
    except blobs.StorageError as error:
        raise Http404 from error
    if content is None:
        raise Http404
    request.META.pop("HTTP_ACCEPT_ENCODING", None)  # a JPEG does not shrink
    return cacheable(HttpResponse(content, content_type="image/jpeg"), etag)
