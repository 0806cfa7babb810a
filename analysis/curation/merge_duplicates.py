"""Merging near-duplicates into one picture; the others go to the trash."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from analysis import audit_log
from analysis.curation import ratings, trash, verdicts
from analysis.curation.errors import ActionRefused
from analysis.curation.ratings import UserRating
from analysis.curation.verdicts import POSITIVE, VerdictChange
from analysis.models import BulkChange, FileKeyword, Image, ImageLabel, Label, Verdict

MAX_DUPLICATES = 24


def merge_duplicates(image_id: int, *, instead_of: Collection[int], by: AbstractBaseUser) -> BulkChange:
    """Keep one picture and trash the others, which `number` counts.

    `bulk.undo` reverts all of it. Raises ActionRefused if any of the pictures is another owner's or in the trash.
    """
    other_ids = sorted(set(instead_of) - {image_id})
    if not other_ids or len(other_ids) > MAX_DUPLICATES:
        raise ActionRefused(_("Select at least two pictures and choose the one to keep."))
    with transaction.atomic():
        locked = Image.objects.select_for_update().filter(pk__in=[image_id, *other_ids], trashed_at=None)
        if len(locked.editable_by(by.pk).order_by("pk").values_list("pk", flat=True)) <= len(other_ids):
            raise ActionRefused(_("One of these pictures is no longer available. Review them again."))
        change = BulkChange.objects.create(person_id=by.pk, action=BulkChange.Action.KEEP)
        change.refresh_from_db(fields=["done_at"])
        copied = {"labels": _copy_labels(change, image_id, other_ids)} | _copy_rating(change, image_id, other_ids)
        trashed = trash.trash(other_ids, at=change.done_at)
        change.record({image_id: copied, **{pk: {} for pk in trashed}}, number=len(trashed))
        audit_log.record_images(audit_log.entry_of_bulk_change(change).pk, [image_id, *trashed])
        change.refresh_from_db()
    return change


def restore_duplicates(change: BulkChange, before: Mapping[int, Mapping[str, Any]]) -> list[int]:
    """Restore the others from the trash and revert what was copied.

    Returns the ids of the pictures restored.
    """
    for image_id, copied in before.items():
        for label in Label.objects.filter(pk__in=copied.get("labels", ())).order_by("pk"):
            verdicts.restore_verdicts(VerdictChange(label, change.person_id, change.done_at), {image_id: {}})
        if "rating" in copied:
            _restore_rating(change, image_id, copied["rating"])
    return trash.restore_trashed_at(change.done_at, [pk for pk, copied in before.items() if not copied])


def _copy_labels(change: BulkChange, image_id: int, other_ids: Sequence[int]) -> list[int]:
    """Copy labels and keywords of the others unless the kept picture has a verdict.

    Returns the ids of the labels.
    """
    decided = set(Verdict.objects.filter(image_id=image_id).values_list("label_id", flat=True))
    present = set(ImageLabel.objects.filter(image_id=image_id).values_list("label_id", flat=True))
    positive = Verdict.objects.filter(image_id__in=other_ids, decision__in=POSITIVE).exclude(label__in=decided)
    rejected = Verdict.objects.filter(image_id=OuterRef("image"), label=OuterRef("label"), decision="rejected")
    keywords = FileKeyword.objects.filter(~Exists(rejected), image_id__in=other_ids).exclude(
        label__in=decided | present
    )
    copied = Q(pk__in=positive.values("label")) | Q(pk__in=keywords.values("label"))
    labels = list(Label.objects.filter(copied).order_by("pk"))
    for label in labels:
        decision = Verdict.Decision.CONFIRMED if label.pk in present else Verdict.Decision.ADDED
        verdicts.set_verdicts(VerdictChange(label, change.person_id, change.done_at), {image_id: None}, decision)
    return [label.pk for label in labels]


def _copy_rating(change: BulkChange, image_id: int, other_ids: Sequence[int]) -> dict[str, Any]:
    """Copy favorite and the highest rating; returns old and new if they differ."""
    group = ratings.ratings_for([image_id, *other_ids], person_id=change.person_id)
    before = group.get(image_id, UserRating())
    stars = max((rating.stars or 0 for rating in group.values()), default=0)
    after = UserRating(any(rating.is_favorite for rating in group.values()), stars or None)
    if after == before:
        return {}
    ratings.save_rating(image_id, after, person_id=change.person_id)
    return {"rating": [before, after]}


def _restore_rating(change: BulkChange, image_id: int, values: Sequence[Sequence[Any]]) -> None:
    """Restore favorite and stars separately: a value that was changed since stays."""
    before, after = (UserRating(*value) for value in values)
    current = ratings.ratings_for([image_id], person_id=change.person_id).get(image_id, UserRating())
    restored = UserRating(
        before.is_favorite if current.is_favorite == after.is_favorite else current.is_favorite,
        before.stars if current.stars == after.stars else current.stars,
    )
    ratings.save_rating(image_id, restored, person_id=change.person_id)
