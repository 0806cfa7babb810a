"""A person's own pictures that look nearly the same: found in bounded steps, and reduced to the best of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction
from django.db.models import Q

from analysis.curation import bulk
from analysis.curation.actions import POSITIVE
from analysis.curation.bulk import Selection
from analysis.curation.refused import Refused
from analysis.models import Image, ImageLabel, Label, Mark, Verdict
from analysis.search.places import Place

NEAR = 7
"""Bits of the perceptual hash in which like pictures differ at most; of one picture and the next, not of all."""
STEP = 100
MOST_LOOKED_AT = 300
MOST_GROUPS = 10
MOST_ALIKE = 24
MOST_LINKS = 4
"""So many times what is like what was found is looked up."""


@dataclass(frozen=True)
class Found:
    """Groups of like pictures, the best of each first, and where to look further; None when that was all."""

    groups: list[list[Image]]
    next: Place | None


@dataclass(frozen=True)
class Kept:
    """What keeping one picture did, to be told and to be undone: changes in the order they were made."""

    image_id: int
    trashed: int
    change_ids: tuple[int, ...]
    mark_before: tuple[bool, int | None] | None
    """Favorite and rating, where the others' took their place."""


def like_groups(person_id: int, *, after: Place | None = None) -> Found:
    """Looks through a bounded number of the person's pictures, newest first; each group comes at its newest picture."""
    groups: list[list[Image]] = []
    looked_at = 0
    while looked_at < MOST_LOOKED_AT and len(groups) < MOST_GROUPS:
        images = _newest(person_id, after)
        looked_at += len(images)
        groups += _led_by(images, person_id=person_id)
        if len(images) < STEP:
            return Found(groups, None)
        after = Place(images[-1].added_at, images[-1].pk)
    return Found(groups, after)


def best_first(images: Collection[Image]) -> list[Image]:
    """Most pixels, then the largest file, then the one that was here first."""
    return sorted(images, key=lambda each: (-each.width * each.height, -each.size, each.added_at, each.pk))


def keep(image_id: int, *, instead_of: Collection[int], by: AbstractBaseUser) -> Kept:
    """Keep one of like pictures: it takes over what people said of the others, which go to the trash.

    Raises Refused when one of them is not the person's, or in the trash.
    """
    others = sorted(set(instead_of) - {image_id})
    if not others or len(others) > MOST_ALIKE:
        raise Refused("Choose the one to keep of two pictures or more.")
    with transaction.atomic():
        wanted = Image.objects.select_for_update().filter(pk__in=[image_id, *others], trashed_at=None)
        if len(wanted.changeable_by(by.pk).order_by("pk").values_list("pk", flat=True)) <= len(others):
            raise Refused("One of these pictures is not here any more; look at them again.")
        changes = _take_over_words(image_id, others, by=by)
        before = _take_over_marks(image_id, others, person_id=by.pk)
        trashed = bulk.trash(Selection(by, ids=tuple(others)))
    return Kept(image_id, trashed.number, (*changes, trashed.pk), before)


def undo(kept: Kept, *, by: AbstractBaseUser) -> int:
    """Bring the others back and take from the kept one what it took over. Answers how many came back.

    Raises Refused as bulk.undo does.
    """
    *changes, trashed = kept.change_ids
    with transaction.atomic():
        number = bulk.undo(trashed, by=by).number
        for change_id in reversed(changes):
            bulk.undo(change_id, by=by)
        if kept.mark_before is not None:
            _set_mark(kept.image_id, kept.mark_before, person_id=by.pk)
    return number


def _newest(person_id: int, after: Place | None) -> list[Image]:
    own = Image.objects.filter(owner_id=person_id, trashed_at=None).order_by("-added_at", "-pk")
    if after is not None:
        own = own.filter(Q(added_at__lte=after.key) & (Q(added_at__lt=after.key) | Q(pk__lt=after.image_id)))
    return list(own[:STEP])


def _led_by(images: Sequence[Image], *, person_id: int) -> list[list[Image]]:
    """The groups of which one of these is the newest."""
    like = _alike(images, person_id=person_id)
    leading = [each for each in images if like[each.pk] and not _has_newer(like[each.pk], each)]
    border = {other.pk: other for each in leading for other in like[each.pk] if other.pk not in like}
    for _ in range(MOST_LINKS):
        if not border:
            break
        reached = _alike(list(border.values()), person_id=person_id)
        like |= reached
        border = {other.pk: other for found in reached.values() for other in found if other.pk not in like}
    groups = [(each, _reached(each, like)) for each in leading]
    return [best_first(group) for newest, group in groups if not _has_newer(group, newest)]


