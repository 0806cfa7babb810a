"""Changes of the pictures in a collection: add, remove, order, cover, and Undo."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.core import signing
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from analysis import formatting
from analysis.curation import collection_order
from analysis.curation import collections as curation
from analysis.curation.collections import PlacedImage
from analysis.curation.errors import ActionRefused
from analysis.models import Collection, Image
from analysis.permissions import collections as rights
from analysis.web import toasts
from analysis.web.bulk.selection import selection_of
from analysis.web.http import Request, current_user, int_param, is_fragment, next_url
from analysis.web.toasts import Toast

SALT, DAY = "collection", 24 * 60 * 60
MAX_CHOICES = 12


@require_safe
def menu(request: Request) -> HttpResponse:
    """The collections that the user added to last, for the bulk bar."""
    recent = rights.arrangeable_collections(request.user).order_by("-changed_at", "-pk")[:MAX_CHOICES]
    return render(request, "collections/menu.html", {"choices": recent})


@require_POST
def add(request: Request) -> HttpResponse:
    """Add the selected pictures to `collection` or to the one named in `name`."""
    try:
        selection = selection_of(request)
        collection = _chosen(request)
        added = curation.add(collection, selection)
    except ActionRefused as refusal:
        return _respond(request, Toast(str(refusal), is_refusal=True))
    return _respond(request, _added_toast(collection, added))


@require_POST
def remove(request: Request, collection_id: int) -> HttpResponse:
    """Remove the selected pictures; they stay in the library."""
    collection = _arrangeable_or_404(request, collection_id)
    try:
        ids = [image_id for step in selection_of(request).steps() for image_id in step]
        removed = curation.remove(collection, _visible(request, collection, ids))
    except ActionRefused as refusal:
        return _respond(request, Toast(str(refusal)))
    text = ngettext(
        "Removed %(count)s picture from “%(name)s”.", "Removed %(count)s pictures from “%(name)s”.", len(removed)
    )
    values = {"count": formatting.count(len(removed)), "name": collection.name}
    return _respond(request, _undo_toast(collection, text % values, removed, were_removed=True))


@require_POST
def restore_positions(request: Request, collection_id: int) -> HttpResponse:
    """Undo removing, moving or sorting, by the signed positions of before."""
    collection = _arrangeable_or_404(request, collection_id)
    try:
        pk, were_removed, rows = signing.loads(request.POST.get("rows", ""), salt=SALT, max_age=DAY)
        # The signature is valid at every URL: positions of one collection must not be restored in another.
        if pk != collection.pk:
            raise signing.BadSignature
        curation.restore_positions(collection, [PlacedImage(*row) for row in rows], were_removed=were_removed)
    except (signing.BadSignature, ValueError):  # ValueError: signed by an earlier version
        return _respond(request, Toast(_("This can no longer be undone.")))
    except ActionRefused as refusal:
        return _respond(request, Toast(str(refusal)))
    return _respond(request, Toast(_("Undone.")))


@require_POST
def move(request: Request, collection_id: int) -> HttpResponse:
    """Move the selected pictures `to` start or end, or before the picture `before`.

    Without JavaScript, one picture by one step: `step` is for example `earlier-12`.
    """
    collection = _arrangeable_or_404(request, collection_id)
    try:
        ids, to = _moving(request)
        # The page may be old: someone else has removed or hidden a picture since.
        if len(_visible(request, collection, ids)) < len(ids):
            raise ActionRefused(collection_order.CHANGED_MESSAGE)
        were = collection_order.move(collection, ids, before=_target(request, collection, ids, to=to))
    except ActionRefused as refusal:
        if request.headers.get("Accept") == "application/json":
            return JsonResponse({"message": str(refusal)}, status=409)
        return _respond(request, Toast(str(refusal)))
    if request.headers.get("Accept") == "application/json":
        return JsonResponse({})
    text = ngettext("Moved %(number)s picture.", "Moved %(number)s pictures.", len(were))
    return _respond(request, _undo_toast(collection, formatting.plural(text, len(were)), were))


@require_POST
def arrange(request: Request, collection_id: int) -> HttpResponse:
    """Sort all pictures by `order`, once."""
    collection = _arrangeable_or_404(request, collection_id)
    order = request.POST.get("order", "")
    if order not in collection_order.ORDERS:
        return _respond(request, Toast(_("Choose a sort order.")))
    were = collection_order.arrange(collection, order)
    return _respond(request, _undo_toast(collection, _("Sorted “%(name)s”.") % {"name": collection.name}, were))


@require_POST
def set_cover(request: Request, collection_id: int) -> HttpResponse:
    """Make the first of the selected pictures the cover."""
    collection = _arrangeable_or_404(request, collection_id)
    try:
        ids = next(selection_of(request).steps(), [])
    except ActionRefused as refusal:
        return _respond(request, Toast(str(refusal)))
    covers = _visible(request, collection, ids[:1])
    if not covers:
        return _respond(request, Toast(_("This picture is not in the collection.")))
    Collection.objects.filter(pk=collection.pk).update(cover=covers[0])
    return _respond(request, Toast(_("Changed the cover of “%(name)s”.") % {"name": collection.name}))


def _arrangeable_or_404(request: Request, collection_id: int) -> Collection:
    """The collection; 404 for users who can't see it, 403 who can't rearrange it."""
    collection = rights.get_collection_or_404(request.user, collection_id)
    rights.require_arrange_collection(request.user, collection)
    return collection


def _chosen(request: Request) -> Collection:
    """The collection by id, or the user's own by name; a new name creates one."""
    number = int_param(request.POST.get("collection_id", ""), maximum=10**18, minimum=0)
    if number:
        return _arrangeable_or_404(request, number)
    return curation.get_or_create(current_user(request), name=request.POST.get("collection_name", ""))


