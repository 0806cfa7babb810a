"""Exact copies: preview of a merge of all of them, its start and its progress."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from analysis import formatting, pipeline
from analysis.curation import exact_copies
from analysis.curation.errors import ActionRefused
from analysis.curation.exact_copies import CopyGroup
from analysis.models import BulkChange, Image
from analysis.search.sensitive import sensitive_ids
from analysis.web import links, sensitive, toasts
from analysis.web.bulk.messages import message_of
from analysis.web.duplicates.views import change_toast
from analysis.web.http import Request, current_user, is_fragment
from analysis.web.toasts import Toast

PAGE_SIZE = 60
MAX_NAMED = 5
"""Copies of one file that are listed by name."""


@dataclass(frozen=True)
class CopyRow:
    """Copies of a file: the one to keep, with the reason, and those to trash."""

    thumb: str
    is_blurred: bool
    name: str
    url: str
    location: str
    reason: str
    others: list[str]
    more: str


@require_safe
def exact(request: Request) -> HttpResponse:
    """All exact copies among the user's pictures, and the copy of each that is kept."""
    person = current_user(request)
    running = BulkChange.objects.filter(person_id=person.pk, action=BulkChange.Action.EXACT, is_open=True).first()
    if is_fragment(request):
        return _progress(request, running)
    groups, cursor = exact_copies.exact_copies(person, after=request.GET.get("after", "")[:64], size=PAGE_SIZE)
    totals = exact_copies.totals(person)
    context = {
        "rows": _rows(groups, is_blurring=not sensitive.shows_sensitive(request)),
        "groups": formatting.count(totals.groups),
        "number": totals.groups,
        "pictures": formatting.pictures(totals.trashed),
        "size": formatting.filesize(totals.size),
        "next_url": links.with_parameters(reverse("duplicates-exact"), after=cursor) if cursor else "",
        "is_first": not request.GET.get("after"),
        "progress": message_of(running) if running else "",
        "toasts": toasts.take_toasts(request),
    }
    return render(request, "duplicates/exact.html", context)


@require_POST
def resolve_exact(request: Request) -> HttpResponse:
    """Merge all exact copies; continues in the background if that takes long."""
    try:
        change = pipeline.merge_exact_copies(current_user(request))
    except ActionRefused as refusal:
        toast = Toast(str(refusal))
    else:
        toast = change_toast(change, next_url=reverse("duplicates-exact"))
    toasts.add_toast(request, toast)
    return redirect("duplicates-exact")


def _progress(request: Request, running: BulkChange | None) -> HttpResponse:
    if running is None:
        response = HttpResponse()
        response["HX-Refresh"] = "true"  # load the whole page again, for the copies that are left
        return response
    return render(request, "duplicates/exact.html#progress", {"progress": message_of(running)})


def _rows(groups: list[CopyGroup], *, is_blurring: bool) -> list[CopyRow]:
    blurred = sensitive_ids([group.best.pk for group in groups]) if is_blurring else frozenset()
    return [_row(group, is_blurred=group.best.pk in blurred) for group in groups]


def _row(group: CopyGroup, *, is_blurred: bool) -> CopyRow:
    more = len(group.others) - MAX_NAMED
    return CopyRow(
        thumb=links.rendition_url(group.best, "thumb"),
        is_blurred=is_blurred,
        name=str(group.best),
        url=links.image_url(group.best.pk),
        location=_location(group.best),
        reason=_reason(group),
        others=[_location(image) or str(image) for image in group.others[:MAX_NAMED]],
        more=formatting.plural(_("and %(number)s more"), more) if more > 0 else "",
    )


def _location(image: Image) -> str:
    """The location of the file, since copies often have the same name."""
    return f"{image.bucket.name}/{image.key}" if image.bucket else image.filename


def _reason(group: CopyGroup) -> str:
    edits = group.edits[group.best.pk]
    if group.has_most_edits:
        reason = ngettext("Has the most edits: %(number)s", "Has the most edits: %(number)s", edits)
        return formatting.plural(reason, edits)
    return _("Added first: %(moment)s") % {"moment": formatting.exact(group.best.added_at)}
