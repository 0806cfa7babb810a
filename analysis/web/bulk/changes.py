"""Page of a person's bulk changes, which can be undone as long as they are kept."""

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
from analysis.curation.bulk import UNDO_WINDOW
from analysis.models import BulkChange
from analysis.web import toasts
from analysis.web.bulk.messages import message_of
from analysis.web.http import Request, current_user_id, is_fragment

MAX_CHANGES = 200


@dataclass(frozen=True)
class ChangeRow:
    """A change as the page shows it.

    `undo_url` is empty where there is nothing to undo.
    """

    id: str
    message: str
    note: str
    ago: str
    exact: str
    undo_url: str
    is_running: bool


@require_safe
def changes(request: Request) -> HttpResponse:
    """Own changes that can still be undone, the latest first."""
    own = BulkChange.objects.filter(person_id=current_user_id(request), done_at__gt=Now() - UNDO_WINDOW)
    rows = [_row(change) for change in own.select_related("label").order_by("-pk")[:MAX_CHANGES]]
    context = {"rows": rows, "is_active": any(row.is_running for row in rows)}
    if is_fragment(request):
        return render(request, "changes.html#rows", context)
    return render(request, "changes.html", context | {"toasts": toasts.take_toasts(request)})


def _row(change: BulkChange) -> ChangeRow:
    can_undo = change.undone_at is None and (change.number > 0 or change.is_open)
    return ChangeRow(
        id=str(change.pk),
        message=message_of(change),
        note=_undone(change) if change.undone_at else "",
        ago=formatting.ago(change.done_at, now=now()),
        exact=formatting.exact(change.done_at),
        undo_url=reverse("undo", args=[change.pk]) if can_undo else "",
        is_running=change.is_open,
    )


def _undone(change: BulkChange) -> str:
    if change.is_open:
        return _("Being undone")
    text = ngettext("Undone on %(number)s picture", "Undone on %(number)s pictures", change.restored)
    return formatting.plural(text, change.restored)