def _visible(request: Request, collection: Collection, image_ids: Sequence[int]) -> list[int]:
    """The ids of those pictures that the user sees in the collection."""
    entries = rights.visible_entries(request.user, collection).filter(image_id__in=image_ids)
    return list(entries.values_list("image_id", flat=True))


def _moving(request: Request) -> tuple[list[int], str]:
    """The pictures to move, and their destination. Raises ActionRefused."""
    if match := re.fullmatch(r"(earlier|later)-([0-9]{1,18})", request.POST.get("step", "")):
        return [int(match[2])], match[1]
    ids = [image_id for step in selection_of(request).steps() for image_id in step]
    return ids, request.POST.get("to", "end")


def _target(request: Request, collection: Collection, moving: Sequence[int], *, to: str) -> int | None:
    """The picture to insert the moved ones before; None for the end."""
    if before := int_param(request.POST.get("before", ""), maximum=10**18, minimum=0):
        return before
    ids = list(rights.visible_entries(request.user, collection).values_list("image_id", flat=True))
    chosen = set(moving)
    rest = [image_id for image_id in ids if image_id not in chosen]
    places = [index for index, image_id in enumerate(ids) if image_id in chosen]
    if to == "end" or not places or not rest:
        return None
    # The number of other pictures that will come before the moved ones.
    index = {"start": 0, "earlier": places[0] - 1, "later": places[0] + 1}.get(to, places[0])
    return rest[max(index, 0)] if index < len(rest) else None


def _added_toast(collection: Collection, added: Sequence[int]) -> Toast:
    if not added:
        return Toast(_("These pictures are already in “%(name)s”.") % {"name": collection.name})
    text = ngettext("Added %(count)s picture to “%(name)s”.", "Added %(count)s pictures to “%(name)s”.", len(added))
    message = text % {"count": formatting.count(len(added)), "name": collection.name}
    return Toast(
        " ".join(filter(None, [message, _private_note(collection, added)])),
        undo_url=reverse("collection-remove", args=[collection.pk]),
        fields={"ids": ",".join(map(str, added))},
        url=collection.get_absolute_url(),
        link_text=_("Open"),
    )


def _private_note(collection: Collection, added: Sequence[int]) -> str:
    """A note if others now see private pictures through the collection."""
    if not (collection.shares_private and (collection.is_shared or collection.members.exists())):
        return ""
    number = Image.objects.filter(pk__in=added, visibility=Image.Visibility.PRIVATE).count()
    if not number:
        return ""
    text = ngettext(
        "%(number)s private picture is now visible to everyone with access to this collection.",
        "%(number)s private pictures are now visible to everyone with access to this collection.",
        number,
    )
    return formatting.plural(text, number)


def _undo_toast(
    collection: Collection, message: str, rows: Sequence[PlacedImage], *, were_removed: bool = False
) -> Toast:
    if not rows:
        return Toast(message)
    # Signed, since a row names the user who added the picture, which decides who may see it.
    values = [collection.pk, were_removed, [list(row) for row in rows]]
    signed = signing.dumps(values, salt=SALT, compress=True)
    return Toast(
        message, undo_url=reverse("collection-restore-positions", args=[collection.pk]), fields={"rows": signed}
    )


def _respond(request: Request, toast: Toast) -> HttpResponse:
    """The toast for scripts, else a redirect to the page that then shows it."""
    if is_fragment(request):
        return render(request, "includes/toasts.html", {"toasts": [toast]})
    toasts.add_toast(request, toast)
    return redirect(next_url(request))
