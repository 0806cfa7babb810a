"""Template context of a collection's page: cards, pages and permissions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analysis import formatting, permissions
from analysis.models import Collection, Image, Viewer
from analysis.permissions import collections as rights
from analysis.web import links, sensitive
from analysis.web.collections.tiles import rendition_url, sees_without_collection
from analysis.web.http import Request, current_user_id, int_param
from analysis.web.library.cards import Card, cards
from analysis.web.library.page import LibraryPage
from analysis.web.library.page_links import MAX_PAGES, NextPage

PAGE_SIZE = 60


@dataclass(frozen=True)
class Crumb:
    """A breadcrumb: a level above the collection, and its page."""

    name: str
    url: str


def collection_context(request: Request, collection: Collection, image_ids: Sequence[int]) -> dict[str, object]:
    """The context of the page around the grid."""
    can_edit = rights.can_edit_collection(request.user, collection)
    can_arrange = can_edit or rights.can_arrange_collection(request.user, collection)
    return {
        "collection": collection,
        "crumbs": _crumbs(collection, request),
        "pictures": formatting.pictures(len(image_ids)),
        "owner": "" if can_edit else str(collection.owner),
        "sharing": sharing_text(collection),
        "can_edit_collection": can_edit,
        "can_arrange": can_arrange,
        "can_upload_here": can_arrange and permissions.can_upload_images(request.user),
        "can_leave": collection.members.filter(user_id=current_user_id(request)).exists(),
    }


def library_page_of(request: Request, collection: Collection, image_ids: Sequence[int]) -> LibraryPage:
    """The grid: the pages that the URL requests, or all up to the picture in `to`."""
    first, last = _pages(request, image_ids)
    page_ids = image_ids[(first - 1) * PAGE_SIZE : last * PAGE_SIZE]
    address = collection.get_absolute_url()
    next_url = links.with_parameters(address, page=last + 1) if last * PAGE_SIZE < len(image_ids) else ""
    return LibraryPage(
        cards=collection_cards(request, collection, page_ids),
        cards_url=reverse("collection-cards", args=[collection.pk]),
        next_page=NextPage(next_url, next_url) if next_url else None,
        pictures=formatting.pictures(len(image_ids)),
        total=formatting.count(len(image_ids)),
        newest_url=address if first > 1 else "",
    )


def collection_cards(request: Request, collection: Collection, image_ids: Sequence[int]) -> list[Card]:
    """Cards in this order, with links that stay within the collection."""
    viewer = permissions.viewer_of(request.user)
    by_id = Image.objects.in_bulk(image_ids)
    images = [by_id[image_id] for image_id in image_ids if image_id in by_id]
    own_cards = cards(
        images,
        viewer=viewer,
        sensitive=sensitive.sensitive_among(images),
        blurs_sensitive=not sensitive.shows_sensitive(request),
    )
    return [_within(collection, card, image, viewer) for card, image in zip(own_cards, images, strict=True)]


def image_url(collection: Collection, image: Image, viewer: Viewer) -> str:
    """The picture's own page if the viewer may open it, else the collection's."""
    if sees_without_collection(image, viewer):
        return links.image_url(image.pk, collection=collection.pk)
    return reverse("collection-image", args=[collection.pk, image.pk])


def sharing_text(collection: Collection) -> str:
    """A text such as "Shared with 3 people"; empty if the collection is not shared."""
    if collection.is_shared:
        return _("Shared with everyone signed in")
    number = collection.members.count()
    if not number:
        return ""
    text = ngettext("Shared with %(number)s person", "Shared with %(number)s people", number)
    return formatting.plural(text, number)


def level_crumbs(path: str) -> list[Crumb]:
    """Breadcrumbs of a path among the user's own collections."""
    names = path.split("/")[:-1]
    return [Crumb(name, _level_url("/".join(names[: depth + 1]))) for depth, name in enumerate(names)]


def _crumbs(collection: Collection, request: Request) -> list[Crumb]:
    """Breadcrumbs of a collection: collections that the user can open, else the list."""
    names = collection.name.split("/")[:-1]
    paths = ["/".join(names[: depth + 1]) for depth in range(len(names))]
    same_owner = rights.viewable_collections(request.user).filter(owner_id=collection.owner_id, name__in=paths)
    urls = {above.name: above.get_absolute_url() for above in same_owner}
    return [Crumb(path.rpartition("/")[2], urls.get(path) or _level_url(path)) for path in paths]


def _level_url(path: str) -> str:
    return links.with_parameters(reverse("collections"), **{"in": path})


def _pages(request: Request, image_ids: Sequence[int]) -> tuple[int, int]:
    """The first and the last page to show."""
    image_id = int_param(request.GET.get("to", ""), maximum=10**18, minimum=0)
    if image_id in image_ids:
        page = image_ids.index(image_id) // PAGE_SIZE + 1
        return (1, page) if page <= MAX_PAGES else (page, page)
    page = int_param(request.GET.get("page", ""), maximum=10_000)
    return page, page


def _within(collection: Collection, card: Card, image: Image, viewer: Viewer) -> Card:
    url = image_url(collection, image, viewer)
    if sees_without_collection(image, viewer):
        return replace(card, url=url)
    # Labels and state are the owner's business; a collection shares only the picture itself.
    thumb = rendition_url(collection, image, "thumb", viewer)
    return replace(card, url=url, thumb=thumb, labels=(), alt=str(image), state="", badges=())
