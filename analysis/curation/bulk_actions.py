"""The actions of bulk changes, each with its undo.

The caller locks the pictures. `apply` returns the previous values of the pictures it changed, by id; `restore` gets
them back, skips pictures that have changed since and returns the ids of those it restored.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import NamedTuple, cast

from django.contrib.auth import get_user_model

from analysis import permissions
from analysis.curation import distinct_pairs, merge_duplicates, metadata_edits, ratings, trash, verdicts
from analysis.curation.verdicts import PreviousState, VerdictChange
from analysis.library import images
from analysis.models import BulkChange, Image, ImageQuerySet, Label, Viewer

PreviousValues = dict[int, PreviousState]
Act = BulkChange.Action


def includes_all_owners(change: BulkChange) -> bool:
    """True for a change to all owners' pictures that is still permitted."""
    # Loaded again, since Django caches permissions on the user object and workers run a change minutes later.
    user = permissions.reload_user(change.person_id) if change.all_owners else None
    return user is not None and permissions.can_edit_all_images(user)


def editable(change: BulkChange) -> ImageQuerySet:
    """Pictures the user can edit now: their own, or all for staff."""
    if includes_all_owners(change):
        return Image.objects.all()
    user = permissions.reload_user(change.person_id)
    return permissions.editable_images(user) if user else Image.objects.none()


def reviewable(change: BulkChange) -> ImageQuerySet:
    """Pictures whose labels the user can review now.

    For curators all pictures they can see.
    """
    if includes_all_owners(change):
        return Image.objects.all()
    user = permissions.reload_user(change.person_id)
    return permissions.reviewable_images(user) if user else Image.objects.none()


def viewable(change: BulkChange) -> ImageQuerySet:
    """Pictures the user can see, for actions that affect no one else."""
    return Image.objects.all().visible_to(Viewer(user_id=change.person_id))


class Action(NamedTuple):
    """An action with its undo. `scope`: pictures that the user can apply it to."""

    apply: Callable[[BulkChange, list[int]], PreviousValues]
    restore: Callable[[BulkChange, PreviousValues], list[int]]
    scope: Callable[[BulkChange], ImageQuerySet] = editable


def _verdict_action(apply_verdict: Callable[[VerdictChange, Collection[int]], PreviousValues]) -> Action:
    def apply(change: BulkChange, image_ids: list[int]) -> PreviousValues:
        if change.label is None:  # the new tag was not created, since the user can edit none of the pictures
            return {}
        return apply_verdict(_verdict_change(change), image_ids)

    def restore(change: BulkChange, before: PreviousValues) -> list[int]:
        return verdicts.restore_verdicts(_verdict_change(change), before)

    return Action(apply, restore, scope=reviewable)


def _verdict_change(change: BulkChange) -> VerdictChange:
    return VerdictChange(cast(Label, change.label), change.person_id, change.done_at)


def _set_visibility(change: BulkChange, image_ids: list[int]) -> PreviousValues:
    visibility = cast(int, change.visibility)
    # Only those that differ are recorded, so an undo does not touch pictures that had the value before.
    others = Image.objects.filter(pk__in=image_ids).exclude(visibility=visibility)
    before: PreviousValues = {pk: {"visibility": previous} for pk, previous in others.values_list("pk", "visibility")}
    images.set_visibility(list(before), visibility)
    return before


def _restore_visibility(change: BulkChange, before: PreviousValues) -> list[int]:
    # A visibility that was changed since is kept.
    unchanged = Image.objects.filter(pk__in=before, visibility=cast(int, change.visibility))
    image_ids = list(unchanged.values_list("pk", flat=True))
    for visibility in Image.Visibility.values:
        images.set_visibility([pk for pk in image_ids if before[pk]["visibility"] == visibility], visibility)
    return image_ids


def _transfer(change: BulkChange, image_ids: list[int]) -> PreviousValues:
    receiver_id = cast(int, change.receiver_id)
    owner_ids = dict(Image.objects.filter(pk__in=image_ids).values_list("pk", "owner_id"))
    others = [pk for pk in image_ids if owner_ids[pk] != receiver_id]
    return {pk: {"owner": owner_ids[pk]} for pk in images.transfer(others, owner_id=receiver_id)}


