"""Trash page: when pictures will be deleted, restore, and delete forever."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max, Q
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from analysis import formatting, pipeline
from analysis.curation import trash_deletion
from analysis.curation.errors import ActionRefused
from analysis.models import Image, ImageQuerySet, TrashDeletion
from analysis.web import links, sensitive, toasts
from analysis.web.audit_log import receipt_response
from analysis.web.bulk.selection import selection_of
from analysis.web.http import Request, current_user_id, int_param, is_fragment
from analysis.web.toasts import Toast

PAGE_SIZE = 120
MAX_DELETIONS = 10
State = TrashDeletion.State


@dataclass(frozen=True)
class TrashCard:
    id: str
    url: str
    thumb: str
    placeholder: str
    name: str
    remaining: str
    exact: str
    is_blurred: bool


@dataclass(frozen=True)
class DeletionRow:
    """A permanent deletion and its progress; `is_open` while it can be canceled."""

    id: str
    state_label: str
    sentence: str
    waiting: str
    ago: str
    exact: str
    is_open: bool
    deleted: int
    total: int
    has_receipt: bool


@require_safe
def trash(request: Request) -> HttpResponse:
    """The user's trash, newest first; polled as a fragment of the deletions only."""
    deletions = [_deletion_row(row, moment=now()) for row in _own_deletions(request)]
    is_active = any(row.is_open for row in deletions)
    if is_fragment(request):
        response = render(request, "trash/index.html#deletions", {"deletions": deletions, "is_active": is_active})
        if not is_active:
            response["HX-Refresh"] = "true"  # load the whole page again, for the pictures that are left
        return response
    own = trash_deletion.trash_of(current_user_id(request))
    size = trash_deletion.size_of(own)
    page = list(_after(own, request.GET.get("after", "")).order_by("-trashed_at", "-pk")[: PAGE_SIZE + 1])
    context = {
        "number": size.number,
        "pictures": formatting.pictures(size.number),
        "size": formatting.filesize(size.bytes),
        "days": settings.TRASH_DAYS,
        "cards": _cards(request, page[:PAGE_SIZE]),
        "is_first": "after" not in request.GET,
        "first_url": reverse("trash"),
        "more_url": _more_url(page[PAGE_SIZE - 1]) if len(page) > PAGE_SIZE else "",
        "deletions": deletions,
        "is_active": is_active,
        "toasts": toasts.take_toasts(request),
    }
    return render(request, "trash/index.html", context)


@require_POST
def delete_forever(request: Request) -> HttpResponse:
    """Start the deletion, once the user has typed the number of pictures to confirm.

    `all` selects the whole trash, otherwise `id` or `ids`.
    """
    owner_id = current_user_id(request)
    try:
        deletion = _requested(request, owner_id)
        images = trash_deletion.chosen_images(deletion)
        size = trash_deletion.size_of(images)
        if not size.number:
            raise ActionRefused(_("These pictures are no longer in the trash."))
    except ActionRefused as refusal:
        toasts.add_toast(request, Toast(str(refusal)))
        return redirect("trash")
    error = ""
    if "typed" in request.POST:
        try:
            pipeline.start_deletion(deletion, typed=_number(request.POST["typed"]))
        except ActionRefused as refusal:
            error = str(refusal)
        else:
            return redirect("trash")
    context = {
        "error": error,
        "number": size.number,
        "pictures": formatting.pictures(size.number),
        "size": formatting.filesize(size.bytes),
        "typed": formatting.count(size.number),
        "until": deletion.trashed_until.isoformat(),
        "ids": ",".join(str(pk) for pk in deletion.image_ids or ()),
        **_originals(images),
    }
    return render(request, "trash/delete.html", context, status=422 if error else 200)


@require_POST
def cancel_deletion(request: Request, deletion_id: int) -> HttpResponse:
    deletion = get_object_or_404(TrashDeletion, pk=deletion_id, person_id=current_user_id(request))
    is_canceled = trash_deletion.cancel(deletion, by_id=current_user_id(request))
    message = _("Canceled. Pictures that were not deleted yet are still in the trash.")
    toasts.add_toast(request, Toast(message if is_canceled else _("It has already finished.")))
    return redirect("trash")


@require_safe
def receipt(request: Request, deletion_id: int) -> HttpResponseBase:
    """The deleted pictures with their hashes, as a CSV file."""
    deletion = get_object_or_404(TrashDeletion, pk=deletion_id, person_id=current_user_id(request))
    return receipt_response(deletion.audit_entry_id or 0, name=f"imagelib-deleted-{deletion.pk}.csv")


