"""A person's own pictures that look nearly the same, found in bounded steps. `keeping` reduces them to one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import Q

from analysis.curation import merge_duplicates
from analysis.curation.hash_index import HashIndex
from analysis.ingest.hashes import look_alike, same_shape
from analysis.models import Image
from analysis.search.pagination import Cursor

STEP = 100
MOST_LOOKED_AT = 300
MOST_GROUPS = 10
MAX_GROUP_SIZE = merge_duplicates.MAX_DUPLICATES
MOST_NEAR = 200
"""So many pictures with a near hash are compared more closely with each."""
MOST_LINKS = 4
"""So many times what is like what was found is looked up."""


@dataclass(frozen=True)
class DuplicateGroups:
    """Groups of like pictures, the best of each first, and where to look further; None when that was all."""

    groups: list[list[Image]]
    next: Cursor | None


def find_duplicate_groups(person_id: int, *, after: Cursor | None = None) -> DuplicateGroups:
    """Looks through a bounded number of the person's pictures, newest first; each group comes at its newest picture."""
    looks = HashIndex.of_person(person_id)
    groups: list[list[Image]] = []
    looked_at = 0
    while looked_at < MOST_LOOKED_AT and len(groups) < MOST_GROUPS:
        images = _newest(person_id, after)
        looked_at += len(images)
        groups += _led_by(images, looks)
        if len(images) < STEP:
            return DuplicateGroups(groups, None)
        after = Cursor(images[-1].added_at, images[-1].pk)
    return DuplicateGroups(groups, after)


def best_first(images: Collection[Image]) -> list[Image]:
    """Most pixels, then the largest file, then the one that was here first."""
    return sorted(images, key=lambda each: (-each.width * each.height, -each.size, each.added_at, each.pk))


def _newest(person_id: int, after: Cursor | None) -> list[Image]:
    own = Image.objects.filter(owner_id=person_id, trashed_at=None).order_by("-added_at", "-pk")
    if after is not None:
        own = own.filter(Q(added_at__lte=after.key) & (Q(added_at__lt=after.key) | Q(pk__lt=after.image_id)))
    return list(own[:STEP])


def _led_by(images: Sequence[Image], looks: HashIndex) -> list[list[Image]]:
    """The groups of which one of these is the newest."""
    like = _alike(images, looks)
    leading = [each for each in images if like[each.pk] and not _has_newer(like[each.pk], each)]
    border = {other.pk: other for each in leading for other in like[each.pk] if other.pk not in like}
    for _ in range(MOST_LINKS):
        if not border:
            break
        reached = _alike(list(border.values()), looks)
        like |= reached
        border = {other.pk: other for found in reached.values() for other in found if other.pk not in like}
    groups = [(each, _reached(each, like)) for each in leading]
    return [best_first(group) for newest, group in groups if not _has_newer(group, newest)]


def _reached(image: Image, like: dict[int, list[Image]]) -> list[Image]:
    """With what is like it, what is like that, and so on, as far as one can still look at side by side."""
    group = {image.pk: image}
    waiting = [image.pk]
    while waiting and len(group) < MAX_GROUP_SIZE:
        for other in like.get(waiting.pop(0), [])[: MAX_GROUP_SIZE - len(group)]:
            if other.pk not in group:
                group[other.pk] = other
                waiting.append(other.pk)
    return list(group.values())


def _has_newer(others: Collection[Image], image: Image) -> bool:
    return any((each.added_at, each.pk) > (image.added_at, image.pk) for each in others)


def _alike(images: Sequence[Image], looks: HashIndex) -> dict[int, list[Image]]:
    """For each picture the person's others that look like it."""
    near = {image.pk: looks.like(image, maximum=MOST_NEAR) for image in images}
    alike = _confirmed(images, near)
    others = Image.objects.in_bulk({other for found in alike.values() for other in found})
    return {image_id: [others[each] for each in found if each in others] for image_id, found in alike.items()}


def _confirmed(images: Sequence[Image], near: dict[int, list[int]]) -> dict[int, list[int]]:
    """Of pictures with a near hash those that have the same finer shapes, color and ratio, too: hashes of pages of
    text are near one another, and so are those of other pictures with little in them.
    """
    ids = {other for found in near.values() for other in found}
    rows = Image.objects.filter(pk__in=ids).values_list("pk", "signature", "width", "height")
    known = {pk: (bytes(taken), (width, height)) for pk, taken, width, height in rows}
    confirmed = {}
    for image in images:
        own, extent = bytes(image.signature), (image.width, image.height)
        alike = [
            pk
            for pk in near[image.pk]
            if pk in known and look_alike(own, known[pk][0]) and same_shape(extent, known[pk][1])
        ]
        confirmed[image.pk] = alike[:MAX_GROUP_SIZE]
    return confirmed
