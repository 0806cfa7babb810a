"""Public pages behind a share link, for people without an account.

Every request checks the link again, including those for image files.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from analysis import formatting
from analysis.exports import picture_archives
from analysis.exports.image_rows import ImageRow
from analysis.models import Image, ShareLink
from analysis.sharing import share_links
from analysis.sharing.shared_images import find_shared_image, shared_ids, shared_images, shared_steps
from analysis.storage import blobs
from analysis.web import links
from analysis.web.http import Request, int_param
from analysis.web.image.downloads import original_response, rendition_response
from analysis.web.image.metadata_rows import location
from analysis.web.sharing import unlock as unlocking
from analysis.web.sharing.access import link_or_none, password_page, shared, shared_or_locked
from analysis.web.sharing.shared_pictures import (
    PAGE_SIZE,
    grid_url,
    link_title,
    picture_name,
    shared_card,
    shared_metadata,
    shared_picture,
)

REVALIDATED = "private, no-cache"
"""Browsers cache the picture, but ask each time if they may still show it."""


@require_safe
@shared_or_locked
def share(request: Request, link: ShareLink) -> HttpResponse:
    """The pictures of a link, or a form for its password."""
    # Counts views by other people, and not HEAD requests, which programs send.
    if request.method == "GET" and request.user.pk != link.owner_id:
        share_links.count_view(link)
    image_ids = shared_ids(link)
    if link.image is not None:
        return _picture_page(request, link, _first(link, image_ids), image_ids)
    # The last page if there are fewer pictures now than when the link to this page was made.
    page = int_param(request.GET.get("page", ""), maximum=max(1, -(-len(image_ids) // PAGE_SIZE)))
    start = (page - 1) * PAGE_SIZE
    images = shared_images(link, image_ids[start : start + PAGE_SIZE])
    context = _context(request, link, image_ids) | {
        "cards": [shared_card(link, image) for image in images],
        "pictures": formatting.pictures(len(image_ids)),
        "previous_page": _page_url(link, page - 1) if page > 1 else "",
        "next_page": _page_url(link, page + 1) if start + PAGE_SIZE < len(image_ids) else "",
        "archive_url": reverse("share-archive", args=[link.token]) if link.allows_download and image_ids else "",
        "has_originals": link.shows_metadata,
    }
    return render(request, "sharing/pictures.html", context)


@require_safe
@shared
def picture(request: Request, link: ShareLink, public_id: UUID) -> HttpResponse:
    """One of the pictures, with its neighbors."""
    return _picture_page(request, link, _image_or_404(link, public_id), shared_ids(link))


@require_safe
@shared
def rendition(request: Request, link: ShareLink, public_id: UUID, name: str) -> HttpResponseBase:
    """A thumb or preview; full resolution only by downloading the original."""
    if name not in blobs.RENDITIONS:
        raise Http404
    return rendition_response(request, _image_or_404(link, public_id), name, cache_control=REVALIDATED)


@require_safe
@shared
def cover(request: Request, link: ShareLink) -> HttpResponseBase:
    """The preview image that other sites show for the link."""
    return rendition_response(request, _cover(link, shared_ids(link)), "preview", cache_control=REVALIDATED)


@require_safe
@shared
def download(request: Request, link: ShareLink, public_id: UUID) -> HttpResponseBase:
    """The original; if metadata is hidden, the preview, as originals contain metadata."""
    image = _image_or_404(link, public_id)
    if not link.allows_download:
        raise Http404
    try:
        if link.shows_metadata:
            return original_response(request, image)
        response = rendition_response(request, image, "preview", cache_control=REVALIDATED)
    except blobs.StorageError as error:
        raise Http404 from error
    disposition = content_disposition_header(as_attachment=True, filename=f"{picture_name(link, image)}.jpg")
    response["Content-Disposition"] = disposition or "attachment"
    return response


@require_safe
@shared
def archive(request: Request, link: ShareLink) -> HttpResponseBase:
    """All pictures as a ZIP, streamed while it is written."""
    if not link.allows_download:
        raise Http404
    is_original = link.shows_metadata and request.GET.get("content") != "previews"
    write = picture_archives.original_files if is_original else picture_archives.preview_files
    request.META.pop("HTTP_ACCEPT_ENCODING", None)  # archives do not shrink
    response = StreamingHttpResponse(write(_rows(link)), content_type="application/zip")
    filename = f"{link_title(link) or _('Pictures')}.zip".replace("/", "_")
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=filename) or "attachment"
    return response


@login_not_required
@require_POST
def unlock(request: Request, token: str) -> HttpResponseBase:
    """Check the password; the cookie opens the link for a day."""
    link = link_or_none(token)
    if link is None or not link.password:
        return redirect("share", token)  # the page reports an invalid link, or needs no password
    if wait := unlocking.seconds_to_wait(request, link):
        return password_page(request, link, wait=wait)
    if not unlocking.is_right_password(request, link, request.POST.get("password", "")):
        return password_page(request, link, error=_("Wrong password. Try again."), status=422)
    response = redirect("share", link.token)
    unlocking.unlock(response, link)
    return response


def _picture_page(request: Request, link: ShareLink, image: Image, image_ids: list[int]) -> HttpResponse:
    context = _context(request, link, image_ids) | {
        "picture": shared_picture(link, image, image_ids),
        "metadata": shared_metadata(link, image),
        # As seen by the owner: visitors have no account, and without one `location` shows nothing.
        "location": location(image, reader=link.owner) if link.shows_metadata else "",
        "back_url": grid_url(link, image, image_ids) if link.image is None else "",
    }
    return render(request, "sharing/picture.html", context)


def _page_url(link: ShareLink, number: int) -> str:
    return links.with_parameters(link.get_absolute_url(), page=number if number > 1 else "")


def _context(request: Request, link: ShareLink, image_ids: list[int]) -> dict[str, object]:
    """The title, and the preview image that other sites show for the link."""
    return {
        "title": link_title(link) or _("Shared pictures"),
        "description": link.collection.description if link.collection is not None else "",
        "address": request.build_absolute_uri(link.get_absolute_url()),
        # None for a locked link, whose cover other sites could not load.
        "cover_url": request.build_absolute_uri(reverse("share-cover", args=[link.token]))
        if image_ids and not link.password
        else "",
    }


def _image_or_404(link: ShareLink, public_id: UUID) -> Image:
    image = find_shared_image(link, public_id)
    if image is None:
        raise Http404
    return image


def _first(link: ShareLink, image_ids: list[int]) -> Image:
    images = shared_images(link, image_ids[:1])
    if not images:
        raise Http404
    return images[0]


def _cover(link: ShareLink, image_ids: list[int]) -> Image:
    """The collection's cover if the link shows that picture, else the first one."""
    chosen = link.collection.cover_id if link.collection is not None else None
    return _first(link, [chosen] if chosen in image_ids else image_ids)


def _rows(link: ShareLink) -> Iterator[ImageRow]:
    """The pictures for an archive; if metadata is hidden, numbered and without dates."""
    number = 0
    for images in shared_steps(link):
        for image in images:
            number += 1
            if not link.shows_metadata:
                image.filename, image.taken_at, image.added_at = f"{number:05d}", None, picture_archives.NO_DATE
            yield ImageRow(image, ())
