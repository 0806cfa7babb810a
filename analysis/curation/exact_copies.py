"""Exact copies (files with the same bytes): choosing the one to keep, and merging.

A merge runs in steps, like other bulk changes in the background. `BulkChange.cursor` is the last SHA-256 done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Count, F, Max, QuerySet, Sum
from django.utils.translation import gettext as _

from analysis import audit_log, permissions
from analysis.curation import trash
from analysis.curation.bulk_actions import editable
from analysis.curation.copied_values import Copied, copy_values
from analysis.curation.errors import ActionRefused
from analysis.models import (
    BulkChange,
    CollectionImage,
    DistinctPair,
    Image,
    ImageQuerySet,
    Rating,
    ShareLink,
    Verdict,
)

STEP_GROUPS = 100
"""Groups merged in one transaction."""
MAX_STEP_IMAGES = 1_000
"""Pictures of one step; further copies of a file are merged in the next step."""
Act = BulkChange.Action


@dataclass(frozen=True)
class CopyGroup:
    """Pictures with the same bytes: the one to keep, and those to move to the trash.

    `edits`: number of edits by people, by id.
    """

    best: Image
    others: tuple[Image, ...]
    edits: dict[int, int]

    @property
    def has_most_edits(self) -> bool:
        """True if the kept one was chosen by its edits, not by when it was added."""
        return self.edits[self.best.pk] > max(self.edits[image.pk] for image in self.others)


@dataclass(frozen=True)
class CopyTotals:
    """The number of groups, and of pictures that a merge moves to the trash."""

    groups: int
    trashed: int
    size: int


def exact_copies(user: AbstractBaseUser, *, after: str = "", size: int = STEP_GROUPS) -> tuple[list[CopyGroup], str]:
    """The next groups of a user, and the cursor after them ("" at the end)."""
    images, cursor = _next_images(permissions.editable_images(user), after, size=size)
    return _groups(images), cursor


def count_groups(user: AbstractBaseUser, *, cap: int) -> int:
    """The number of groups, at most `cap`."""
    return _hashes(permissions.editable_images(user))[:cap].count()


def totals(user: AbstractBaseUser) -> CopyTotals:
    hashes = _hashes(permissions.editable_images(user)).annotate(size=Max("size"))
    sums = hashes.annotate(more=F("number") - 1, freed=(F("number") - 1) * F("size")).aggregate(
        groups=Count("sha256"), trashed=Sum("more"), size=Sum("freed")
    )
    return CopyTotals(sums["groups"], sums["trashed"] or 0, sums["size"] or 0)


def start(user: AbstractBaseUser) -> BulkChange:
    """Record a merge of all exact copies.

    Raises ActionRefused if there are none, or while the person's last one runs.
    """
    with transaction.atomic():
        # Of two clicks, the second one waits here and then finds the change of the first.
        get_user_model()._default_manager.select_for_update().get(pk=user.pk)
        if BulkChange.objects.filter(person_id=user.pk, action=Act.EXACT, is_open=True).exists():
            raise ActionRefused(_("Your exact copies are already being resolved."))
        if not count_groups(user, cap=1):
            raise ActionRefused(_("There are no exact copies to resolve."))
        change = BulkChange.objects.create(person_id=user.pk, action=Act.EXACT, is_open=True)
        audit_log.entry_of_bulk_change(change)  # by the request, not by the worker: the entry names its source
        change.refresh_from_db()
    return change


def merge_next(change: BulkChange) -> bool:
    """Merge the next groups; True if there are more.

    The caller holds the change's lock.
    """
    candidates, cursor = _next_images(editable(change), change.cursor, size=STEP_GROUPS)
    # Read again under the lock, since one of them may have been edited, transferred or trashed in between.
    ids = [image.pk for image in candidates]
    images = editable(change).select_for_update(of=("self",)).filter(pk__in=ids, trashed_at=None).order_by("pk")
    groups = _groups(sorted(images, key=lambda image: (image.sha256, image.pk)))
    before: dict[int, Copied] = {}
    for group in groups:
        other_ids = [image.pk for image in group.others]
        # Most copies were never edited, so no values need to be looked up.
        is_edited = any(group.edits[pk] for pk in other_ids)
        before[group.best.pk] = copy_values(change, group.best.pk, other_ids) if is_edited else {"labels": []}
    trashed = trash.trash([image.pk for group in groups for image in group.others], at=change.done_at)
    change.record(before | {pk: {} for pk in trashed}, number=len(trashed))
    if before:
        audit_log.record_images(audit_log.entry_of_bulk_change(change).pk, [*before, *trashed])
    BulkChange.objects.filter(pk=change.pk).update(cursor=cursor)
    return bool(cursor)


def edit_counts(image_ids: Collection[int]) -> Counter[int]:
    """The number of labels, ratings, places in collections and links of each picture."""
    counts: Counter[int] = Counter()
    for rows in (
        Verdict.objects.filter(image_id__in=image_ids),
        Rating.objects.filter(image_id__in=image_ids),
        CollectionImage.objects.filter(image_id__in=image_ids, collection__deleted_at=None),
        ShareLink.objects.filter(image_id__in=image_ids, revoked_at=None),
    ):
        counts.update(rows.values_list("image_id", flat=True))
    return counts


def _hashes(images: ImageQuerySet) -> QuerySet[Image, Any]:
    """SHA-256 of exact copies among these pictures, in order, each with its `number`.

    Files of which two copies were marked as not duplicates are left out.
    """
    marked = DistinctPair.objects.filter(first__sha256=F("second__sha256")).values("first__sha256")
    copies = images.filter(trashed_at=None, has_duplicate=True).exclude(sha256__in=marked).order_by("sha256")
    # By owner, too, since copies of different owners are not merged, even if the user may edit both.
    return copies.values("owner_id", "sha256").annotate(number=Count("pk")).filter(number__gt=1)


def _next_images(images: ImageQuerySet, after: str, *, size: int) -> tuple[list[Image], str]:
    """The copies of the next files, and the SHA-256 to continue after ("" at the end)."""
    rows = list(_hashes(images.filter(sha256__gt=after)).values_list("sha256", flat=True)[: size + 1])
    hashes = rows[:size]
    matches = images.filter(trashed_at=None, has_duplicate=True, sha256__in=hashes).order_by("sha256", "pk")
    copies = list(
        matches.select_related("bucket").defer("placeholder", "signature", "description")[: MAX_STEP_IMAGES + 1]
    )
    if len(copies) <= MAX_STEP_IMAGES:
        return copies, hashes[-1] if len(rows) > size else ""
    # The last file may have more copies, so it is left for the next step. If it is the only one, it is merged in parts:
    # the one kept is part of the next group.
    copies = copies[:MAX_STEP_IMAGES]
    complete = [image for image in copies if image.sha256 != copies[-1].sha256]
    return (complete, complete[-1].sha256) if complete else (copies, after or "0")


def _groups(images: Iterable[Image]) -> list[CopyGroup]:
    """Groups of pictures that are sorted by SHA-256."""
    grouped = [list(copies) for _key, copies in groupby(images, key=lambda image: (image.owner_id, image.sha256))]
    groups = [copies for copies in grouped if len(copies) > 1]
    everything = [image for copies in groups for image in copies]
    counts = edit_counts([image.pk for image in everything])
    edits = {image.pk: counts[image.pk] + _own_edits(image) for image in everything}
    return [_group(copies, edits) for copies in groups]


def _group(copies: list[Image], edits: dict[int, int]) -> CopyGroup:
    """Keep the picture with most edits by people, of equal ones the first added."""
    best, *others = sorted(copies, key=lambda image: (-edits[image.pk], image.added_at, image.pk))
    return CopyGroup(best, tuple(others), {image.pk: edits[image.pk] for image in copies})


def _own_edits(image: Image) -> int:
    """Number of edits of the picture itself: details, turn, visibility.

    Visibility counts, since public addresses end with the picture.
    """
    is_open = image.visibility != Image.Visibility.PRIVATE
    return len(image.file_values or {}) + bool(image.quarter_turns) + is_open
