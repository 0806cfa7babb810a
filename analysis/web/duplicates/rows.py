"""Groups of near-identical pictures, prepared for the template."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analysis import formatting
from analysis.curation.distinct_pairs import distinct_among
from analysis.models import Image, ImageLabel, Label, Rating
from analysis.search.sensitive import sensitive_ids
from analysis.web import links


@dataclass(frozen=True)
class Candidate:
    """One picture of a group."""

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
class DuplicateGroup:
    """Near-identical pictures, best first.

    `note` says if some of them were already marked as different.
    """

    ids: str
    title: str
    candidates: list[Candidate]
    compare_url: str
    note: str

    @property
    def button(self) -> str:
        return ngettext("Keep selected, trash the other", "Keep selected, trash the others", len(self.candidates) - 1)


def groups_of(groups: list[list[Image]], *, person_id: int, is_blurring: bool) -> list[DuplicateGroup]:
    ids = [image.pk for images in groups for image in images]
    tags = _tags(ids)
    blurred = sensitive_ids(ids) if is_blurring else frozenset()
    ratings = {rating.image_id: rating for rating in Rating.objects.filter(person_id=person_id, image_id__in=ids)}
    marked = {pk for pair in distinct_among(ids) for pk in pair}
    return [
        DuplicateGroup(
            ids=",".join(str(image.pk) for image in images),
            title=formatting.pictures(len(images)),
            candidates=[
                _candidate(image, tags.get(image.pk, ()), ratings.get(image.pk), is_blurred=image.pk in blurred)
                for image in images
            ],
            compare_url=compare_url([image.pk for image in images]),
            note=_note(sum(image.pk in marked for image in images)),
        )
        for images in groups
    ]


def compare_url(ids: list[int], **parameters: str | int) -> str:
    return links.with_parameters(reverse("duplicates-compare"), ids=",".join(map(str, ids)), **parameters)


def _note(marked: int) -> str:
    """Explain why a group is listed although some of it was marked as different."""
    if marked < 2:
        return ""
    note = ngettext(
        "You marked %(number)s of these as not a duplicate before, but another picture looks like it.",
        "You marked %(number)s of these as not duplicates before, but another picture looks like them.",
        marked,
    )
    return formatting.plural(note, marked)


def _candidate(image: Image, tags: tuple[str, ...], rating: Rating | None, *, is_blurred: bool) -> Candidate:
    return Candidate(
        id=str(image.pk),
        url=links.image_url(image.pk),
        thumb=links.rendition_url(image, "thumb"),
        name=str(image),
        dimensions=dimensions(image),
        size=formatting.filesize(image.size),
        format=image.get_format_display(),
        date=date_of(image),
        tags=tags,
        is_favorite=rating is not None and rating.is_favorite,
        stars="★" * (rating.rating or 0) if rating else "",
        is_blurred=is_blurred,
    )


def dimensions(image: Image) -> str:
    return f"{formatting.count(image.width)} × {formatting.count(image.height)}"


def date_of(image: Image) -> str:
    if image.taken_at:
        return _("Taken %(day)s") % {"day": formatting.taken_day(image.taken_at)}
    return _("Added %(day)s") % {"day": formatting.day(image.added_at)}


def _tags(image_ids: list[int]) -> dict[int, tuple[str, ...]]:
    """Tags by image, since the picture that is kept gets the tags of the others."""
    rows = (
        ImageLabel.objects.filter(image_id__in=image_ids, label__kind=Label.Kind.TAG, label__is_hidden=False)
        .order_by("label__name")
        .values_list("image_id", "label__name")
    )
    tags: dict[int, tuple[str, ...]] = {}
    for image_id, name in rows:
        tags[image_id] = (*tags.get(image_id, ()), name)
    return tags
