"""Views of bulk actions on selected pictures: the action, its progress, the menu."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from analysis import permissions, pipeline
from analysis.curation import bulk, ratings
from analysis.curation.bulk import Selection
from analysis.curation.errors import ActionRefused
from analysis.models import BulkChange, Image, Label
from analysis.search import results
from analysis.search.query import Query
from analysis.search.time_limit import SearchTooSlow, time_limit
from analysis.search.visible_labels import label_visibility
from analysis.web import toasts
from analysis.web.bulk.details import bulk_edit
from analysis.web.bulk.messages import NOTHING_CHANGED, change_toast, undo_toast
from analysis.web.bulk.preview import confirmation
from analysis.web.bulk.selection import selected_labels, selection_of
from analysis.web.http import Request, current_user, current_user_id, is_fragment, next_url
from analysis.web.toasts import Toast

REVIEWABLE_KINDS = (Label.Kind.LABEL, Label.Kind.CELEBRITY, Label.Kind.MODERATION, Label.Kind.TAG)
Action = BulkChange.Action
MAX_IMMEDIATE = 2 * bulk.STEP_SIZE
"""Actions on more pictures run in the background; so does their Undo."""


@dataclass(frozen=True)
class SelectedTag:
    """A tag on all or some of the selected pictures."""

    id: str
    name: str
    is_on_all: bool


@require_POST
def bulk_action(request: Request, action: str) -> HttpResponse:
    """Apply an action to the selected pictures; the toast says to how many, with Undo."""
    if action not in ACTIONS:
        raise Http404
    try:
        selection = selection_of(request)
        # With scripts, the bulk bar has already shown how many pictures would change.
        if not is_fragment(request) and (question := confirmation(request, action, selection)):
            return question
        toast = change_toast(ACTIONS[action](request, selection))
    except ActionRefused as refusal:
        toast = Toast(str(refusal), is_refusal=True)
    return _respond(request, toast)


@require_POST
def undo(request: Request, change_id: int) -> HttpResponse:
    try:
        change = pipeline.undo(change_id, by=current_user(request), at_once=MAX_IMMEDIATE)
    except ActionRefused as refusal:
        return _respond(request, Toast(str(refusal)))
    change.refresh_from_db(fields=["number", "restored"])
    return _respond(request, undo_toast(change))


@require_safe
def bulk_change(request: Request, change_id: int) -> HttpResponse:
    """The toast of a background action with its current progress."""
    change = get_object_or_404(
        BulkChange.objects.select_related("label"), pk=change_id, person_id=current_user_id(request)
    )
    toast = undo_toast(change) if change.undone_at else change_toast(change)
    return _respond(request, replace(toast, is_finished=not change.is_open))


@require_POST
def menu(request: Request) -> HttpResponse:
    """The bulk bar's menu: tags and labels of the selected pictures."""
    try:
        selection = selection_of(request)
        with time_limit():
            ids = next(selection.steps(), [])
        tags = [
            SelectedTag(str(tag.pk), tag.name, is_on_all=extent == "all") for tag, extent in bulk.tags_of(selection)
        ]
        selected = selected_labels(ids, kinds=REVIEWABLE_KINDS, viewer=permissions.viewer_of(request.user))
        labels = [label for label in selected if label.id not in {tag.id for tag in tags}]
    except (ActionRefused, SearchTooSlow) as refusal:
        return render(request, "bulk/label_menu.html", {"error": str(refusal)})
    return render(request, "bulk/label_menu.html", {"tags": tags, "labels": labels})


def _add_tag(request: Request, selection: Selection) -> BulkChange:
    return _run(
        selection, Action.ADD_TAG, label=bulk.label_to_add(selection, request.POST.get("tag", "").replace("\x00", " "))
    )


def _remove_tag(request: Request, selection: Selection) -> BulkChange:
    return _run(selection, Action.REMOVE_TAG, label=_label(request, name=request.POST.get("tag", "")))


def _confirm(request: Request, selection: Selection) -> BulkChange:
    return _run(selection, Action.CONFIRM, label=_label(request))


def _reject(request: Request, selection: Selection) -> BulkChange:
    return _run(selection, Action.REJECT, label=_label(request))


def _set_visibility(request: Request, selection: Selection) -> BulkChange:
    visibility = request.POST.get("visibility", "")
    if visibility not in {str(value) for value in Image.Visibility.values}:
        raise ActionRefused(_("Choose a visibility: private, shared or public."))
    return _run(selection, Action.OPEN_TO, visibility=int(visibility))


def _trash(_request: Request, selection: Selection) -> BulkChange:
    return _run(selection, Action.TRASH)


def _restore(_request: Request, selection: Selection) -> BulkChange:
    return _run(selection, Action.RESTORE)


def _favorite(request: Request, selection: Selection) -> BulkChange:
    return _run(selection, Action.FAVORITE if request.POST.get("favorite", "1") == "1" else Action.UNFAVORITE)


def _rate(request: Request, selection: Selection) -> BulkChange:
    stars = request.POST.get("stars", "")
    if stars not in {str(number) for number in range(ratings.MAX_STARS + 1)}:
        raise ActionRefused(_("Choose 1 to 5 stars, or none."))
    return _run(selection, Action.RATE, edit={"stars": int(stars)})


def _edit_details(request: Request, selection: Selection) -> BulkChange:
    return _run(selection, Action.EDIT, edit=bulk_edit(request.POST))


def _run(selection: Selection, action: str, **arguments: Any) -> BulkChange:
    """Apply an action, in the background for large search results."""
    query = selection.query
    if query is not None and _is_large(query, selection):
        # Refused if the action itself changes which pictures match the search (`is:duplicate`); then it runs here.
        with suppress(ActionRefused):
            return pipeline.start_bulk_change(selection, action, **arguments)
    return bulk.apply(selection, action, **arguments)


def _is_large(query: Query, selection: Selection) -> bool:
    """True for more than MAX_IMMEDIATE results, or if they cannot be counted in time."""
    try:
        with time_limit():
            return results.count(query, viewer=selection.viewer, cap=MAX_IMMEDIATE) > MAX_IMMEDIATE
    except SearchTooSlow:
        return True


ACTIONS: dict[str, Callable[[Request, Selection], BulkChange]] = {
    "add-tag": _add_tag,
    "remove-tag": _remove_tag,
    "confirm": _confirm,
    "reject": _reject,
    "set-visibility": _set_visibility,
    "trash": _trash,
    "restore": _restore,
    "favorite": _favorite,
    "rate": _rate,
    "edit-details": _edit_details,
}


def _label(request: Request, *, name: str = "") -> Label:
    """The form's label, by id or by a typed name. Raises ActionRefused."""
    number, name = request.POST.get("label", ""), (name or request.POST.get("name", "")).strip()
    labels = Label.objects.filter(kind__in=REVIEWABLE_KINDS).order_by("-image_count")
    if number.isdecimal() and len(number) <= 9:
        label = labels.filter(pk=int(number)).first()
    elif name:
        label = labels.filter(name__iexact=name.replace("\x00", " ")).first()
    else:
        raise ActionRefused(_("Choose a label."))
    if label is None or not label_visibility(permissions.viewer_of(request.user)).visible([label.pk], maximum=1):
        raise ActionRefused(str(NOTHING_CHANGED))  # the same for both, to hide labels of other people's pictures
    return label


def _respond(request: Request, toast: Toast) -> HttpResponse:
    """The toast for scripts, else a redirect to the page that then shows it."""
    if is_fragment(request):
        return render(request, "includes/toasts.html", {"toasts": [toast]})
    toasts.add_toast(request, toast)
    return redirect(next_url(request))