def _reached(image: Image, like: dict[int, list[Image]]) -> list[Image]:
    """With what is like it, what is like that, and so on, as far as one can still look at side by side."""
    group = {image.pk: image}
    waiting = [image.pk]
    while waiting and len(group) < MOST_ALIKE:
        for other in like.get(waiting.pop(0), [])[: MOST_ALIKE - len(group)]:
            if other.pk not in group:
                group[other.pk] = other
                waiting.append(other.pk)
    return list(group.values())


def _has_newer(others: Collection[Image], image: Image) -> bool:
    return any((each.added_at, each.pk) > (image.added_at, image.pk) for each in others)


def _alike(images: Sequence[Image], *, person_id: int) -> dict[int, list[Image]]:
    """For each picture the person's others that look like it."""
    pairs = _pairs([each for each in images if each.phash is not None], person_id=person_id)
    others = Image.objects.in_bulk({other for _, other in pairs})
    alike: dict[int, list[Image]] = {image.pk: [] for image in images}
    for image_id, other in pairs:
        if other in others:
            alike[image_id].append(others[other])
    return alike


def _pairs(images: Sequence[Image], *, person_id: int) -> list[tuple[int, int]]:
    """Of hashes at most 7 bits apart one quarter of four differs in at most one bit: that is looked up."""
    if not images:
        return []
    near = ["{" + ",".join(map(str, _neighbors(each.likeness))) + "}" for each in images]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT own.id, other.id
                FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) own (id, phash, near)
                CROSS JOIN LATERAL (
                    SELECT id FROM analysis_image
                    WHERE likeness && own.near::int[] AND owner_id = %s AND trashed_at IS NULL AND id <> own.id
                      AND bit_count((phash # own.phash)::bit(64)) <= {NEAR} LIMIT {MOST_ALIKE}) other""",  # noqa: S608
            [[each.pk for each in images], [each.phash for each in images], near, person_id],
        )
        return [(image_id, other) for image_id, other in cursor.fetchall()]


def _neighbors(quarters: Sequence[int]) -> list[int]:
    """The numbered quarters and all that differ from one of them in one bit."""
    return [quarter ^ flip for quarter in quarters for flip in (0, *(1 << bit for bit in range(16)))]


def _take_over_words(image_id: int, others: Sequence[int], *, by: AbstractBaseUser) -> list[int]:
    """What people confirmed or added on the others, unless somebody spoke of it on the kept one."""
    spoken = set(Verdict.objects.filter(image_id=image_id).values_list("label_id", flat=True))
    said = Verdict.objects.filter(image_id__in=others, decision__in=POSITIVE).exclude(label__in=spoken)
    carried = set(ImageLabel.objects.filter(image_id=image_id).values_list("label_id", flat=True))
    kept = Selection(by, ids=(image_id,))
    changes = []
    for label in Label.objects.filter(pk__in=said.values("label")).order_by("pk"):
        if label.pk in carried:
            change = bulk.decide(kept, label, Verdict.Decision.CONFIRMED)
        else:
            change = bulk.add_label(kept, label)
        changes.append(change.pk)
    return changes


def _take_over_marks(image_id: int, others: Sequence[int], *, person_id: int) -> tuple[bool, int | None] | None:
    """Favorite if one was, the most stars that one had; answers what was before if that is something else."""
    marks = {mark.image_id: mark for mark in Mark.objects.filter(person_id=person_id, image_id__in=[image_id, *others])}
    own = marks.get(image_id)
    before = (own.is_favorite, own.rating) if own else (False, None)
    stars = max((mark.rating or 0 for mark in marks.values()), default=0)
    after = (any(mark.is_favorite for mark in marks.values()), stars or None)
    if after == before:
        return None
    _set_mark(image_id, after, person_id=person_id)
    return before


def _set_mark(image_id: int, mark: tuple[bool, int | None], *, person_id: int) -> None:
    is_favorite, rating = mark
    own = Mark.objects.filter(image_id=image_id, person_id=person_id)
    if not is_favorite and rating is None:
        own.delete()
        return
    values: dict[str, Any] = {"is_favorite": is_favorite, "rating": rating}
    Mark.objects.update_or_create(image_id=image_id, person_id=person_id, defaults=values)
