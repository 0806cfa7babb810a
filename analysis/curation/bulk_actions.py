"""What a bulk command does to a bounded number of pictures at a time, and how that is put back.

Each pair takes pictures that are locked already. `do` answers what those it changed were before, by id; `put_back`
takes that and leaves alone what somebody changed since; it answers how many it put back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from django.contrib.auth import get_user_model

from analysis import permissions
from analysis.curation import index_updates, label_verdicts, merge_duplicates, ratings, trash
from analysis.curation.label_verdicts import POSITIVE, PreviousState, VerdictChange
from analysis.library import images
from analysis.models import BulkChange, Image, ImageQuerySet, Label, Verdict, Viewer

PreviousValues = dict[int, PreviousState]
Act = BulkChange.Action


def all_owners(change: BulkChange) -> bool:
    """Whether it is about everybody's pictures, and its person may still change these."""
    person = permissions.fresh(change.person_id) if change.all_owners else None
    return person is not None and permissions.changes_all(person)


def own(change: BulkChange) -> ImageQuerySet:
    """Pictures that its person may change now: their own, or everybody's for whoever runs the place."""
    if all_owners(change):
        return Image.objects.all()
    person = permissions.fresh(change.person_id)
    return permissions.changeable(person) if person else Image.objects.none()


def spoken_of(change: BulkChange) -> ImageQuerySet:
    """Pictures whose labels its person may put right now: a curator's are all they see."""
    if all_owners(change):
        return Image.objects.all()
    person = permissions.fresh(change.person_id)
    return permissions.sayable(person) if person else Image.objects.none()


def seen(change: BulkChange) -> ImageQuerySet:
    """Pictures that its person may see: for what concerns nobody else."""
    return Image.objects.all().visible_to(Viewer(person_id=change.person_id))


class Action(NamedTuple):
    """`among`: the pictures it may be done to."""

    do: Callable[[BulkChange, list[int]], PreviousValues]
    put_back: Callable[[BulkChange, PreviousValues], int]
    among: Callable[[BulkChange], ImageQuerySet] = own


def _word(change: BulkChange) -> VerdictChange:
    assert change.label is not None, "every action on words has one"  # noqa: S101
    return VerdictChange(change.label, change.person_id, change.done_at)


def _add(change: BulkChange, ids: list[int]) -> PreviousValues:
    if change.label is None:  # no picture was theirs as it began, so no tag was made
        return {}
    word = _word(change)
    before = label_verdicts.verdicts(word, ids)
    silent = {pk: before.get(pk) for pk in ids if not label_verdicts.is_positive(before.get(pk))}
    return label_verdicts.set_verdicts(word, silent, Verdict.Decision.ADDED)


def _remove(change: BulkChange, ids: list[int]) -> PreviousValues:
    """What a person added, and of tags what a person confirmed; a tag that the file carries is rejected, so that it
    does not come back.
    """
    word = _word(change)
    is_tag = word.label.kind == Label.Kind.TAG
    removable = POSITIVE if is_tag else (Verdict.Decision.ADDED,)
    before = label_verdicts.verdicts(word, ids)
    in_files = index_updates.in_files(label_verdicts.images_with_label(word, ids), word.label) if is_tag else set[int]()
    by_people = {pk: each for pk, each in before.items() if each.decision in removable and pk not in in_files}
    by_file = {pk: before.get(pk) for pk in sorted(in_files)}
    return label_verdicts.clear_verdicts(word, by_people) | label_verdicts.set_verdicts(
        word, by_file, Verdict.Decision.REJECTED
    )


def _confirm(change: BulkChange, ids: list[int]) -> PreviousValues:
    """Only where the label is to be seen: what is not there cannot be right."""
    word = _word(change)
    before = label_verdicts.verdicts(word, ids)
    open_to_it = {
        pk: before.get(pk)
        for pk in label_verdicts.images_with_label(word, ids)
        if not label_verdicts.is_positive(before.get(pk))
    }
    return label_verdicts.set_verdicts(word, open_to_it, Verdict.Decision.CONFIRMED)


def _reject(change: BulkChange, ids: list[int]) -> PreviousValues:
    """Only where the label is to be seen; what only people said is taken back, as on the picture's page."""
    word = _word(change)
    before, carried = label_verdicts.verdicts(word, ids), label_verdicts.images_with_label(word, ids)
    in_files = index_updates.in_files(carried, word.label)
    by_people = {pk: each for pk, each in before.items() if pk in carried and not (carried[pk] or pk in in_files)}
    by_others = {pk: before.get(pk) for pk, analysis_id in carried.items() if analysis_id or pk in in_files}
    return label_verdicts.clear_verdicts(word, by_people) | label_verdicts.set_verdicts(
        word, by_others, Verdict.Decision.REJECTED
    )


