"""Pages of the user's share links: list, create, change, revoke."""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from analysis import permissions
from analysis.curation import collections
from analysis.curation.bulk import Selection
from analysis.curation.errors import ActionRefused
from analysis.models import Collection, SavedSearch, ShareLink
from analysis.permissions import collections as rights
from analysis.sharing import share_links
from analysis.sharing.share_links import Target
from analysis.web import toasts
from analysis.web.bulk.selection import selection_of
from analysis.web.http import Request, current_user, int_param
from analysis.web.links import with_parameters
from analysis.web.sharing.link_forms import LinkForm
from analysis.web.sharing.link_rows import link_name, link_row
from analysis.web.sharing.share_subjects import ShareSubject, subject_of, subject_of_selection
from analysis.web.toasts import Toast

PAGE_SIZE = 50


@require_safe
def share_list(request: Request) -> HttpResponse:
    """The user's links, newest first."""
    number = int_param(request.GET.get("page", ""), maximum=10_000)
    start = (number - 1) * PAGE_SIZE
    own = rights.viewable_share_links(request.user).select_related("image", "collection", "search").order_by("-pk")
    page = list(own[start : start + PAGE_SIZE + 1])
    context = {
        "rows": [link_row(request, link, timezone.now()) for link in page[:PAGE_SIZE]],
        "is_first": number == 1,
        "more_url": with_parameters(reverse("shares"), page=number + 1) if len(page) > PAGE_SIZE else "",
        "toasts": toasts.take_toasts(request),
    }
    return render(request, "sharing/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def share_new(request: Request) -> HttpResponse:
    """The form for a link to one object (GET), or to a selection (POST)."""
    if request.method != "POST":
        return _form_page(request, subject_of(_target_or_404(request, request.GET), current_user(request)), LinkForm())
    try:
        subject = subject_of_selection(selection_of(request))
    except ActionRefused as refusal:
        return _back_to_library(request, refusal)
    return _form_page(request, subject, LinkForm())


@require_POST
def share_create(request: Request) -> HttpResponse:
    """Create the link; a selection is first saved as a collection."""
    form, user = LinkForm(request.POST), current_user(request)
    is_selection = not _names_target(request.POST)
    target = None if is_selection else _target_or_404(request, request.POST)
    error = ""
    try:
        if form.is_valid():
            chosen = target or _collection_of(selection_of(request), name=request.POST.get("title", ""))
            return redirect("share-link", share_links.create(user, chosen, form.options()).pk)
    except ActionRefused as refusal:
        error = str(refusal)
    try:
        subject = subject_of(target, user) if target else _titled(request, subject_of_selection(selection_of(request)))
    except ActionRefused as refusal:
        return _back_to_library(request, refusal)
    return _form_page(request, subject, form, error=error, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
def share_link(request: Request, link_id: int) -> HttpResponse:
    """One link: its URL, and a form to change it."""
    link = _link_or_404(request, link_id)
    form = LinkForm(request.POST if request.method == "POST" else None, link=link, initial=_initial(link))
    if form.is_valid():
        share_links.change(link, form.options())
        toasts.add_toast(request, Toast(_("Saved. The link stays the same.")))
        return redirect("share-link", link.pk)
    target = link.image or link.collection or link.search
    assert target is not None  # noqa: S101 - a constraint of the table
    subject = subject_of(target, current_user(request), link=link)
    row = link_row(request, link, timezone.now())
    return _form_page(request, subject, form, row=row, status=422 if form.is_bound else 200)


@require_POST
def share_revoke(request: Request, link_id: int) -> HttpResponse:
    """Revoke a link at once; Undo makes it work again."""
    link = _link_or_404(request, link_id)
    share_links.revoke(link, by_id=link.owner_id)
    message = _("Revoked the link to “%(name)s”. It no longer works.") % {"name": link_name(request, link)}
    toasts.add_toast(request, Toast(message, undo_url=reverse("share-restore", args=[link.pk])))
    return redirect("shares")


@require_POST
def share_restore(request: Request, link_id: int) -> HttpResponse:
    """Undo the revocation of a link."""
    link = _link_or_404(request, link_id)
    share_links.restore(link)
    toasts.add_toast(request, Toast(_("The link to “%(name)s” works again.") % {"name": link_name(request, link)}))
    return redirect("shares")


def _form_page(
    request: Request,
    subject: ShareSubject,
    form: LinkForm,
    *,
    row: object = None,
    error: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "subject": subject,
        "form": form,
        "row": row,
        "error": error,
        "link": form.link,
        "toasts": toasts.take_toasts(request),
    }
    return render(request, "sharing/form.html", context, status=status)


def _titled(request: Request, subject: ShareSubject) -> ShareSubject:
    """The subject with the name that was typed for its collection."""
    return replace(subject, title=request.POST.get("title", "").strip() or subject.title)


def _back_to_library(request: Request, refusal: ActionRefused) -> HttpResponse:
    toasts.add_toast(request, Toast(str(refusal)))
    return redirect("library")


def _link_or_404(request: Request, link_id: int) -> ShareLink:
    own = rights.viewable_share_links(request.user).select_related("image", "collection", "search")
    return get_object_or_404(own, pk=link_id)


def _names_target(values: QueryDict) -> bool:
    return any(values.get(name) for name in ("image", "collection", "search"))


def _target_or_404(request: Request, values: QueryDict) -> Target:
    """The object that the request names, if the user may share it."""
    number = {
        name: int_param(values.get(name, ""), maximum=10**18, minimum=0) for name in ("image", "collection", "search")
    }
    if number["image"]:
        image = permissions.get_image_or_404(request.user, number["image"])
        permissions.require_or_404(rights.can_share_image(request.user, image))
        return image
    if number["collection"]:
        collection = rights.get_collection_or_404(request.user, number["collection"])
        permissions.require_or_404(rights.can_edit_collection(request.user, collection))
        return collection
    search = get_object_or_404(SavedSearch, pk=number["search"])
    permissions.require_or_404(rights.can_share_search(request.user, search))
    return search


def _collection_of(selection: Selection, *, name: str) -> Collection:
    collection = collections.create(selection.person, name=name)
    try:
        added = collections.add(collection, selection)
    except ActionRefused:
        collection.delete()
        raise
    if not added:
        collection.delete()
        raise ActionRefused(_("No pictures are selected."))
    return collection


def _initial(link: ShareLink) -> dict[str, object]:
    names = ("allows_download", "shows_metadata", "includes_private", "includes_sensitive")
    return {name: getattr(link, name) for name in names}
