"""Actions on one picture: labels and tags, rating, visibility and trash."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from analysis import audit_log, permissions, pipeline
from analysis.curation import bulk, ratings, trash, verdicts
from analysis.curation.bulk import Selection
from analysis.curation.errors import ActionRefused
from analysis.curation.visibility import set_visibility as set_image_visibility
from analysis.formatting import translated
from analysis.ingest.validation import InvalidImage
from analysis.library import rotation
from analysis.models import AuditEntry, Image, ImageLabel, Label
from analysis.storage.blobs import StorageError
from analysis.web import links, toasts
from analysis.web.http import Request, current_user, current_user_id, int_param, is_fragment
from analysis.web.image import context as image_context
from analysis.web.image.collection_link import collection_link
from analysis.web.image.context import ReturnLink
from analysis.web.image.neighbors import Neighbors, neighbors
from analysis.web.toasts import Toast

VISIBILITY_MESSAGES = {
    Image.Visibility.PRIVATE: gettext_lazy("Only you can see this picture now."),
    Image.Visibility.SHARED: gettext_lazy("Everyone signed in can see this picture now."),
    Image.Visibility.PUBLIC: gettext_lazy("Anyone with the link can see this picture now."),
}
Action = Callable[[Image], Toast | None]
PermissionCheck = Callable[[AbstractBaseUser | AnonymousUser, Image], bool]


@require_POST
def review_label(request: Request, image_id: int) -> HttpResponse:
    """Confirm or reject a label by id, or `clear` its verdict."""

    def action(image: Image) -> None:
        # The pressed button's name tells the verdict, so the form also works without JavaScript.
        if label_id := _label_id(request, "confirm"):
            verdicts.confirm(image.pk, label_id=label_id, by_id=current_user_id(request))
        elif label_id := _label_id(request, "reject"):
            verdicts.reject(image.pk, label_id=label_id, by_id=current_user_id(request))
        elif label_id := _label_id(request, "clear"):
            verdicts.clear(image.pk, label_id=label_id, by_id=current_user_id(request))
        else:
            raise ActionRefused(_("Choose a label."))

    image, toast = _run(request, image_id, action, is_allowed=permissions.can_review_labels)
    return _respond(request, image, toast, part="labels_updated")


@require_POST
def add_label(request: Request, image_id: int) -> HttpResponse:
    """Add a label or tag by `name`."""

    def action(image: Image) -> None:
        verdicts.add(image.pk, name=request.POST.get("name", ""), by_id=current_user_id(request))

    image, toast = _run(request, image_id, action, is_allowed=permissions.can_review_labels)
    response = _respond(request, image, toast, part="labels_updated")
    if toast is None:
        response["HX-Trigger"] = "labelAdded"  # image_page.js empties the field
    return response


@require_POST
def remove_tag(request: Request, image_id: int) -> HttpResponse:
    """Remove a tag by its id, `tag`; Undo restores it with its author and date."""

    def action(image: Image) -> Toast | None:
        tag_id = _label_id(request, "tag") or 0
        on_image = ImageLabel.objects.filter(image=image, label=tag_id, label__kind=Label.Kind.TAG)
        tag = Label.objects.filter(pk__in=on_image.values("label")).first()
        if tag is None:
            return None  # already removed, for example in another tab
        selection = Selection(current_user(request), ids=(image.pk,))
        # A bulk change of one picture, which can be undone by its id.
        change = bulk.remove_tag(selection, tag)
        message = _("Removed tag “%(tag)s”.") % {"tag": tag}
        return Toast(message, _undo_url("image-undo", request, image), {"change": str(change.pk)})

    image, toast = _run(request, image_id, action, is_allowed=permissions.can_review_labels)
    return _respond(request, image, toast, part="labels_updated")


@require_POST
def undo(request: Request, image_id: int) -> HttpResponse:
    """Undo a change made on this page, by the id `change`."""

    def action(_image: Image) -> Toast | None:
        change_id = int_param(request.POST.get("change", ""), maximum=10**18, minimum=0)
        # The id may be of any change by this user, even a bulk change of thousands made in another tab.
        undone = pipeline.undo(change_id, by=current_user(request), at_once=bulk.STEP_SIZE)
        if undone.is_open:
            return Toast(_("Undo continues in the background."))
        return None if undone.number else Toast(_("It was changed in the meantime, so nothing was undone."))

    image, toast = _run(request, image_id, action, is_allowed=permissions.can_review_labels)
    return _respond(request, image, toast, part="labels_updated")


@require_POST
def rate(request: Request, image_id: int) -> HttpResponse:
    """Set the user's own `favorite` (1 or 0) or `stars` (0 to 5)."""

    def action(image: Image) -> None:
        favorite, stars = request.POST.get("favorite", ""), request.POST.get("stars", "")
        if favorite in {"0", "1"}:
            ratings.set_favorite(image.pk, person_id=current_user_id(request), is_favorite=favorite == "1")
        elif re.fullmatch(r"[0-9]{1,2}", stars):
            ratings.rate(image.pk, person_id=current_user_id(request), stars=int(stars))
        else:
            raise ActionRefused(_("Choose 1 to 5 stars, or 0 to clear the rating."))

    image, toast = _run(request, image_id, action, is_allowed=_is_visible)
    return _respond(request, image, toast, part="rating_updated")


