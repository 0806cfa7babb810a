"""Collection settings: create and delete it, its name, description and members."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from analysis import formatting, permissions
from analysis.curation import collections as curation
from analysis.curation.errors import ActionRefused
from analysis.models import Collection, CollectionMember, Image
from analysis.permissions import collections as rights
from analysis.web import toasts
from analysis.web.http import Request, current_user, current_user_id, int_param, one_line
from analysis.web.links import with_parameters
from analysis.web.sharing.link_rows import link_row
from analysis.web.toasts import Toast


@require_POST
def create(request: Request) -> HttpResponse:
    """Create an empty collection."""
    try:
        collection = curation.create(current_user(request), name=request.POST.get("name", ""))
    except ActionRefused as refusal:
        toasts.add_toast(request, Toast(str(refusal)))
        return redirect(with_parameters(reverse("collections"), name=one_line(request.POST.get("name", ""))[:300]))
    return redirect(collection)


@require_http_methods(["GET", "HEAD", "POST"])
def collection_settings(request: Request, collection_id: int) -> HttpResponse:
    """Edit name, description and sharing; for the owner only."""
    collection = _own_or_404(request, collection_id)
    if request.method != "POST":
        return _page(request, collection)
    try:
        with transaction.atomic():
            curation.describe(collection, text=request.POST.get("description", ""))
            curation.rename(collection, name=request.POST.get("name", ""))
    except ActionRefused as refusal:
        return _page(request, collection, error=str(refusal), status=422)
    toasts.add_toast(request, Toast(_("Saved.")))
    return redirect(collection)


@require_POST
def share(request: Request, collection_id: int) -> HttpResponse:
    """Share with everyone signed in; `private` also shows them private pictures."""
    collection = _own_or_404(request, collection_id)
    Collection.objects.filter(pk=collection.pk).update(
        is_shared=bool(request.POST.get("everyone")), shares_private=bool(request.POST.get("private"))
    )
    toasts.add_toast(request, Toast(_("Saved.")))
    return redirect("collection-settings", collection.pk)


@require_POST
def share_with(request: Request, collection_id: int) -> HttpResponse:
    """Share with one user, by username."""
    collection = _own_or_404(request, collection_id)
    try:
        member = curation.share_with(
            collection, username=request.POST.get("username", ""), can_edit=bool(request.POST.get("can_edit"))
        )
    except ActionRefused as refusal:
        return _page(request, collection, error=str(refusal), status=422)
    toasts.add_toast(request, Toast(_("Shared with %(person)s.") % {"person": member.user}))
    return redirect("collection-settings", collection.pk)


@require_POST
def remove_member(request: Request, collection_id: int) -> HttpResponse:
    """Stop sharing with a user; by the owner or that user."""
    collection = rights.get_collection_or_404(request.user, collection_id)
    user_id = int_param(request.POST.get("user", ""), maximum=10**18, minimum=0)
    # Members may leave: nobody asked them before sharing.
    is_own = rights.can_edit_collection(request.user, collection)
    permissions.require_or_404(is_own or user_id == current_user_id(request))
    CollectionMember.objects.filter(collection=collection, user_id=user_id).delete()
    toasts.add_toast(request, Toast(_("“%(name)s” is no longer shared with them.") % {"name": collection.name}))
    return redirect("collection-settings", collection.pk) if is_own else redirect("collections")


@require_POST
def delete(request: Request, collection_id: int) -> HttpResponse:
    """Delete a collection but not its pictures; can be undone for a day."""
    collection = _own_or_404(request, collection_id)
    curation.delete(collection)
    message = _("Deleted “%(name)s”. Its pictures stay in the library.") % {"name": collection.name}
    toasts.add_toast(request, Toast(message, undo_url=reverse("collection-restore", args=[collection.pk])))
    return redirect("collections")


@require_POST
def restore(request: Request, collection_id: int) -> HttpResponse:
    """Undo a deletion."""
    deleted = Collection.objects.filter(owner_id=current_user_id(request)).exclude(deleted_at=None)
    collection = get_object_or_404(deleted, pk=collection_id)
    try:
        curation.restore(collection)
    except ActionRefused as refusal:
        toasts.add_toast(request, Toast(str(refusal)))
        return redirect("collections")
    toasts.add_toast(request, Toast(_("Restored “%(name)s”.") % {"name": collection.name}))
    return redirect(collection)


def _page(request: Request, collection: Collection, *, error: str = "", status: int = 200) -> HttpResponse:
    private = collection.entries.filter(
        image__visibility=Image.Visibility.PRIVATE, image__owner_id=collection.owner_id, image__trashed_at=None
    ).count()
    text = ngettext("%(number)s of yours now", "%(number)s of yours now", private)
    links = rights.viewable_share_links(request.user).filter(collection=collection, revoked_at=None).order_by("-pk")
    context = {
        "collection": collection,
        "name": request.POST.get("name", collection.name),
        "description": request.POST.get("description", collection.description),
        "username": one_line(request.POST.get("username", "")),
        "can_edit": bool(request.POST.get("can_edit")),
        "members": collection.members.select_related("user").order_by("user__username"),
        "private": formatting.plural(text, private),
        "links": [link_row(request, link, timezone.now()) for link in links.select_related("collection")],
        "error": error,
        "toasts": toasts.take_toasts(request),
    }
    return render(request, "collections/settings.html", context, status=status)


def _own_or_404(request: Request, collection_id: int) -> Collection:
    collection = rights.get_collection_or_404(request.user, collection_id)
    permissions.require_or_404(rights.can_edit_collection(request.user, collection))
    return collection
