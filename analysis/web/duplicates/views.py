"""Duplicates page: groups of near-identical pictures; the user keeps one of each."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from analysis import formatting
from analysis.curation import distinct_pairs, duplicate_groups, exact_copies, merge_duplicates
from analysis.curation.errors import ActionRefused
from analysis.models import BulkChange
from analysis.search.pagination import Cursor
from analysis.web import links, sensitive, toasts
from analysis.web.bulk.messages import message_of
from analysis.web.duplicates.rows import groups_of
from analysis.web.http import Request, current_user, current_user_id, id_list_param, int_param
from analysis.web.toasts import Toast

COUNT_CAP = 10_000


@require_safe
def duplicates(request: Request) -> HttpResponse:
    """The next groups of duplicates, from a bounded number of pictures."""
    person_id = current_user_id(request)
    after = request.GET.get("after", "")
    result = duplicate_groups.find_duplicate_groups(person_id, after=Cursor.from_text(after))
    url = links.with_parameters(reverse("duplicates"), after=str(result.next)) if result.next else ""
    groups = groups_of(result.groups, person_id=person_id, is_blurring=not sensitive.shows_sensitive(request))
    copies = exact_copies.count_groups(current_user(request), cap=COUNT_CAP + 1)
    context = {
        "groups": groups,
        "next_url": url,
        "after": after,
        "copies": formatting.capped_count(copies, cap=COUNT_CAP) if copies else "",
        "toasts": toasts.take_toasts(request),
    }
    return render(request, "duplicates/index.html", context)


@require_POST
def resolve_duplicates(request: Request) -> HttpResponse:
    """Keep one picture of a group and trash the others, with Undo."""
    person = current_user(request)  # raises for anonymous requests before anything is read from the form
    image_id = int_param(request.POST.get("keep", ""), maximum=10**18, minimum=0)
    ids = _ids(request)
    try:
        if image_id not in ids:
            raise ActionRefused(_("Choose the picture to keep."))
        # A single bulk change, so that Undo restores tags, ratings and pictures together.
        change = merge_duplicates.merge_duplicates(image_id, instead_of=ids, by=person)
    except ActionRefused as refusal:
        return _redirect_back(request, Toast(str(refusal)))
    return _redirect_back(request, change_toast(change, next_url=page_url(request)))


@require_POST
def not_duplicates(request: Request) -> HttpResponse:
    """Mark the pictures of a group as not duplicates, with Undo."""
    person = current_user(request)
    try:
        change = distinct_pairs.mark_distinct(list(_ids(request)), by=person)
    except ActionRefused as refusal:
        return _redirect_back(request, Toast(str(refusal)))
    return _redirect_back(request, change_toast(change, next_url=page_url(request)))


def change_toast(change: BulkChange, *, next_url: str) -> Toast:
    """The result of a change, with an Undo that returns to the page."""
    progress = reverse("bulk-change", args=[change.pk]) if change.is_open else ""
    return Toast(message_of(change), reverse("undo", args=[change.pk]), {"next": next_url}, progress_url=progress)


def page_url(request: Request) -> str:
    """The page that the form was sent from."""
    back = request.POST.get("back", "")
    if back.partition("?")[0] == reverse("duplicates-compare"):
        return back
    after = Cursor.from_text(request.POST.get("after", ""))
    return links.with_parameters(reverse("duplicates"), after=str(after or ""))


def _ids(request: Request) -> dict[int, str]:
    return id_list_param(request.POST.get("ids", "").split(","), maximum=duplicate_groups.MAX_GROUP_SIZE)


def _redirect_back(request: Request, toast: Toast) -> HttpResponse:
    toasts.add_toast(request, toast)
    return redirect(page_url(request))