@require_POST
def set_visibility(request: Request, image_id: int) -> HttpResponse:
    """Set `visibility` to 0, 1 or 2 (Image.Visibility)."""

    def action(image: Image) -> Toast | None:
        text, previous = request.POST.get("visibility", ""), image.visibility
        # Compared as text: int() also accepts "+1", " 1" and digits of other scripts.
        if text not in {str(value) for value in Image.Visibility.values}:
            raise ActionRefused(_("Choose a visibility: private, shared or public."))
        visibility = Image.Visibility(int(text))
        if not set_image_visibility(image, visibility, by_id=current_user_id(request)):
            return None
        undo_url = _undo_url("image-visibility", request, image)
        return Toast(str(VISIBILITY_MESSAGES[visibility]), undo_url, {"visibility": str(previous)})

    image, toast = _run(request, image_id, action)
    return _respond(request, image, toast, part="rating_updated")


@require_POST
def move_to_trash(request: Request, image_id: int) -> HttpResponse:
    """Move the picture to the trash, and show the next one of the search."""
    return_link = image_context.return_link(request)
    # Looked up first, since a picture in the trash has no neighbors. By id alone: _run checks permission.
    near, back_url = _surroundings(request, Image(pk=image_id), return_link)

    def action(image: Image) -> Toast | None:
        is_moved = trash.trash_image(image, by_id=current_user_id(request))
        return Toast(_("Moved to trash."), _undo_url("restore", request, image)) if is_moved else None

    _image, toast = _run(request, image_id, action)
    if toast is None or not toast.undo_url:
        return _navigate(request, return_link.image_url(image_id), toast)
    neighbor = near.next or near.previous
    return _navigate(request, neighbor.url if neighbor else back_url, toast)


def _surroundings(request: Request, image: Image, return_link: ReturnLink) -> tuple[Neighbors, str]:
    """The neighbors in the collection or search it was opened from, and its URL."""
    link = return_link.image_url
    if collection := collection_link(request, image, collection_id=return_link.collection, link=link):
        return collection.neighbors, collection.back_url
    near = neighbors(image, return_link.query, viewer=permissions.viewer_of(request.user), link=link)
    return near, links.library_url(return_link.query, saved=return_link.saved)


@require_POST
def rotate(request: Request, image_id: int) -> HttpResponse:
    """Rotate by `turns` quarter turns clockwise; the original file stays unchanged."""
    turns = request.POST.get("turns", "")

    def action(image: Image) -> Toast | None:
        if turns not in {"-1", "1"}:
            raise ActionRefused(_("Choose a direction."))
        try:
            is_rotated = rotation.rotate(image, turns=int(turns))
        except (StorageError, InvalidImage) as error:
            raise ActionRefused(translated(error)) from error
        if not is_rotated:
            raise ActionRefused(_("The picture was changed at the same time. Try again."))
        audit_log.record(AuditEntry.Action.ROTATE, image, by_id=request.user.pk)
        return Toast(_("Rotated."), _undo_url("image-rotate", request, image), {"turns": str(-int(turns))})

    image, toast = _run(request, image_id, action)
    return _navigate(request, image_context.return_link(request).image_url(image.pk), toast)


@require_POST
def restore(request: Request, image_id: int) -> HttpResponse:
    """Restore the picture from the trash, and show it."""

    def action(image: Image) -> None:
        trash.restore(image.pk, by_id=current_user_id(request))

    image, toast = _run(request, image_id, action)
    return _navigate(request, image_context.return_link(request).image_url(image.pk), toast)


def _navigate(request: Request, url: str, toast: Toast | None) -> HttpResponse:
    """Navigate to another page, which shows the toast."""
    if toast:
        toasts.add_toast(request, toast)
    if is_fragment(request):
        # Not a redirect, which fetch would follow: picture_navigation.js opens the page.
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return redirect(url)


def _run(
    request: Request, image_id: int, action: Action, *, is_allowed: PermissionCheck = permissions.can_edit_image
) -> tuple[Image, Toast | None]:
    """Run an action if permitted; returns its toast, or one with the refusal."""
    image = permissions.get_image_or_404(request.user, image_id)
    if not is_allowed(request.user, image):
        message = (
            permissions.NOT_OWNER_MESSAGE
            if is_allowed is permissions.can_edit_image
            else permissions.NOT_CURATOR_MESSAGE
        )
        if is_fragment(request):  # htmx does not swap error responses; sending the unchanged part resets the control
            return image, Toast(str(message))
        raise PermissionDenied(message)
    try:
        return image, action(image)
    except ActionRefused as refusal:
        return image, Toast(str(refusal))


def _is_visible(_user: AbstractBaseUser | AnonymousUser, _image: Image) -> bool:
    """No further permission needed: _run found the picture for this user."""
    return True


def _respond(request: Request, image: Image, toast: Toast | None, *, part: str) -> HttpResponse:
    """The changed part of the page for htmx, else a redirect."""
    messages = [toast] if toast else []
    if is_fragment(request):
        build = image_context.rating_context if part == "rating_updated" else image_context.image_context
        return render(request, f"image/detail.html#{part}", build(request, image) | {"toasts": messages})
    for message in messages:
        toasts.add_toast(request, message)
    return redirect(image_context.return_link(request).image_url(image.pk))


def _undo_url(name: str, request: Request, image: Image) -> str:
    """URL for Undo, which keeps the search that the user came from."""
    return image_context.return_link(request).append_to(reverse(name, args=[image.pk]))


def _label_id(request: Request, field: str) -> int | None:
    text = request.POST.get(field, "")  # 9 digits fit into PostgreSQL's integer
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None
