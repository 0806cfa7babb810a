"""What people do to many pictures at once: named one by one, or as every hit of a search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from analysis import access
from analysis.curation import bulk
from analysis.curation.bulk import Selection
from analysis.curation.refused import Refused
from analysis.models import Change, Image, Label, Verdict
from analysis.search.grammar import BadQuery, parse
from analysis.web import toasts
from analysis.web.carried import carried
from analysis.web.requests import Request, is_fragment, person_id, way_back
from analysis.web.toasts import Toast

DECIDABLE = (Label.Kind.LABEL, Label.Kind.CELEBRITY, Label.Kind.MODERATION, Label.Kind.TAG)
NOTHING_CHANGED = "Nothing was changed."
FOR_ONESELF = (Change.Action.FAVORITE, Change.Action.UNFAVORITE)
"""What is not done to a picture: those one may not see are passed over in silence."""
OPENNESS_WORDS = {0: "private", 1: "shared with everyone signed in", 2: "public"}


@dataclass(frozen=True)
class Tick:
    """A tag on the chosen pictures: on all of them or some."""

    id: str
    name: str
    is_on_all: bool


@require_POST
def act(request: Request, action: str) -> HttpResponse:
    """Do one thing to the chosen pictures; says how many it was and how to take it back."""
    if action not in ACTIONS:
        raise Http404
    try:
        toast = ACTIONS[action](request, selected(request))
    except Refused as refusal:
        toast = Toast(str(refusal))
    return _tell(request, toast)


@require_POST
def undo(request: Request, change_id: int) -> HttpResponse:
    """Take a change back."""
    try:
        change = bulk.undo(change_id, by=request.user)  # type: ignore[arg-type]
    except Refused as refusal:
        return _tell(request, Toast(str(refusal)))
    return _tell(request, Toast(f"Undone on {_pictures(change.number)}."))


@require_POST
def menu(request: Request) -> HttpResponse:
    """What the chosen pictures carry: tags with their ticks, labels that could be confirmed or rejected."""
    try:
        selection = selected(request)
        ids = next(selection.steps(), [])
        found = carried(ids, kinds=DECIDABLE, audience=access.audience_of(request.user))
        ticks = [Tick(str(label.pk), label.name, is_on_all=how == "all") for label, how in bulk.tags_of(selection)]
    except Refused as refusal:
        return render(request, "bulk.html#menu", {"complaint": str(refusal)})
    return render(request, "bulk.html#menu", {"ticks": ticks, "labels": found})


def selected(request: Request) -> Selection:
    """Ids from checkboxes (`id`) or in one field (`ids`); with `all`, every hit of the query `q`."""
    person_id(request)
    if request.POST.get("all"):
        try:
            return Selection(request.user, query=parse(request.POST.get("q", "")))  # type: ignore[arg-type]
        except BadQuery as error:
            raise Refused(f"This search cannot be understood: {error}") from error
    texts = [*request.POST.getlist("id"), *request.POST.get("ids", "").split(",")]
    ids = tuple(dict.fromkeys(int(text) for text in texts if text.isdecimal() and len(text) <= 18))
    if not ids:
        raise Refused("No picture is selected.")
    return Selection(request.user, ids=ids)  # type: ignore[arg-type]


def _add_tag(request: Request, selection: Selection) -> Toast:
    change = bulk.add_tag(selection, request.POST.get("tag", "").replace("\x00", " "))
    return _toast(change, f"Added “{change.label}” to {_pictures(change.number)}.")


def _remove_tag(request: Request, selection: Selection) -> Toast:
    change = bulk.remove_tag(selection, _label(request, name=request.POST.get("tag", "")))
    return _toast(change, f"Took “{change.label}” from {_pictures(change.number)}.")


def _confirm(request: Request, selection: Selection) -> Toast:
    change = bulk.decide(selection, _label(request), Verdict.Decision.CONFIRMED)
    return _toast(change, f"Confirmed “{change.label}” on {_pictures(change.number)}.")


def _reject(request: Request, selection: Selection) -> Toast:
    change = bulk.decide(selection, _label(request), Verdict.Decision.REJECTED)
    return _toast(change, f"Rejected “{change.label}” on {_pictures(change.number)}.")


def _open_to(request: Request, selection: Selection) -> Toast:
    openness = request.POST.get("openness", "")
    if openness not in {str(value) for value in Image.Openness.values}:
        raise Refused("Choose who may see them: private, shared or public.")
    change = bulk.open_to(selection, int(openness))
    verb = "is" if change.number == 1 else "are"
    return _toast(change, f"{_pictures(change.number)} {verb} {OPENNESS_WORDS[int(openness)]} now.")


def _trash(_: Request, selection: Selection) -> Toast:
    change = bulk.trash(selection)
    return _toast(change, f"Moved {_pictures(change.number)} to the trash.")


def _restore(_: Request, selection: Selection) -> Toast:
    change = bulk.restore(selection)
    return _toast(change, f"Restored {_pictures(change.number)}.")


def _favorite(request: Request, selection: Selection) -> Toast:
    wanted = request.POST.get("favorite", "1") == "1"
    change = bulk.favor(selection, is_favorite=wanted)
    words = "Added {} to your favorites." if wanted else "Took {} from your favorites."
    return _toast(change, words.format(_pictures(change.number)))


ACTIONS: dict[str, Callable[[Request, Selection], Toast]] = {
    "add-tag": _add_tag,
    "remove-tag": _remove_tag,
    "confirm": _confirm,
    "reject": _reject,
    "open-to": _open_to,
    "trash": _trash,
    "restore": _restore,
    "favorite": _favorite,
}


def _label(request: Request, *, name: str = "") -> Label:
    """The label a form names by its number, or by its name where a person typed it."""
    number, name = request.POST.get("label", ""), (name or request.POST.get("name", "")).strip()
    known = Label.objects.filter(kind__in=DECIDABLE).order_by("-image_count")
    if number.isdecimal() and len(number) <= 9:
        found = known.filter(pk=int(number)).first()
    elif name:
        found = known.filter(name__iexact=name.replace("\x00", " ")).first()
    else:
        raise Refused("Say which label.")
    if found is None:
        raise Refused(NOTHING_CHANGED)  # as for a label that only others' pictures carry
    return found


def _toast(change: Change, words: str) -> Toast:
    said = words if change.number else NOTHING_CHANGED
    if change.refused and change.action not in FOR_ONESELF:
        said += f" {_pictures(change.refused)} {'is' if change.refused == 1 else 'are'} not yours to change."
    return Toast(said, reverse("undo", args=[change.pk]) if change.number else "")


def _tell(request: Request, toast: Toast) -> HttpResponse:
    if is_fragment(request):
        return render(request, "parts/toasts.html", {"toasts": [toast]})
    toasts.put(request, toast)
    return redirect(way_back(request))


def _pictures(number: int) -> str:
    return "1 picture" if number == 1 else f"{number:,} pictures"
