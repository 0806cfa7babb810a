"""The duplicates page: one's own pictures that look nearly the same, side by side, and the one to keep."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from analysis import formatting
from analysis.curation import duplicates as alike
from analysis.curation import merge_duplicates
from analysis.curation.errors import ActionRefused
from analysis.models import Image, ImageLabel, Label, Rating
from analysis.search.pagination import Cursor
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
    extent: str
    size: str
    format: str
    date: str
    date_words: str
    words: tuple[str, ...]
    is_favorite: bool
    stars: str
    is_blurred: bool


@dataclass(frozen=True)
class Group:
    """The best comes first."""

    ids: str
    title: str
    candidates: list[Candidate]


@require_safe
def duplicates(request: Request) -> HttpResponse:
    """The next few groups; it looks through a bounded number of pictures and says so where there are more."""
    person = current_user_id(request)
    after = request.GET.get("after", "")
    found = alike.find_duplicate_groups(person, after=Cursor.from_text(after))
    url = links.with_parameters(reverse("duplicates"), after=str(found.next)) if found.next else ""
    groups = _groups(found.groups, person=person, veils=not sensitive.shows_sensitive(request))
    context = {"groups": groups, "next_url": url, "after": after, "toasts": toasts.take_toasts(request)}
    return render(request, "duplicates.html", context)


@require_POST
def resolve_duplicates(request: Request) -> HttpResponse:
    """Keep the chosen picture of a group, trash the others; undone like any bulk command."""
    current_user_id(request)
    chosen = int_param(request.POST.get("keep", ""), maximum=10**18, minimum=0)
    ids = id_list_param(request.POST.get("ids", "").split(","), maximum=alike.MAX_GROUP_SIZE)
    try:
        if chosen not in ids:
            raise ActionRefused("Choose the picture to keep.")
        change = merge_duplicates.merge_duplicates(chosen, instead_of=ids, by=request.user)  # type: ignore[arg-type]
    except ActionRefused as refusal:
        return _back(request, Toast(str(refusal)))
    said = f"Kept one, moved {formatting.pictures(change.number)} to the trash."
    return _back(request, Toast(said, reverse("undo", args=[change.pk]), {"next": _address(request)}))


def _back(request: Request, toast: Toast) -> HttpResponse:
    toasts.add_toast(request, toast)
    return redirect(_address(request))


def _address(request: Request) -> str:
    """The page, where in the pictures one is."""
    after = Cursor.from_text(request.POST.get("after", ""))
    return links.with_parameters(reverse("duplicates"), after=str(after or ""))


def _groups(groups: list[list[Image]], *, person: int, veils: bool) -> list[Group]:
    ids = [image.pk for images in groups for image in images]
    words = _words(ids)
    veiled = sensitive.sensitive_ids(ids) if veils else frozenset()
    marks = {mark.image_id: mark for mark in Rating.objects.filter(person_id=person, image_id__in=ids)}
    return [
        Group(
            ids=",".join(str(image.pk) for image in images),
            title=f"{len(images)} pictures",
            candidates=[
                _candidate(each, words.get(each.pk, ()), marks.get(each.pk), is_blurred=each.pk in veiled)
                for each in images
            ],
        )
        for images in groups
    ]


def _candidate(image: Image, words: tuple[str, ...], mark: Rating | None, *, is_blurred: bool) -> Candidate:
    stars = mark.rating or 0 if mark else 0
    return Candidate(
        id=str(image.pk),
        url=links.image_url(image.pk),
        thumb=links.rendition_url(image, "thumb"),
        name=str(image),
        extent=f"{image.width:,} × {image.height:,}",
        size=formatting.filesize(image.size),
        format=image.get_format_display(),
        date=formatting.taken_day(image.taken_at) if image.taken_at else formatting.day(image.added_at),
        date_words="taken" if image.taken_at else "added",
        words=words,
        is_favorite=mark is not None and mark.is_favorite,
        stars="★" * stars,
        is_blurred=is_blurred,
    )


def _words(image_ids: list[int]) -> dict[int, tuple[str, ...]]:
    """What people said is in them: the one that is kept takes it over."""
    said = (
        ImageLabel.objects.filter(image_id__in=image_ids, label__kind=Label.Kind.TAG, label__is_hidden=False)
        .order_by("label__name")
        .values_list("image_id", "label__name")
    )
    words: dict[int, tuple[str, ...]] = {}
    for image_id, name in said:
        words[image_id] = (*words.get(image_id, ()), name)
    return words
