"""Of like pictures one is kept: it takes over what people said of the others, which go to the trash. One command."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from analysis.curation import label_verdicts, ratings, trash
from analysis.curation.errors import ActionRefused
from analysis.curation.label_verdicts import POSITIVE, VerdictChange
from analysis.curation.ratings import UserRating
from analysis.models import BulkChange, ChangedImage, FileKeyword, Image, ImageLabel, Label, Verdict

MAX_DUPLICATES = 24


def merge_duplicates(image_id: int, *, instead_of: Collection[int], by: AbstractBaseUser) -> BulkChange:
    """`number` of the change is how many went to the trash; bulk.undo takes all of it back.

    Raises Refused when one of them is not the person's, or in the trash.
    """
    others = sorted(set(instead_of) - {image_id})
    if not others or len(others) > MAX_DUPLICATES:
        raise ActionRefused("Choose the one to keep of two pictures or more.")
    with transaction.atomic():
        wanted = Image.objects.select_for_update().filter(pk__in=[image_id, *others], trashed_at=None)
        if len(wanted.editable_by(by.pk).order_by("pk").values_list("pk", flat=True)) <= len(others):
            raise ActionRefused("One of these pictures is not here any more; look at them again.")
        change = BulkChange.objects.create(person_id=by.pk, action=BulkChange.Action.KEEP)
        change.refresh_from_db(fields=["done_at"])
        kept = {"labels": _take_over_words(change, image_id, others)} | _take_over_marks(change, image_id, others)
        trashed = trash.trash(others, at=change.done_at)
        before = {image_id: kept, **{pk: {} for pk in trashed}}
        ChangedImage.objects.bulk_create(ChangedImage(change=change, image_id=pk, before=before[pk]) for pk in before)
        change.number = len(trashed)
        change.save(update_fields=["number"])
    return change


def restore_duplicates(change: BulkChange, before: Mapping[int, Mapping[str, Any]]) -> int:
    """Bring the others back and take from the kept one what it took over; answers how many came back."""
    for image_id, kept in before.items():
        for label in Label.objects.filter(pk__in=kept.get("labels", ())).order_by("pk"):
            label_verdicts.restore_verdicts(VerdictChange(label, change.person_id, change.done_at), {image_id: {}})
        if "marks" in kept:
            _put_back_marks(change, image_id, kept["marks"])
    return len(trash.restore_with_dates(change.done_at, [pk for pk, kept in before.items() if not kept]))


def _take_over_words(change: BulkChange, image_id: int, others: Sequence[int]) -> list[int]:
    """What people confirmed or added on the others and what their files say, unless somebody spoke of it on the kept
    one; answers the labels.
    """
    spoken = set(Verdict.objects.filter(image_id=image_id).values_list("label_id", flat=True))
    meant = Verdict.objects.filter(image_id__in=others, decision__in=POSITIVE).exclude(label__in=spoken)
    carried = set(ImageLabel.objects.filter(image_id=image_id).values_list("label_id", flat=True))
    rejected = Verdict.objects.filter(image_id=OuterRef("image"), label=OuterRef("label"), decision="rejected")
    in_files = FileKeyword.objects.filter(~Exists(rejected), image_id__in=others).exclude(label__in=spoken | carried)
    either = Q(pk__in=meant.values("label")) | Q(pk__in=in_files.values("label"))
    labels = list(Label.objects.filter(either).order_by("pk"))
    for label in labels:
        decision = Verdict.Decision.CONFIRMED if label.pk in carried else Verdict.Decision.ADDED
        label_verdicts.set_verdicts(VerdictChange(label, change.person_id, change.done_at), {image_id: None}, decision)
    return [label.pk for label in labels]


def _take_over_marks(change: BulkChange, image_id: int, others: Sequence[int]) -> dict[str, Any]:
    """Favorite if one was, the most stars that one had; answers before and after if that is something else."""
    every = ratings.ratings_for([image_id, *others], person_id=change.person_id)
    before = every.get(image_id, UserRating())
    stars = max((each.rating or 0 for each in every.values()), default=0)
    after = UserRating(any(each.is_favorite for each in every.values()), stars or None)
    if after == before:
        return {}
    ratings.save_rating(image_id, after, person_id=change.person_id)
    return {"marks": [before, after]}


def _put_back_marks(change: BulkChange, image_id: int, kept: Sequence[Sequence[Any]]) -> None:
    """Favorite and stars each by itself: what was marked since stays."""
    before, after = (UserRating(*each) for each in kept)
    now = ratings.ratings_for([image_id], person_id=change.person_id).get(image_id, UserRating())
    restored = UserRating(
        before.is_favorite if now.is_favorite == after.is_favorite else now.is_favorite,
        before.rating if now.rating == after.rating else now.rating,
    )
    ratings.save_rating(image_id, restored, person_id=change.person_id)
