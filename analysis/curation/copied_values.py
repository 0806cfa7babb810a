"""Copies labels, ratings and other values of duplicates to the one that is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from django.db.models import Exists, OuterRef, Q

from analysis import permissions
from analysis.curation import metadata_edits, ratings, verdicts
from analysis.curation.ratings import UserRating
from analysis.curation.verdicts import POSITIVE, VerdictChange
from analysis.library.file_values import FIELDS, values_of
from analysis.models import BulkChange, CollectionImage, FileKeyword, Image, ImageLabel, Label, Rating, Verdict
from analysis.permissions import collections as rights

Copied = dict[str, Any]


def copy_values(change: BulkChange, image_id: int, other_ids: Sequence[int]) -> Copied:
    """Copy labels, ratings, collections and edited details to a picture.

    Returns what `restore_values` reverts. The caller locks the pictures.
    """
    return (
        {"labels": _copy_labels(change, image_id, other_ids)}
        | _copy_ratings(image_id, other_ids)
        | _copy_collections(change, image_id, other_ids)
        | _copy_details(change, image_id, other_ids)
    )


def restore_values(change: BulkChange, image_id: int, copied: Mapping[str, Any]) -> None:
    """Revert what was copied, except what was changed since."""
    for label in Label.objects.filter(pk__in=copied.get("labels", ())).order_by("pk"):
        verdicts.restore_verdicts(VerdictChange(label, change.person_id, change.done_at), {image_id: {}})
    for person_id, values in copied.get("ratings", {}).items():
        _restore_rating(image_id, values, person_id=int(person_id))
    CollectionImage.objects.filter(pk__in=copied.get("collections", ()), image_id=image_id).delete()
    if "details" in copied:
        metadata_edits.restore({image_id: copied["details"]})


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
    added = list(Label.objects.filter(copied).order_by("pk"))
    for label in added:
        decision = Verdict.Decision.CONFIRMED if label.pk in present else Verdict.Decision.ADDED
        verdicts.set_verdicts(VerdictChange(label, change.person_id, change.done_at), {image_id: None}, decision)
    denied = Verdict.objects.filter(image_id__in=other_ids, decision=Verdict.Decision.REJECTED)
    # Rejections only of labels that the kept picture has, since others mean nothing.
    wrong = Label.objects.filter(pk__in=denied.values("label")).filter(pk__in=present - decided)
    rejections = list(wrong.exclude(pk__in=[label.pk for label in added]).order_by("pk"))
    for label in rejections:
        change_of_label = VerdictChange(label, change.person_id, change.done_at)
        verdicts.set_verdicts(change_of_label, {image_id: None}, Verdict.Decision.REJECTED)
    return [label.pk for label in (*added, *rejections)]


def _copy_ratings(image_id: int, other_ids: Sequence[int]) -> Copied:
    """Copy each person's favorite and highest stars.

    Returns old and new by person, of those that differ.
    """
    people = Rating.objects.filter(image_id__in=other_ids).order_by("person_id").values_list("person_id", flat=True)
    changed = {}
    for person_id in people.distinct():
        group = ratings.ratings_for([image_id, *other_ids], person_id=person_id)
        before = group.get(image_id, UserRating())
        stars = max((rating.stars or 0 for rating in group.values()), default=0)
        after = UserRating(any(rating.is_favorite for rating in group.values()), stars or None)
        if after != before:
            ratings.save_rating(image_id, after, person_id=person_id)
            changed[str(person_id)] = [before, after]
    return {"ratings": changed} if changed else {}


def _restore_rating(image_id: int, values: Sequence[Sequence[Any]], *, person_id: int) -> None:
    """Restore favorite and stars separately: a value that was changed since stays."""
    before, after = (UserRating(*value) for value in values)
    current = ratings.ratings_for([image_id], person_id=person_id).get(image_id, UserRating())
    restored = UserRating(
        before.is_favorite if current.is_favorite == after.is_favorite else current.is_favorite,
        before.stars if current.stars == after.stars else current.stars,
    )
    ratings.save_rating(image_id, restored, person_id=person_id)


def _copy_collections(change: BulkChange, image_id: int, other_ids: Sequence[int]) -> Copied:
    """Add the kept picture to the others' collections that the user can arrange.

    Returns the ids of the new entries.
    """
    user = permissions.reload_user(change.person_id)
    if user is None:
        return {}
    own = rights.arrangeable_collections(user).exclude(entries__image_id=image_id)
    entries = CollectionImage.objects.filter(image_id__in=other_ids, collection__in=own.values("pk"))
    added = []
    for entry in entries.order_by("collection_id", "position").distinct("collection_id"):
        # Added by the same user as the other one, since a collection only shows private pictures that their owner
        # added.
        added.append(
            CollectionImage.objects.create(
                collection_id=entry.collection_id,
                image_id=image_id,
                position=entry.position,
                added_by_id=entry.added_by_id,
            ).pk
        )
    return {"collections": added} if added else {}


def _copy_details(change: BulkChange, image_id: int, other_ids: Sequence[int]) -> Copied:
    """Copy edited title, description, date and place that the kept picture lacks."""
    edited = list(Image.objects.filter(pk__in=other_ids, file_values__isnull=False).order_by("pk"))
    if not edited:
        return {}
    image = Image.objects.get(pk=image_id)
    edit: Any = {}
    for field in FIELDS:
        value = next((values_of(other, field) for other in edited if _is_lacking(image, other, field)), None)
        if value is not None:
            edit[field] = value
    states = metadata_edits.edit([image_id], cast(metadata_edits.Edit, edit), now=change.done_at) if edit else {}
    return {"details": states[image_id]} if states else {}


def _is_lacking(image: Image, other: Image, field: str) -> bool:
    """True if the other's field was edited and the kept one's was not.

    If their files have different values, only an empty field is filled.
    """
    in_file, own = other.file_values or {}, values_of(image, field)
    is_edited = field in (image.file_values or {})
    return field in in_file and not is_edited and (in_file[field] == own or not any(own))
