"""Page of the user's bulk changes, which can be undone until they expire."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models.functions import Now
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from analysis import formatting
from analysis.curation.bulk import UNDO_WINDOW, numbers_deleted
from analysis.models import BulkChange
from analysis.web import toasts
from analysis.web.bulk.messages import message_of
from analysis.web.http import Request, current_user_id, is_fragment

MAX_CHANGES = 200


@dataclass(frozen=True)
class ChangeRow:
    """A bulk change for the template.

    `undo_url` is empty where there is nothing to undo.
    """

    id: str
    message: str
    note: str
    ago: str
    exact: str
    undo_url: str
    is_running: bool
    is_undone: bool


@require_safe
def changes(request: Request) -> HttpResponse:
    """The user's changes that can still be undone, newest first."""
    own = BulkChange.objects.filter(person_id=current_user_id(request), done_at__gt=Now() - UNDO_WINDOW)
    latest = list(own.select_related("label").order_by("-pk")[:MAX_CHANGES])
    deleted = numbers_deleted(latest)
    rows = [_row(change, deleted=deleted.get(change.pk, 0)) for change in latest]
    context = {"rows": rows, "is_active": any(row.is_running for row in rows)}
    if is_fragment(request):
        return render(request, "changes.html#rows", context)
    return render(request, "changes.html", context | {"toasts": toasts.take_toasts(request)})


def _row(change: BulkChange, *, deleted: int) -> ChangeRow:
    can_undo = change.undone_at is None and (change.number > deleted or change.is_open)
    return ChangeRow(
        id=str(change.pk),
        message=message_of(change),
        note=_undone(change) if change.undone_at else _deleted(change, deleted),
        ago=formatting.ago(change.done_at, now=now()),
        exact=formatting.exact(change.done_at),
        undo_url=reverse("undo", args=[change.pk]) if can_undo else "",
        is_running=change.is_open,
        is_undone=change.undone_at is not None and not change.is_open,
    )


def _deleted(change: BulkChange, number: int) -> str:
    """A note on pictures that an undo can't restore; empty if there are none."""
    if not number:
        return ""
    if number >= change.number:
        return _("Can't be undone: deleted forever")
    text = ngettext(
        "%(number)s picture was deleted forever and can't be restored",
        "%(number)s pictures were deleted forever and can't be restored",
        number,
    )
    return formatting.plural(text, number)


def _undone(change: BulkChange) -> str:
    if change.is_open:
        return _("Being undone")
    text = ngettext("Undone for %(number)s picture", "Undone for %(number)s pictures", change.restored)
    return formatting.plural(text, change.restored)