def _put_back_words(change: BulkChange, before: PreviousValues) -> int:
    return label_verdicts.restore_verdicts(_word(change), before)


def _open(change: BulkChange, ids: list[int]) -> PreviousValues:
    others = Image.objects.filter(pk__in=ids).exclude(visibility=_visibility(change))
    before: PreviousValues = {
        pk: {"visibility": visibility} for pk, visibility in others.values_list("pk", "visibility")
    }
    images.set_visibility(list(before), _visibility(change))
    return before


def _put_back_visibility(change: BulkChange, before: PreviousValues) -> int:
    as_left = set(Image.objects.filter(pk__in=before, visibility=_visibility(change)).values_list("pk", flat=True))
    for visibility in Image.Visibility.values:
        images.set_visibility([pk for pk in as_left if before[pk]["visibility"] == visibility], visibility)
    return len(as_left)


def _visibility(change: BulkChange) -> int:
    assert change.visibility is not None, "bulk.open_to says it"  # noqa: S101
    return change.visibility


def _give(change: BulkChange, ids: list[int]) -> PreviousValues:
    assert change.receiver_id is not None, "bulk.give says it"  # noqa: S101
    before = dict(Image.objects.filter(pk__in=ids).values_list("pk", "owner_id"))
    given = images.transfer([pk for pk in ids if before[pk] != change.receiver_id], owner_id=change.receiver_id)
    return {pk: {"owner": before[pk]} for pk in given}


def _put_back_given(change: BulkChange, before: PreviousValues) -> int:
    """To whom they belonged, where that person is still there and did not bring the same bytes in again."""
    still = Image.objects.filter(pk__in=before, owner_id=change.receiver_id).values_list("pk", flat=True)
    owners: dict[int, list[int]] = {}
    for pk in still:
        owners.setdefault(before[pk]["owner"], []).append(pk)
    present = get_user_model().objects.filter(pk__in=owners).values_list("pk", flat=True)
    return sum(len(images.transfer(owners[owner_id], owner_id=owner_id)) for owner_id in present)


def _trash(change: BulkChange, ids: list[int]) -> PreviousValues:
    return {pk: {} for pk in trash.trash(ids, at=change.done_at)}


def _put_back_trashed(change: BulkChange, before: PreviousValues) -> int:
    return len(trash.restore_with_dates(change.done_at, list(before)))


def _restore(_: BulkChange, ids: list[int]) -> PreviousValues:
    moments = dict(Image.objects.filter(pk__in=ids).values_list("pk", "trashed_at"))
    return {pk: {"at": at.isoformat()} for pk in trash.restore_all(ids) if (at := moments[pk])}


def _put_back_restored(_: BulkChange, before: PreviousValues) -> int:
    moments: dict[str, list[int]] = {}
    for pk, kept in before.items():
        moments.setdefault(kept["at"], []).append(pk)
    return sum(len(trash.trash(ids, at=datetime.fromisoformat(at))) for at, ids in moments.items())


def _mark(*, is_favorite: bool) -> Action:
    """One's own favorites, or no longer; what was marked otherwise since is as it should be already."""

    def do(change: BulkChange, ids: list[int]) -> PreviousValues:
        return {pk: {} for pk in ratings.set_favorites(ids, person_id=change.person_id, is_favorite=is_favorite)}

    def put_back(change: BulkChange, before: PreviousValues) -> int:
        return len(ratings.set_favorites(list(before), person_id=change.person_id, is_favorite=not is_favorite))

    return Action(do, put_back, among=seen)


def _unreachable(change: BulkChange, ids: list[int]) -> PreviousValues:
    raise NotImplementedError("keeping.keep does this to one group of pictures at once")


ACTIONS: dict[str, Action] = {
    Act.ADD_TAG: Action(_add, _put_back_words, among=spoken_of),
    Act.REMOVE_TAG: Action(_remove, _put_back_words, among=spoken_of),
    Act.CONFIRM: Action(_confirm, _put_back_words, among=spoken_of),
    Act.REJECT: Action(_reject, _put_back_words, among=spoken_of),
    Act.OPEN_TO: Action(_open, _put_back_visibility),
    Act.TRASH: Action(_trash, _put_back_trashed),
    Act.RESTORE: Action(_restore, _put_back_restored),
    Act.FAVORITE: _mark(is_favorite=True),
    Act.UNFAVORITE: _mark(is_favorite=False),
    Act.GIVE: Action(_give, _put_back_given),
    Act.KEEP: Action(_unreachable, merge_duplicates.restore_duplicates),
}
