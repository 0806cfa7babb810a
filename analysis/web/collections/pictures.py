"""Pages of pictures that the user sees only through a collection."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from analysis import formatting, permissions
from analysis.models import Collection, Image
from analysis.permissions import collections as rights
from analysis.storage import blobs
from analysis.web import links
from analysis.web.collections.collection_page import image_url
from analysis.web.collections.tiles import sees_without_collection
from analysis.web.http import Request
from analysis.web.image.downloads import rendition_response
from analysis.web.sharing.shared_pictures import SharedPicture

REVALIDATED = "private, no-cache"
"""Browsers cache the picture, but ask each time if they may still show it."""


@require_safe
def collection_image(request: Request, collection_id: int, image_id: int) -> HttpResponse:
    """The picture with its neighbors; redirects users who may open its own page."""
    collection = rights.get_collection_or_404(request.user, collection_id)
    image = rights.get_collection_image_or_404(request.user, collection, image_id)
    if sees_without_collection(image, permissions.viewer_of(request.user)):
        return redirect(links.image_url(image.pk, collection=collection.pk))
    context = {
        "title": collection.title,
        "picture": _picture(request, collection, image),
        "back_url": f"{links.with_parameters(collection.get_absolute_url(), to=image.pk)}#card-{image.pk}",
    }
    return render(request, "collections/picture.html", context)


@require_safe
def collection_rendition(request: Request, collection_id: int, image_id: int, name: str) -> HttpResponseBase:
    """A thumb or preview of such a picture; permission is checked at each request."""
    if name not in blobs.RENDITIONS:
        raise Http404
    collection = rights.get_collection_or_404(request.user, collection_id)
    image = rights.get_collection_image_or_404(request.user, collection, image_id)
    return rendition_response(request, image, name, cache_control=REVALIDATED)


def _picture(request: Request, collection: Collection, image: Image) -> SharedPicture:
    ids = list(rights.visible_entries(request.user, collection).values_list("image_id", flat=True))
    index = ids.index(image.pk)
    viewer = permissions.viewer_of(request.user)
    near = Image.objects.in_bulk(ids[max(index - 1, 0) : index + 2])
    # A neighbor may be a picture that the user sees anyway: its link leads to its own page.
    urls = {pk: image_url(collection, neighbor, viewer) for pk, neighbor in near.items()}
    values = {"position": formatting.count(index + 1), "total": formatting.count(len(ids))}
    return SharedPicture(
        name=str(image),
        preview=reverse("collection-rendition", args=[collection.pk, image.pk, "preview"]),
        placeholder=links.data_uri(image.placeholder),
        width=image.shown_size[0],
        height=image.shown_size[1],
        position=_("%(position)s of %(total)s") % values,
        previous_url=urls.get(ids[index - 1], "") if index else "",
        next_url=urls.get(ids[index + 1], "") if index + 1 < len(ids) else "",
        download_url="",
    )
