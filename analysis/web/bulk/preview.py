"""Preview of bulk actions: the number of selected pictures each may change."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from analysis import formatting
from analysis.curation.bulk import Selection
from analysis.curation.bulk_preview import Permitted, permitted
from analysis.curation.errors import ActionRefused
from analysis.models import BulkChange
from analysis.web.bulk.selection import selection_of
from analysis.web.http import Request, next_url

Action = BulkChange.Action
EDIT, REVIEW = "edit", "review"
RIGHTS = {EDIT: Action.TRASH, REVIEW: Action.CONFIRM}
"""For each right, an action that needs it."""
RIGHT_OF = {
    "add-tag": REVIEW,
    "remove-tag": REVIEW,
    "confirm": REVIEW,
    "reject": REVIEW,
    "set-visibility": EDIT,
    "trash": EDIT,
    "edit-details": EDIT,
}
"""Right by the action's name in the URL; the other actions change nothing for other people."""
REPEATED = ("csrfmiddlewaretoken", "confirmed", "id", "ids")


@dataclass(frozen=True)
class Preview:
    """The part that may be changed; `text` is empty if that is the whole selection."""

    text: str
    short: str
    number: int | None


@require_POST
def preview(request: Request) -> JsonResponse:
    """JSON for scripts: the preview for each right."""
    try:
        selection = selection_of(request)
        previews = {right: preview_of(right, permitted(selection, action)) for right, action in RIGHTS.items()}
    except ActionRefused as refusal:
        return JsonResponse({"message": str(refusal)})
    return JsonResponse({right: vars(preview) for right, preview in previews.items()})


def preview_of(right: str, pictures: Permitted) -> Preview:
    if pictures.is_all:
        return Preview("", "", pictures.number)
    if pictures.number is None:
        text = {
            EDIT: _("Not all of these are yours: only yours will change."),
            REVIEW: _("You can review the labels of some of these: only those will change."),
        }[right]
        return Preview(text, _("Not all are yours"), None)
    values = {"number": formatting.count(pictures.number), "total": formatting.count(pictures.total)}
    if not pictures.number:
        text = {
            EDIT: _("None of these is yours: only owners can change this."),
            REVIEW: _("You can't review the labels of any of these."),
        }[right]
        return Preview(text, _("None is yours"), 0)
    return Preview(
        _sentence(right, pictures.number) % values, _("%(number)s of %(total)s are yours") % values, pictures.number
    )


def confirmation(request: Request, action: str, selection: Selection) -> HttpResponse | None:
    """Confirmation page without JavaScript, if only some pictures would change.

    None if no confirmation is needed: all or none may be changed, or the user has confirmed.
    """
    right = RIGHT_OF.get(action)
    if right is None or request.POST.get("confirmed"):
        return None
    pictures = permitted(selection, RIGHTS[right])
    # If none may be changed, the action itself says so.
    if pictures.is_all or pictures.number == 0:
        return None
    single = {name: value for name, value in request.POST.items() if name not in REPEATED}
    ids = "" if request.POST.get("all") else ",".join(map(str, selection.ids))
    context = {
        "text": preview_of(right, pictures).text,
        "fields": single | ({"ids": ids} if ids else {}),
        "action_url": request.get_full_path(),
        "cancel_url": next_url(request),
        "number": pictures.number,
        "pictures": formatting.pictures(pictures.number or 0),
    }
    return render(request, "bulk/confirm.html", context)


def _sentence(right: str, number: int) -> str:
    if right == REVIEW:
        return ngettext(
            "You can review the labels of %(number)s of %(total)s: only this one will change.",
            "You can review the labels of %(number)s of %(total)s: only these will change.",
            number,
        )
    return ngettext(
        "%(number)s of %(total)s is yours: only this one will change.",
        "%(number)s of %(total)s are yours: only these will change.",
        number,
    )