def _restore_owners(change: BulkChange, before: PreviousValues) -> list[int]:
    """Skip pictures whose previous owner is gone or has the same file again."""
    unchanged = Image.objects.filter(pk__in=before, owner_id=change.receiver_id).values_list("pk", flat=True)
    by_owner: dict[int, list[int]] = {}
    for pk in unchanged:
        by_owner.setdefault(before[pk]["owner"], []).append(pk)
    owner_ids = get_user_model().objects.filter(pk__in=by_owner).values_list("pk", flat=True)
    return [pk for owner_id in owner_ids for pk in images.transfer(by_owner[owner_id], owner_id=owner_id)]


def _trash(change: BulkChange, image_ids: list[int]) -> PreviousValues:
    return {pk: {} for pk in trash.trash(image_ids, at=change.done_at)}


def _restore_trashed(change: BulkChange, before: PreviousValues) -> list[int]:
    return trash.restore_trashed_at(change.done_at, list(before))


def _restore_from_trash(_: BulkChange, image_ids: list[int]) -> PreviousValues:
    times = dict(Image.objects.filter(pk__in=image_ids).values_list("pk", "trashed_at"))
    return {pk: {"at": at.isoformat()} for pk in trash.restore_all(image_ids) if (at := times[pk])}


def _trash_again(_: BulkChange, before: PreviousValues) -> list[int]:
    # With their own times, which order the trash and decide when they are deleted.
    by_time: dict[str, list[int]] = {}
    for pk, state in before.items():
        by_time.setdefault(state["at"], []).append(pk)
    return [pk for at, ids in by_time.items() for pk in trash.trash(ids, at=datetime.fromisoformat(at))]


def _favorite_action(*, is_favorite: bool) -> Action:
    def apply(change: BulkChange, image_ids: list[int]) -> PreviousValues:
        return {pk: {} for pk in ratings.set_favorites(image_ids, person_id=change.person_id, is_favorite=is_favorite)}

    def restore(change: BulkChange, before: PreviousValues) -> list[int]:
        return ratings.set_favorites(list(before), person_id=change.person_id, is_favorite=not is_favorite)

    return Action(apply, restore, scope=viewable)


def _edit(change: BulkChange, image_ids: list[int]) -> PreviousValues:
    return metadata_edits.edit(image_ids, cast(metadata_edits.Edit, change.edit or {}), now=change.done_at)


def _restore_edited(_: BulkChange, before: PreviousValues) -> list[int]:
    return metadata_edits.restore(before)


def _rate(change: BulkChange, image_ids: list[int]) -> PreviousValues:
    return ratings.set_stars(image_ids, person_id=change.person_id, stars=_stars(change))


def _restore_stars(change: BulkChange, before: PreviousValues) -> list[int]:
    return ratings.restore_stars(before, person_id=change.person_id, stars=_stars(change))


def _stars(change: BulkChange) -> int:
    return int((change.edit or {}).get("stars", 0))


def _not_in_bulk(change: BulkChange, image_ids: list[int]) -> PreviousValues:
    raise NotImplementedError("duplicates are merged and marked group by group")


ACTIONS: dict[str, Action] = {
    Act.ADD_TAG: _verdict_action(verdicts.add_label),
    Act.REMOVE_TAG: _verdict_action(verdicts.remove_label),
    Act.CONFIRM: _verdict_action(verdicts.confirm_label),
    Act.REJECT: _verdict_action(verdicts.reject_label),
    Act.OPEN_TO: Action(_set_visibility, _restore_visibility),
    Act.TRASH: Action(_trash, _restore_trashed),
    Act.RESTORE: Action(_restore_from_trash, _trash_again),
    Act.FAVORITE: _favorite_action(is_favorite=True),
    Act.UNFAVORITE: _favorite_action(is_favorite=False),
    Act.GIVE: Action(_transfer, _restore_owners),
    Act.EDIT: Action(_edit, _restore_edited),
    Act.RATE: Action(_rate, _restore_stars, scope=viewable),
    Act.KEEP: Action(_not_in_bulk, merge_duplicates.restore_duplicates),
    Act.EXACT: Action(_not_in_bulk, merge_duplicates.restore_duplicates),
    Act.DISTINCT: Action(_not_in_bulk, distinct_pairs.unmark),
}
