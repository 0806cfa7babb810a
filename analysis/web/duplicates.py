"""Duplicates page: near-identical pictures side by side, with one to keep."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from analysis import formatting
from analysis.curation import duplicates as duplicate_groups
from analysis.curation import merge_duplicates
from analysis.curation.errors import ActionRefused
from analysis.models import Image, ImageLabel, Label, Rating
from analysis.search.pagination import Cursor
from analysis.search.sensitive import sensitive_ids
from analysis.web import links, sensitive, toasts
from analysis.web.http import Request, current_user_id, id_list_param, int_param
from analysis.web.toasts import Toast


@dataclass(frozen=True)
class Candidate:
    """One picture of a group, ready to be shown."""

    id: str
    url: str
    thumb: str
    name: str
    dimensions: str
    size: str
    format: str
    date: str
    tags: tuple[str, ...]
    is_favorite: bool
    stars: str
    is_blurred: bool


@dataclass(frozen=True)
class Group:
    """Near-identical pictures, the best first."""

    ids: str
    title: str
    candidates: list[Candidate]
    button: str


@require_safe
def duplicates(request: Request) -> HttpResponse:
    """Next groups of duplicates, from a bounded number of pictures."""
    person_id = current_user_id(request)
    after = request.GET.get("after", "")
    result = duplicate_groups.find_duplicate_groups(person_id, after=Cursor.from_text(after))
    url = links.with_parameters(reverse("duplicates"), after=str(result.next)) if result.next else ""
    groups = _groups(result.groups, person_id=person_id, is_blurring=not sensitive.shows_sensitive(request))
    context = {"groups": groups, "next_url": url, "after": after, "toasts": toasts.take_toasts(request)}
    return render(request, "duplicates.html", context)


@require_POST
def resolve_duplicates(request: Request) -> HttpResponse:
    """Keep one picture of a group and trash the others; undone like any bulk change."""
    # Raises for anonymous requests before anything is read from the form.
    current_user_id(request)
    image_id = int_param(request.POST.get("keep", ""), maximum=10**18, minimum=0)
    ids = id_list_param(request.POST.get("ids", "").split(","), maximum=duplicate_groups.MAX_GROUP_SIZE)
    try:
        if image_id not in ids:
            raise ActionRefused(_("Choose the picture to keep."))
        # One bulk change, so that Undo brings back tags, ratings and pictures together.
        change = merge_duplicates.merge_duplicates(image_id, instead_of=ids, by=request.user)  # type: ignore[arg-type]
    except ActionRefused as refusal:
        return _redirect_back(request, Toast(str(refusal)))
    message = _("Kept 1, moved %(pictures)s to the trash.") % {"pictures": formatting.pictures(change.number)}
    return _redirect_back(request, Toast(message, reverse("undo", args=[change.pk]), {"next": _page_url(request)}))


def _redirect_back(request: Request, toast: Toast) -> HttpResponse:
    toasts.add_toast(request, toast)
    return redirect(_page_url(request))


def _page_url(request: Request) -> str:
    """The page at the position the form was sent from."""
    after = Cursor.from_text(request.POST.get("after", ""))
    return links.with_parameters(reverse("duplicates"), after=str(after or ""))


def _groups(groups: list[list[Image]], *, person_id: int, is_blurring: bool) -> list[Group]:
    ids = [image.pk for images in groups for image in images]
    tags = _tags(ids)
    blurred = sensitive_ids(ids) if is_blurring else frozenset()
    ratings = {rating.image_id: rating for rating in Rating.objects.filter(person_id=person_id, image_id__in=ids)}
    return [
        Group(
            ids=",".join(str(image.pk) for image in images),
            title=formatting.pictures(len(images)),
            candidates=[
                _candidate(image, tags.get(image.pk, ()), ratings.get(image.pk), is_blurred=image.pk in blurred)
                for image in images
            ],
            button=ngettext("Keep selected, trash the other", "Keep selected, trash the others", len(images) - 1),
        )
        for images in groups
    ]


def _candidate(image: Image, tags: tuple[str, ...], rating: Rating | None, *, is_blurred: bool) -> Candidate:
    if image.taken_at:
        date = _("Taken %(day)s") % {"day": formatting.taken_day(image.taken_at)}
    else:
        date = _("Added %(day)s") % {"day": formatting.day(image.added_at)}
    return Candidate(
        id=str(image.pk),
        url=links.image_url(image.pk),
        thumb=links.rendition_url(image, "thumb"),
        name=str(image),
        dimensions=f"{formatting.count(image.width)} × {formatting.count(image.height)}",
        size=formatting.filesize(image.size),
        format=image.get_format_display(),
        date=date,
        tags=tags,
        is_favorite=rating is not None and rating.is_favorite,
        stars="★" * (rating.rating or 0) if rating else "",
        is_blurred=is_blurred,
    )


def _tags(image_ids: list[int]) -> dict[int, tuple[str, ...]]:
    """Tags by image: the picture that is kept takes over those of the others."""
    rows = (
        ImageLabel.objects.filter(image_id__in=image_ids, label__kind=Label.Kind.TAG, label__is_hidden=False)
        .order_by("label__name")
        .values_list("image_id", "label__name")
    )
    tags: dict[int, tuple[str, ...]] = {}
    for image_id, name in rows:
        tags[image_id] = (*tags.get(image_id, ()), name)
    return tags
