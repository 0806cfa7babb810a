"""Groups of near-duplicates of an owner, found page by page in bounded time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import Q

from analysis.curation.distinct_pairs import distinct_among
from analysis.curation.merge_duplicates import MAX_DUPLICATES
from analysis.curation.perceptual_hash_index import HashIndex
from analysis.ingest.hashes import look_alike, same_shape
from analysis.models import Image
from analysis.recognition.embeddings.compare import look_different
from analysis.search.pagination import Cursor

STEP = 100
MAX_SCANNED = 300
MAX_GROUPS = 10
MAX_GROUP_SIZE = MAX_DUPLICATES
MAX_CANDIDATES = 200
"""Pictures with a similar hash that are compared in detail, per picture."""
MAX_HOPS = 4
"""Rounds in which the near-duplicates of near-duplicates are looked up."""


@dataclass(frozen=True)
class DuplicateGroups:
    """Groups, each with its best picture first, and the cursor of the next page.

    The cursor is None on the last page.
    """

    groups: list[list[Image]]
    next: Cursor | None


def find_duplicate_groups(person_id: int, *, after: Cursor | None = None) -> DuplicateGroups:
    """Scan a bounded number of the owner's pictures, newest first.

    Each group is listed at its newest picture.
    """
    index = HashIndex.of_person(person_id)
    groups: list[list[Image]] = []
    scanned = 0
    # Pictures are limited as well as groups, since a library without duplicates would be read to its end for one page.
    while scanned < MAX_SCANNED and len(groups) < MAX_GROUPS:
        images = _newest(person_id, after)
        scanned += len(images)
        groups += _groups_led_by(images, index)
        if len(images) < STEP:
            return DuplicateGroups(groups, None)
        after = Cursor(images[-1].added_at, images[-1].pk)
    return DuplicateGroups(groups, after)


def best_first(images: Collection[Image]) -> list[Image]:
    """Most pixels first, then the largest file, then the oldest."""
    return sorted(images, key=lambda image: (-image.width * image.height, -image.size, image.added_at, image.pk))


def _newest(person_id: int, after: Cursor | None) -> list[Image]:
    own = Image.objects.filter(owner_id=person_id, trashed_at=None).order_by("-added_at", "-pk")
    if after is not None:
        # Django cannot express a comparison of rows. With the redundant first condition PostgreSQL uses the index
        # nevertheless.
        own = own.filter(Q(added_at__lte=after.key) & (Q(added_at__lt=after.key) | Q(pk__lt=after.image_id)))
    return list(own[:STEP])


def _groups_led_by(images: Sequence[Image], index: HashIndex) -> list[list[Image]]:
    """The groups whose newest picture is one of these."""
    similar = _similar_images(images, index)
    # Similarity is not transitive: A may be like B and B like C, but not A like C. Listing each group at its newest
    # picture shows it once, on whichever page it starts.
    leaders = [image for image in images if similar[image.pk] and not _has_newer(similar[image.pk], image)]
    frontier = {other.pk: other for image in leaders for other in similar[image.pk] if other.pk not in similar}
    for _ in range(MAX_HOPS):
        if not frontier:
            break
        reached = _similar_images(list(frontier.values()), index)
        similar |= reached
        frontier = {other.pk: other for others in reached.values() for other in others if other.pk not in similar}
    groups = [(leader, _connected(leader, similar)) for leader in leaders]
    return [best_first(group) for leader, group in groups if not _has_newer(group, leader)]


def _connected(image: Image, similar: dict[int, list[Image]]) -> list[Image]:
    """The picture and all reached from it by similarity, at most MAX_GROUP_SIZE."""
    group = {image.pk: image}
    queue = [image.pk]
    # Limited, since the page shows a group side by side.
    while queue and len(group) < MAX_GROUP_SIZE:
        for other in similar.get(queue.pop(0), [])[: MAX_GROUP_SIZE - len(group)]:
            if other.pk not in group:
                group[other.pk] = other
                queue.append(other.pk)
    return list(group.values())


def _has_newer(others: Collection[Image], image: Image) -> bool:
    return any((other.added_at, other.pk) > (image.added_at, image.pk) for other in others)


def _similar_images(images: Sequence[Image], index: HashIndex) -> dict[int, list[Image]]:
    """By image id, the owner's other pictures that look like it."""
    candidates = {image.pk: index.similar_to(image, limit=MAX_CANDIDATES) for image in images}
    similar_ids = _compare_details(images, candidates)
    others = Image.objects.in_bulk({pk for ids in similar_ids.values() for pk in ids})
    return {image_id: [others[pk] for pk in ids if pk in others] for image_id, ids in similar_ids.items()}


def _compare_details(images: Sequence[Image], candidates: dict[int, list[int]]) -> dict[int, list[int]]:
    """Keep the candidates with the same finer shapes, color, ratio and content."""
    # The perceptual hash alone is not enough: scanned pages and other pictures with little contrast have similar
    # hashes.
    ids = {pk for candidate_ids in candidates.values() for pk in candidate_ids}
    rows = Image.objects.filter(pk__in=ids).values_list("pk", "signature", "width", "height")
    details = {pk: (bytes(signature), (width, height)) for pk, signature, width, height in rows}

    def is_similar(image: Image, pk: int) -> bool:
        if pk not in details:  # deleted since the index was read
            return False
        signature, size = details[pk]
        return look_alike(bytes(image.signature), signature) and same_shape((image.width, image.height), size)

    similar = {image.pk: [pk for pk in candidates[image.pk] if is_similar(image, pk)] for image in images}
    different = look_different([(image_id, pk) for image_id, others in similar.items() for pk in others])
    marked = distinct_among({pk for image_id, others in similar.items() if others for pk in (image_id, *others)})

    def is_distinct(one: int, other: int) -> bool:
        return (one, other) in different or (min(one, other), max(one, other)) in marked

    return {
        image_id: [pk for pk in others if not is_distinct(image_id, pk)][:MAX_GROUP_SIZE]
        for image_id, others in similar.items()
    }
