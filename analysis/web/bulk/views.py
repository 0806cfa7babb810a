"""What people do to many pictures at once: named one by one, or as every hit of a search."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from analysis import formatting, permissions, pipeline
from analysis.curation import bulk
from analysis.curation.bulk import Selection
from analysis.curation.errors import ActionRefused
from analysis.models import BulkChange, Image, Label
from analysis.search import results
from analysis.search.query import Query
from analysis.search.syntax.parser import InvalidQuery, parse
from analysis.search.time_limit import SearchTooSlow, time_limit
from analysis.search.visible_labels import label_visibility
from analysis.web import toasts
from analysis.web.bulk.selection import selected_labels
from analysis.web.http import Request, current_user_id, is_fragment, next_url
from analysis.web.toasts import Toast

DECIDABLE = (Label.Kind.LABEL, Label.Kind.CELEBRITY, Label.Kind.MODERATION, Label.Kind.TAG)
NOTHING_CHANGED = "Nothing was changed."
AT_ONCE = 2 * bulk.STEP_SIZE
"""Pictures that one waits for; more are gone through in the background, and back as well."""
Act = BulkChange.Action
SENTENCES: dict[str, str] = {
    Act.ADD_TAG: "Added “{label}” to {pictures}.",
    Act.REMOVE_TAG: "Took “{label}” from {pictures}.",
    Act.CONFIRM: "Confirmed “{label}” on {pictures}.",
    Act.REJECT: "Rejected “{label}” on {pictures}.",
    Act.TRASH: "Moved {pictures} to the trash.",
    Act.RESTORE: "Restored {pictures}.",
    Act.FAVORITE: "Added {pictures} to your favorites.",
    Act.UNFAVORITE: "Took {pictures} from your favorites.",
    Act.KEEP: "Kept one, moved {pictures} to the trash.",
    Act.GIVE: "Gave {pictures} away.",
}
FOR_ONESELF = (BulkChange.Action.FAVORITE, BulkChange.Action.UNFAVORITE)
"""What is not done to a picture: those one may not see are passed over in silence."""
VISIBILITY_WORDS = {0: "private", 1: "shared with everyone signed in", 2: "public"}


@dataclass(frozen=True)
class Tick:
    """A tag on the chosen pictures: on all of them or some."""

    id: str
    name: str
    is_on_all: bool


@require_POST
def bulk_action(request: Request, action: str) -> HttpResponse:
    """Do one thing to the chosen pictures; says how many it was and how to take it back."""
    if action not in ACTIONS:
        raise Http404
    try:
        toast = _toast(ACTIONS[action](request, selected(request)))
    except ActionRefused as refusal:
        toast = Toast(str(refusal))
    return _tell(request, toast)


@require_POST
def undo(request: Request, change_id: int) -> HttpResponse:
    """Take a change back."""
    try:
        change = pipeline.undo(change_id, by=request.user, at_once=AT_ONCE)  # type: ignore[arg-type]
    except ActionRefused as refusal:
        return _tell(request, Toast(str(refusal)))
    return _tell(
        request, _undoing(change) if change.is_open else Toast(f"Undone on {formatting.pictures(change.number)}.")
    )


@require_safe
def bulk_change(request: Request, change_id: int) -> HttpResponse:
    """How far a command is that goes on in the background; where a script asks, instead of what it said before."""
    found = get_object_or_404(
        BulkChange.objects.select_related("label"), pk=change_id, person_id=current_user_id(request)
    )
    toast = _undoing(found) if found.undone_at else _toast(found)
    return _tell(request, replace(toast, is_end=not found.is_open))


@require_POST
def menu(request: Request) -> HttpResponse:
    """What the chosen pictures carry: tags with their ticks, labels that could be confirmed or rejected."""
    try:
        selection = selected(request)
        with time_limit():
            ids = next(selection.steps(), [])
        found = selected_labels(ids, kinds=DECIDABLE, viewer=permissions.viewer_of(request.user))
        ticks = [Tick(str(label.pk), label.name, is_on_all=how == "all") for label, how in bulk.tags_of(selection)]
    except (ActionRefused, SearchTooSlow) as refusal:
        return render(request, "bulk/label_menu.html", {"complaint": str(refusal)})
    return render(request, "bulk/label_menu.html", {"ticks": ticks, "labels": found})


def selected(request: Request) -> Selection:
    """Ids from checkboxes (`id`) or in one field (`ids`); with `all`, every hit of the query `q`."""
    current_user_id(request)
    if request.POST.get("all"):
        try:
            return Selection(request.user, query=parse(request.POST.get("q", "")))  # type: ignore[arg-type]
        except InvalidQuery as error:
            raise ActionRefused(f"This search cannot be understood: {error}") from error
    texts = [*request.POST.getlist("id"), *request.POST.get("ids", "").split(",")]
    ids = tuple(dict.fromkeys(int(text) for text in texts if text.isdecimal() and len(text) <= 18))
    if not ids:
        raise ActionRefused("No picture is selected.")
    return Selection(request.user, ids=ids)  # type: ignore[arg-type]


def _add_tag(request: Request, selection: Selection) -> BulkChange:
    return _run(
        selection, Act.ADD_TAG, label=bulk.label_to_add(selection, request.POST.get("tag", "").replace("\x00", " "))
    )


def _remove_tag(request: Request, selection: Selection) -> BulkChange:
    return _run(selection, Act.REMOVE_TAG, label=_label(request, name=request.POST.get("tag", "")))


def _confirm(request: Request, selection: Selection) -> BulkChange:
    return _run(selection, Act.CONFIRM, label=_label(request))


def _reject(request: Request, selection: Selection) -> BulkChange:
    return _run(selection, Act.REJECT, label=_label(request))


def _open_to(request: Request, selection: Selection) -> BulkChange:
    visibility = request.POST.get("visibility", "")
    if visibility not in {str(value) for value in Image.Visibility.values}:
        raise ActionRefused("Choose who may see them: private, shared or public.")
    return _run(selection, Act.OPEN_TO, visibility=int(visibility))


def _trash(_: Request, selection: Selection) -> BulkChange:
    return _run(selection, Act.TRASH)


def _restore(_: Request, selection: Selection) -> BulkChange:
    return _run(selection, Act.RESTORE)


def _favorite(request: Request, selection: Selection) -> BulkChange:
    return _run(selection, Act.FAVORITE if request.POST.get("favorite", "1") == "1" else Act.UNFAVORITE)


def _run(selection: Selection, act: str, **of_what: Any) -> BulkChange:
    """At once; in the background where somebody would wait for it too long."""
    query = selection.query
    if query is not None and _are_many(query, selection):
        with suppress(
            ActionRefused
        ):  # what changes while it is gone through, as duplicates do, is done at once all the same
            return pipeline.start_bulk_change(selection, act, **of_what)
    return bulk.apply(selection, act, **of_what)


def _are_many(query: Query, selection: Selection) -> bool:
    """More than one waits for, or too many to tell in time."""
    try:
        with time_limit():
            return results.count(query, viewer=selection.viewer, cap=AT_ONCE) > AT_ONCE
    except SearchTooSlow:
        return True


ACTIONS: dict[str, Callable[[Request, Selection], BulkChange]] = {
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
        raise ActionRefused("Say which label.")
    if found is None or not label_visibility(permissions.viewer_of(request.user)).visible([found.pk], maximum=1):
        raise ActionRefused(NOTHING_CHANGED)  # as for a label that only others' pictures carry
    return found


def _toast(change: BulkChange) -> Toast:
    said = _sentence(change) if change.number else NOTHING_CHANGED
    if change.is_open:
        said = f"{formatting.pictures(change.number).capitalize()} done so far; the others follow in the background."
    elif change.refused and change.action not in FOR_ONESELF:
        said += f" {formatting.pictures(change.refused)} {'is' if change.refused == 1 else 'are'} not yours to change."
    undo_url = reverse("undo", args=[change.pk]) if change.number or change.is_open else ""
    return Toast(said, undo_url, progress_url=reverse("change", args=[change.pk]) if change.is_open else "")


def _undoing(change: BulkChange) -> Toast:
    """How far the undoing is that goes on in the background."""
    if not change.is_open:
        return Toast(f"Undone on {formatting.pictures(change.restored)}.")
    said = f"Undone on {formatting.pictures(change.restored)} so far; the others follow in the background."
    return Toast(said, progress_url=reverse("change", args=[change.pk]))


def _sentence(change: BulkChange) -> str:
    """What was done, to how many pictures."""
    pictures, label = formatting.pictures(change.number), change.label
    if change.action == Act.OPEN_TO and change.visibility is not None:
        return f"{pictures} {'is' if change.number == 1 else 'are'} {VISIBILITY_WORDS[change.visibility]} now."
    return SENTENCES[change.action].format(pictures=pictures, label=label)


def _tell(request: Request, toast: Toast) -> HttpResponse:
    if is_fragment(request):
        return render(request, "includes/toasts.html", {"toasts": [toast]})
    toasts.add_toast(request, toast)
    return redirect(next_url(request))
