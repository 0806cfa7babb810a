"""Collection pages: the list, one collection, and its order."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from analysis import formatting, permissions
from analysis.curation.collection_tree import levels
from analysis.library.uploads import Target
from analysis.models import Collection
from analysis.permissions import collections as rights
from analysis.web import links, sensitive, toasts
from analysis.web.collections.collection_page import (
    Crumb,
    collection_cards,
    collection_context,
    level_crumbs,
    library_page_of,
)
from analysis.web.collections.tiles import Tile, collection_tiles, level_tiles
from analysis.web.http import Request, current_user_id, int_param, is_fragment, one_line
from analysis.web.library.polled_cards import STOP_POLLING, PolledCards
from analysis.web.saved_searches import library_url_of, searches_of
from analysis.web.upload.targets import choices
from analysis.web.upload.views import limits

ORDER_PAGE_SIZE = 200
SHARED_PAGE_SIZE = 60
ORDER_NAMES = {
    "taken": _("Date taken, oldest first"),
    "taken-last": _("Date taken, newest first"),
    "added": _("Date added to the collection"),
    "name": _("File name"),
}


@require_safe
def collections(request: Request) -> HttpResponse:
    """The user's collections at one level of names, and those that others share."""
    inside = one_line(request.GET.get("in", ""))
    number = int_param(request.GET.get("page", ""), maximum=10_000)
    is_first = number == 1
    shared, more_url = _shared(request, number) if not inside else ([], "")
    context = {
        "own": _own(request, inside) if is_first else [],
        "shared": shared,
        "searches": _searches(request) if is_first and not inside else [],
        "title": inside.rpartition("/")[2],
        "inside": inside,
        "new_name": one_line(request.GET.get("name", "")) or (f"{inside}/" if inside else ""),
        "crumbs": level_crumbs(inside),
        "is_first": is_first,
        "more_url": more_url,
        "toasts": toasts.take_toasts(request),
    }
    return render(request, "collections/index.html", context)


@require_safe
def collection(request: Request, collection_id: int) -> HttpResponse:
    """The pictures of a collection in its order; further ones as a fragment."""
    collection = rights.get_collection_or_404(request.user, collection_id)
    image_ids = list(rights.visible_entries(request.user, collection).values_list("image_id", flat=True))
    context: dict[str, object] = {"library": library_page_of(request, collection, image_ids), "text": ""}
    if is_fragment(request) and "page" in request.GET:
        return _page(request, "library/index.html#next_cards", context)
    context |= collection_context(request, collection, image_ids)
    if is_fragment(request):
        return _page(request, "collections/detail.html#library", context | {"is_part": True})
    if context["can_upload_here"]:
        context |= {"limits": limits(), "target": choices(request, chosen=Target(collection_id=collection.pk))}
    context |= {"nested": _nested(request, collection), "toasts": toasts.take_toasts(request)}
    return _page(request, "collections/detail.html", context)


@require_safe
def changed_cards(request: Request, collection_id: int) -> HttpResponse:
    """Those of the cards in `card=id-version` that have changed, for polling."""
    collection = rights.get_collection_or_404(request.user, collection_id)
    entries = rights.visible_entries(request.user, collection)
    polled = PolledCards(request)
    ids = list(entries.filter(image_id__in=polled.versions).values_list("image_id", flat=True))
    cards = collection_cards(request, collection, ids)
    context: dict[str, object] = {"cards": polled.changed(cards)}
    if polled.are_pending(cards):
        return render(request, "library/index.html#cards_updated", context)
    context["collection_count"] = formatting.pictures(entries.count())
    return render(request, "library/index.html#cards_updated", context, status=STOP_POLLING)


@require_safe
def collection_order(request: Request, collection_id: int) -> HttpResponse:
    """The page to reorder the pictures, with handles and buttons."""
    collection = rights.get_collection_or_404(request.user, collection_id)
    permissions.require_or_404(rights.can_arrange_collection(request.user, collection))
    image_ids = list(rights.visible_entries(request.user, collection).values_list("image_id", flat=True))
    last = max(1, -(-len(image_ids) // ORDER_PAGE_SIZE))
    number = int_param(request.GET.get("page", ""), maximum=last)
    start = (number - 1) * ORDER_PAGE_SIZE
    address = reverse("collection-order", args=[collection.pk])
    context = {
        "collection": collection,
        "orders": list(ORDER_NAMES.items()),
        "cards": collection_cards(request, collection, image_ids[start : start + ORDER_PAGE_SIZE]),
        "start": start,
        "total": len(image_ids),
        "pictures": formatting.pictures(len(image_ids)),
        "previous_url": links.with_parameters(address, page=number - 1) if number > 1 else "",
        "next_url": links.with_parameters(address, page=number + 1) if number < last else "",
        "following_id": str(image_ids[start + ORDER_PAGE_SIZE]) if number < last else "",
        "toasts": toasts.take_toasts(request),
    }
    return render(request, "collections/order.html", context)


def _own(request: Request, inside: str) -> list[Tile]:
    own = Collection.objects.filter(owner_id=current_user_id(request), deleted_at=None)
    return _level_tiles(request, levels_of=own.values_list("pk", "name"), below=inside)


def _nested(request: Request, collection: Collection) -> list[Tile]:
    """Collections of the same owner below this one that the user can open."""
    below = rights.viewable_collections(request.user).filter(owner_id=collection.owner_id)
    return _level_tiles(request, levels_of=below.values_list("pk", "name"), below=collection.name)


def _level_tiles(request: Request, *, levels_of: object, below: str) -> list[Tile]:
    is_blurring = not sensitive.shows_sensitive(request)
    viewer = permissions.viewer_of(request.user)
    return level_tiles(levels(levels_of, below=below), viewer, is_blurring=is_blurring)  # type: ignore[arg-type]


def _shared(request: Request, number: int) -> tuple[list[Tile], str]:
    """Collections that others share with the user, and the URL of the next page."""
    others = rights.viewable_collections(request.user).exclude(owner_id=current_user_id(request))
    start = (number - 1) * SHARED_PAGE_SIZE
    rows = others.select_related("owner").order_by("name", "pk")[start : start + SHARED_PAGE_SIZE + 1]
    page = list(rows)
    tiles = collection_tiles(
        page[:SHARED_PAGE_SIZE],
        permissions.viewer_of(request.user),
        is_blurring=not sensitive.shows_sensitive(request),
    )
    has_more = len(page) > SHARED_PAGE_SIZE
    return tiles, links.with_parameters(reverse("collections"), page=number + 1) if has_more else ""


def _searches(request: Request) -> list[Crumb]:
    return [Crumb(saved.name, library_url_of(saved)) for saved in searches_of(current_user_id(request))]


def _page(request: Request, template: str, context: dict[str, object]) -> HttpResponse:
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])  # one URL, two bodies: Back must not show a cached fragment
    return response
