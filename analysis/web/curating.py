"""What people say of one picture on its page: which labels are right, which are missing, what they think of it."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from analysis import access, pipeline
from analysis.curation import bulk, marks, trash, verdicts
from analysis.curation.bulk import Selection
from analysis.curation.refused import Refused
from analysis.models import Image, Label
from analysis.store import library
from analysis.web import picture, toasts
from analysis.web.requests import Request, is_fragment, number_in, person_id
from analysis.web.toasts import Toast

OPENNESS_SENTENCES = {
    Image.Openness.PRIVATE: "Only you can see it now.",
    Image.Openness.SHARED: "Everyone signed in can see it now.",
    Image.Openness.PUBLIC: "Everyone with its address can see it now.",
}
Act = Callable[[Image], Toast | None]
May = Callable[[AbstractBaseUser | AnonymousUser, Image], bool]


@require_POST
def say(request: Request, image_id: int) -> HttpResponse:
    """Confirm or reject a label, or take back what was said of it: `confirm`, `reject` or `unsay` is its id."""

    def act(shown: Image) -> Toast | None:
        if label_id := _id(request, "confirm"):
            verdicts.confirm(shown.pk, label_id=label_id, by_id=person_id(request))
        elif label_id := _id(request, "reject"):
            verdicts.reject(shown.pk, label_id=label_id, by_id=person_id(request))
        elif label_id := _id(request, "unsay"):
            verdicts.unsay(shown.pk, label_id=label_id)
        else:
            raise Refused("Say which label.")
        return None

    return _tell(request, *_done(request, image_id, act, may=access.may_say), part="said")


@require_POST
def add(request: Request, image_id: int) -> HttpResponse:
    """Add a label or a tag by its `name`."""

    def act(shown: Image) -> None:
        verdicts.add(shown.pk, name=request.POST.get("name", ""), by_id=person_id(request))

    shown, toast = _done(request, image_id, act, may=access.may_say)
    answer = _tell(request, shown, toast, part="said")
    if toast is None:
        answer["HX-Trigger"] = "added"  # the field is emptied
    return answer


@require_POST
def remove_tag(request: Request, image_id: int) -> HttpResponse:
    """Take a `tag` off, by its id; Undo puts it back as it was said: by whom, and when."""

    def act(shown: Image) -> Toast | None:
        tag = Label.objects.filter(pk=_id(request, "tag") or 0, kind=Label.Kind.TAG, verdicts__image=shown).first()
        if tag is None:
            return None  # somebody was faster
        selection = Selection(request.user, ids=(shown.pk,), is_of_everybody=True)  # type: ignore[arg-type]
        change = bulk.remove_tag(selection, tag)
        return Toast(f"Took “{tag}” off.", _address("undo-here", request, shown), {"change": str(change.pk)})

    return _tell(request, *_done(request, image_id, act, may=access.may_say), part="said")


@require_POST
def undo(request: Request, image_id: int) -> HttpResponse:
    """Take back what was done on this page, by the number of the `change`."""

    def act(_: Image) -> Toast | None:
        change_id = number_in(request.POST.get("change", ""), most=10**18, least=0)
        undone = pipeline.undo(change_id, by=request.user, at_once=bulk.STEP)  # type: ignore[arg-type]
        if undone.is_open:
            return Toast("It is undone in the background.")
        return None if undone.number else Toast("Somebody changed it since; it stays as it is.")

    return _tell(request, *_done(request, image_id, act, may=access.may_say), part="said")


@require_POST
def mark(request: Request, image_id: int) -> HttpResponse:
    """Make it a favorite or not (`favorite` is 1 or 0), or give it `stars`. Everybody may who sees it."""

    def act(shown: Image) -> None:
        favorite, stars = request.POST.get("favorite", ""), request.POST.get("stars", "")
        if favorite in {"0", "1"}:
            marks.set_favorite(shown.pk, person_id=person_id(request), is_favorite=favorite == "1")
        elif re.fullmatch(r"[0-9]{1,2}", stars):
            marks.rate(shown.pk, person_id=person_id(request), stars=int(stars))
        else:
            raise Refused("Choose 1 to 5 stars, or 0 for none.")

    return _tell(request, *_done(request, image_id, act, may=_everybody), part="marked")


@require_POST
def open_to(request: Request, image_id: int) -> HttpResponse:
    """Say who may see it: `openness` is 0, 1 or 2."""

    def act(shown: Image) -> Toast | None:
        wanted, before = request.POST.get("openness", ""), shown.openness
        if wanted not in {str(value) for value in Image.Openness.values}:
            raise Refused("Choose who may see it: private, shared or public.")
        if int(wanted) == before:
            return None
        library.open_to([shown.pk], int(wanted))
        shown.openness = int(wanted)
        words = OPENNESS_SENTENCES[Image.Openness(shown.openness)]
        return Toast(words, _address("open-to", request, shown), {"openness": str(before)})

    return _tell(request, *_done(request, image_id, act), part="marked")


@require_POST
def discard(request: Request, image_id: int) -> HttpResponse:
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


def _done(request: Request, image_id: int, act: Act, *, may: May = access.may_change) -> tuple[Image, Toast | None]:
    """The picture and what is to be told: what was done, or the sentence of a refusal."""
    shown = access.image_for(request.user, image_id)
    if not may(request.user, shown):
        raise Http404
    try:
        return shown, act(shown)
    except Refused as refusal:
        return shown, Toast(str(refusal))


def _everybody(_: AbstractBaseUser | AnonymousUser, __: Image) -> bool:
    """Whoever sees it."""
    return True


def _tell(request: Request, shown: Image, toast: Toast | None, *, part: str = "") -> HttpResponse:
    """The changed part of the page, or the way back to it; without a part the page is loaded anew."""
    told = [toast] if toast else []
    if part and is_fragment(request):
        context = picture.marked(request, shown) if part == "marked" else picture.context(request, shown)
        return render(request, f"image.html#{part}", context | {"toasts": told})
    for each in told:
        toasts.put(request, each)
    if is_fragment(request):
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return redirect(picture.came_from(request).image_url(shown.pk))


def _address(name: str, request: Request, shown: Image) -> str:
    """Where Undo is posted, with the search one came from."""
    return picture.came_from(request).address(reverse(name, args=[shown.pk]))


def _id(request: Request, field: str) -> int | None:
    text = request.POST.get(field, "")
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None
