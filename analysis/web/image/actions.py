"""What people say of one picture on its page: which labels are right, which are missing, what they think of it."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from analysis import permissions, pipeline
from analysis.curation import bulk, ratings, trash, verdicts
from analysis.curation.bulk import Selection
from analysis.curation.errors import ActionRefused
from analysis.library import images
from analysis.models import Image, ImageLabel, Label
from analysis.web import toasts
from analysis.web.http import Request, current_user_id, int_param, is_fragment
from analysis.web.image import context as image_context
from analysis.web.toasts import Toast

VISIBILITY_SENTENCES = {
    Image.Visibility.PRIVATE: "Only you can see it now.",
    Image.Visibility.SHARED: "Everyone signed in can see it now.",
    Image.Visibility.PUBLIC: "Everyone with its address can see it now.",
}
Act = Callable[[Image], Toast | None]
May = Callable[[AbstractBaseUser | AnonymousUser, Image], bool]


@require_POST
def review_label(request: Request, image_id: int) -> HttpResponse:
    """Confirm or reject a label, or take back what was said of it: `confirm`, `reject` or `unsay` is its id."""

    def act(shown: Image) -> Toast | None:
        if label_id := _id(request, "confirm"):
            verdicts.confirm(shown.pk, label_id=label_id, by_id=current_user_id(request))
        elif label_id := _id(request, "reject"):
            verdicts.reject(shown.pk, label_id=label_id, by_id=current_user_id(request))
        elif label_id := _id(request, "unsay"):
            verdicts.clear(shown.pk, label_id=label_id)
        else:
            raise ActionRefused("Say which label.")
        return None

    return _tell(request, *_done(request, image_id, act, may=permissions.can_review_labels), part="labels_updated")


@require_POST
def add_label(request: Request, image_id: int) -> HttpResponse:
    """Add a label or a tag by its `name`."""

    def act(shown: Image) -> None:
        verdicts.add(shown.pk, name=request.POST.get("name", ""), by_id=current_user_id(request))

    shown, toast = _done(request, image_id, act, may=permissions.can_review_labels)
    answer = _tell(request, shown, toast, part="labels_updated")
    if toast is None:
        answer["HX-Trigger"] = "labelAdded"  # the field is emptied
    return answer


@require_POST
def remove_tag(request: Request, image_id: int) -> HttpResponse:
    """Take a `tag` off, by its id; Undo puts it back as it was said: by whom, and when."""

    def act(shown: Image) -> Toast | None:
        carried = ImageLabel.objects.filter(image=shown, label=_id(request, "tag") or 0, label__kind=Label.Kind.TAG)
        tag = Label.objects.filter(pk__in=carried.values("label")).first()
        if tag is None:
            return None  # somebody was faster
        selection = Selection(request.user, ids=(shown.pk,))  # type: ignore[arg-type]
        change = bulk.remove_tag(selection, tag)
        return Toast(f"Took “{tag}” off.", _address("image-undo", request, shown), {"change": str(change.pk)})

    return _tell(request, *_done(request, image_id, act, may=permissions.can_review_labels), part="labels_updated")


@require_POST
def undo(request: Request, image_id: int) -> HttpResponse:
    """Take back what was done on this page, by the number of the `change`."""

    def act(_: Image) -> Toast | None:
        change_id = int_param(request.POST.get("change", ""), maximum=10**18, minimum=0)
        undone = pipeline.undo(change_id, by=request.user, at_once=bulk.STEP_SIZE)  # type: ignore[arg-type]
        if undone.is_open:
            return Toast("It is undone in the background.")
        return None if undone.number else Toast("Somebody changed it since; it stays as it is.")

    return _tell(request, *_done(request, image_id, act, may=permissions.can_review_labels), part="labels_updated")


@require_POST
def rate(request: Request, image_id: int) -> HttpResponse:
    """Make it a favorite or not (`favorite` is 1 or 0), or give it `stars`. Everybody may who sees it."""

    def act(shown: Image) -> None:
        favorite, stars = request.POST.get("favorite", ""), request.POST.get("stars", "")
        if favorite in {"0", "1"}:
            ratings.set_favorite(shown.pk, person_id=current_user_id(request), is_favorite=favorite == "1")
        elif re.fullmatch(r"[0-9]{1,2}", stars):
            ratings.rate(shown.pk, person_id=current_user_id(request), stars=int(stars))
        else:
            raise ActionRefused("Choose 1 to 5 stars, or 0 for none.")

    return _tell(request, *_done(request, image_id, act, may=_everybody), part="rating_updated")


@require_POST
def set_visibility(request: Request, image_id: int) -> HttpResponse:
    """Say who may see it: `visibility` is 0, 1 or 2."""

    def act(shown: Image) -> Toast | None:
        wanted, before = request.POST.get("visibility", ""), shown.visibility
        if wanted not in {str(value) for value in Image.Visibility.values}:
            raise ActionRefused("Choose who may see it: private, shared or public.")
        if int(wanted) == before:
            return None
        images.set_visibility([shown.pk], int(wanted))
        shown.visibility = int(wanted)
        words = VISIBILITY_SENTENCES[Image.Visibility(shown.visibility)]
        return Toast(words, _address("image-visibility", request, shown), {"visibility": str(before)})

    return _tell(request, *_done(request, image_id, act), part="rating_updated")


@require_POST
def move_to_trash(request: Request, image_id: int) -> HttpResponse:
    """Move it to the trash."""

    def act(shown: Image) -> Toast | None:
        moved = trash.trash([shown.pk])
        return Toast("Moved to the trash.", _address("restore", request, shown)) if moved else None

    return _tell(request, *_done(request, image_id, act))


@require_POST
def restore(request: Request, image_id: int) -> HttpResponse:
    """Take it out of the trash."""

    def act(shown: Image) -> None:
        trash.restore(shown.pk)

    return _tell(request, *_done(request, image_id, act))


def _done(request: Request, image_id: int, act: Act, *, may: May = permissions.can_edit) -> tuple[Image, Toast | None]:
    """The picture and what is to be told: what was done, or the sentence of a refusal."""
    shown = permissions.image_for(request.user, image_id)
    if not may(request.user, shown):
        sentence = str(permissions.NOT_THE_OWNER if may is permissions.can_edit else permissions.NOT_A_CURATOR)
        if is_fragment(request):  # the control shows again what is so
            return shown, Toast(sentence)
        raise PermissionDenied(sentence)
    try:
        return shown, act(shown)
    except ActionRefused as refusal:
        return shown, Toast(str(refusal))


def _everybody(_: AbstractBaseUser | AnonymousUser, __: Image) -> bool:
    """Whoever sees it."""
    return True


def _tell(request: Request, shown: Image, toast: Toast | None, *, part: str = "") -> HttpResponse:
    """The changed part of the page, or the way back to it; without a part the page is loaded anew."""
    told = [toast] if toast else []
    if part and is_fragment(request):
        context = (
            image_context.rating_of(request, shown)
            if part == "rating_updated"
            else image_context.context(request, shown)
        )
        return render(request, f"image/detail.html#{part}", context | {"toasts": told})
    for each in told:
        toasts.add_toast(request, each)
    if is_fragment(request):
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return redirect(image_context.return_link(request).image_url(shown.pk))


def _address(name: str, request: Request, shown: Image) -> str:
    """Where Undo is posted, with the search one came from."""
    return image_context.return_link(request).address(reverse(name, args=[shown.pk]))


def _id(request: Request, field: str) -> int | None:
    text = request.POST.get(field, "")
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None