def _requested(request: Request, owner_id: int) -> TrashDeletion:
    """The unsaved deletion that a form requests. Raises ActionRefused if it is empty."""
    is_all = bool(request.POST.get("all"))
    ids = None if is_all else list(selection_of(request).ids)
    own = trash_deletion.trash_of(owner_id)
    # Pictures moved to the trash while the form is open are not deleted.
    latest = own.aggregate(latest=Max("trashed_at"))["latest"] or now()
    until = _moment(request.POST.get("until", ""))
    return TrashDeletion(
        person_id=owner_id, owner_id=owner_id, trashed_until=min(until, latest) if until else latest, image_ids=ids
    )


def _originals(images: ImageQuerySet) -> dict[str, str]:
    """Numbers of originals in connected buckets that are kept, and that are deleted."""
    protected = images.filter(bucket__may_delete=False).count()
    deleted = images.filter(bucket__may_delete=True).count()
    return {
        "protected": formatting.pictures(protected) if protected else "",
        "deleted_in_buckets": formatting.pictures(deleted) if deleted else "",
    }


def _after(images: ImageQuerySet, cursor: str) -> ImageQuerySet:
    """The pictures after a cursor, which is the time a picture was trashed and its id."""
    time, _separator, pk = cursor.partition("_")
    moment = _moment(time)
    if moment is None:
        return images
    number = int_param(pk, maximum=10**18, minimum=0)
    return images.filter(Q(trashed_at__lt=moment) | Q(trashed_at=moment, pk__lt=number))


def _more_url(last: Image) -> str:
    time = last.trashed_at.isoformat() if last.trashed_at else ""
    return links.with_parameters(reverse("trash"), after=f"{time}_{last.pk}")


def _moment(text: str) -> datetime | None:
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    # A time without a zone can't be compared with the database's times.
    return moment if moment and moment.tzinfo else None


def _number(text: str) -> int:
    """Parse the typed number, with or without separators; -1 for anything else."""
    # The last two are no-break spaces, which some languages put between groups of digits.
    digits = "".join(character for character in text if character not in ", .\u202f\u00a0")
    return int(digits) if digits.isdecimal() and len(digits) <= 9 else -1


def _cards(request: Request, images: list[Image]) -> list[TrashCard]:
    blurred = frozenset() if sensitive.shows_sensitive(request) else sensitive.sensitive_among(images)
    moment = now()
    return [_card(image, moment=moment, is_blurred=image.pk in blurred) for image in images]


def _card(image: Image, *, moment: datetime, is_blurred: bool) -> TrashCard:
    expires = trash_deletion.expires_at(image.trashed_at or moment)
    return TrashCard(
        id=str(image.pk),
        url=links.image_url(image.pk),
        thumb=links.rendition_url(image, "thumb"),
        placeholder=links.data_uri(image.placeholder),
        name=str(image),
        remaining=_remaining(expires - moment) if expires else "",
        exact=formatting.exact(expires) if expires else "",
        is_blurred=is_blurred,
    )


def _remaining(span: timedelta) -> str:
    days = math.ceil(span / timedelta(days=1))
    if days < 1:
        return _("Deleted soon")
    return formatting.plural(ngettext("%(number)s day left", "%(number)s days left", days), days)


def _own_deletions(request: Request) -> list[TrashDeletion]:
    own = TrashDeletion.objects.filter(owner_id=current_user_id(request), person_id=current_user_id(request))
    recent = Q(state=State.OPEN) | Q(finished_at__gt=now() - trash_deletion.RECENT)
    return list(own.filter(recent).order_by("-pk")[:MAX_DELETIONS])


def _deletion_row(deletion: TrashDeletion, *, moment: datetime) -> DeletionRow:
    is_open = deletion.state == State.OPEN
    at = deletion.finished_at or deletion.requested_at
    values = {"deleted": formatting.count(deletion.deleted), "pictures": formatting.pictures(deletion.total)}
    sentence = _("%(deleted)s of %(pictures)s deleted") % values
    if deletion.freed:
        sentence += " · " + _("%(size)s freed") % {"size": formatting.filesize(deletion.freed)}
    waits = ngettext(
        "%(number)s is still being analyzed and will be deleted afterwards.",
        "%(number)s are still being analyzed and will be deleted afterwards.",
        deletion.waiting,
    )
    return DeletionRow(
        id=str(deletion.pk),
        state_label=_("Deleting…") if is_open else str(State(deletion.state).label),
        sentence=sentence,
        waiting=formatting.plural(waits, deletion.waiting) if is_open and deletion.waiting else "",
        ago=formatting.ago(at, now=moment),
        exact=formatting.exact(at),
        is_open=is_open,
        deleted=deletion.deleted,
        total=deletion.total,
        has_receipt=deletion.deleted > 0,
    )
