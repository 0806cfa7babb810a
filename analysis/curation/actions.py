"""What a bulk command does to a bounded number of pictures at a time, and how that is put back.

Each pair takes pictures that are locked already. `do` answers what those it changed were before, by id; `put_back`
takes that and leaves alone what somebody changed since; it answers how many it put back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from django.contrib.auth import get_user_model

from analysis.curation import keeping, marks, said, trash
from analysis.curation.said import POSITIVE, Kept, Word
from analysis.models import Audience, Change, Image, ImageQuerySet, Label, Verdict
from analysis.store import library

Before = dict[int, Kept]
Act = Change.Action


def own(change: Change) -> ImageQuerySet:
    """Pictures that its person may change: their own, or everybody's for whoever runs the place."""
    if change.is_of_everybody:
        return Image.objects.all()
    return Image.objects.all().changeable_by(change.person_id)


def seen(change: Change) -> ImageQuerySet:
    """Pictures that its person may see: for what concerns nobody else."""
    return Image.objects.all().visible_to(Audience(person_id=change.person_id))


class Action(NamedTuple):
    """`among`: the pictures it may be done to."""

    do: Callable[[Change, list[int]], Before]
    put_back: Callable[[Change, Before], int]
    among: Callable[[Change], ImageQuerySet] = own


def _word(change: Change) -> Word:
    assert change.label is not None, "every action on words has one"  # noqa: S101
    return Word(change.label, change.person_id, change.done_at)


def _add(change: Change, ids: list[int]) -> Before:
    word = _word(change)
    before = said.verdicts(word, ids)
    silent = {pk: before.get(pk) for pk in ids if not said.is_positive(before.get(pk))}
    return said.say(word, silent, Verdict.Decision.ADDED)


def _remove(change: Change, ids: list[int]) -> Before:
    """What a person added, and of tags what a person confirmed: nobody else says them."""
    word = _word(change)
    removable = POSITIVE if word.label.kind == Label.Kind.TAG else (Verdict.Decision.ADDED,)
    before = said.verdicts(word, ids)
    return said.unsay(word, {pk: each for pk, each in before.items() if each.decision in removable})


def _confirm(change: Change, ids: list[int]) -> Before:
    """Only where the label is to be seen: what is not there cannot be right."""
    word = _word(change)
    before = said.verdicts(word, ids)
    open_to_it = {pk: before.get(pk) for pk in said.carried(word, ids) if not said.is_positive(before.get(pk))}
    return said.say(word, open_to_it, Verdict.Decision.CONFIRMED)


def _reject(change: Change, ids: list[int]) -> Before:
    """Only where the label is to be seen; what only people said is taken back, as on the picture's page."""
    word = _word(change)
    before, carried = said.verdicts(word, ids), said.carried(word, ids)
    by_people = {pk: before[pk] for pk, analysis_id in carried.items() if analysis_id is None and pk in before}
    by_machine = {pk: before.get(pk) for pk, analysis_id in carried.items() if analysis_id is not None}
    return said.unsay(word, by_people) | said.say(word, by_machine, Verdict.Decision.REJECTED)


def _put_back_words(change: Change, before: Before) -> int:
    return said.put_back(_word(change), before)


def _open(change: Change, ids: list[int]) -> Before:
    others = Image.objects.filter(pk__in=ids).exclude(openness=_openness(change))
    before: Before = {pk: {"openness": openness} for pk, openness in others.values_list("pk", "openness")}
    library.open_to(list(before), _openness(change))
    return before


def _put_back_openness(change: Change, before: Before) -> int:
    as_left = set(Image.objects.filter(pk__in=before, openness=_openness(change)).values_list("pk", flat=True))
    for openness in Image.Openness.values:
        library.open_to([pk for pk in as_left if before[pk]["openness"] == openness], openness)
    return len(as_left)


def _openness(change: Change) -> int:
    assert change.openness is not None, "bulk.open_to says it"  # noqa: S101
    return change.openness


def _give(change: Change, ids: list[int]) -> Before:
    assert change.receiver_id is not None, "bulk.give says it"  # noqa: S101
    before = dict(Image.objects.filter(pk__in=ids).values_list("pk", "owner_id"))
    given = library.give([pk for pk in ids if before[pk] != change.receiver_id], owner_id=change.receiver_id)
    return {pk: {"owner": before[pk]} for pk in given}


def _put_back_given(change: Change, before: Before) -> int:
    """To whom they belonged, where that person is still there and did not bring the same bytes in again."""
    still = Image.objects.filter(pk__in=before, owner_id=change.receiver_id).values_list("pk", flat=True)
    owners: dict[int, list[int]] = {}
    for pk in still:
        owners.setdefault(before[pk]["owner"], []).append(pk)
    present = get_user_model().objects.filter(pk__in=owners).values_list("pk", flat=True)
    return sum(len(library.give(owners[owner_id], owner_id=owner_id)) for owner_id in present)


def _trash(change: Change, ids: list[int]) -> Before:
    return {pk: {} for pk in trash.trash(ids, at=change.done_at)}


def _put_back_trashed(change: Change, before: Before) -> int:
    return len(trash.restore_trashed_at(change.done_at, list(before)))


def _restore(_: Change, ids: list[int]) -> Before:
    moments = dict(Image.objects.filter(pk__in=ids).values_list("pk", "trashed_at"))
    return {pk: {"at": at.isoformat()} for pk in trash.restore_all(ids) if (at := moments[pk])}


def _put_back_restored(_: Change, before: Before) -> int:
    moments: dict[str, list[int]] = {}
    for pk, kept in before.items():
        moments.setdefault(kept["at"], []).append(pk)
    return sum(len(trash.trash(ids, at=datetime.fromisoformat(at))) for at, ids in moments.items())


def _mark(*, is_favorite: bool) -> Action:
    """One's own favorites, or no longer; what was marked otherwise since is as it should be already."""

    def do(change: Change, ids: list[int]) -> Before:
        return {pk: {} for pk in marks.favor(ids, person_id=change.person_id, is_favorite=is_favorite)}

    def put_back(change: Change, before: Before) -> int:
        return len(marks.favor(list(before), person_id=change.person_id, is_favorite=not is_favorite))

    return Action(do, put_back, among=seen)


def _unreachable(change: Change, ids: list[int]) -> Before:
    raise NotImplementedError("keeping.keep does this to one group of pictures at once")


ACTIONS: dict[str, Action] = {
    Act.ADD_TAG: Action(_add, _put_back_words),
    Act.REMOVE_TAG: Action(_remove, _put_back_words),
    Act.CONFIRM: Action(_confirm, _put_back_words),
    Act.REJECT: Action(_reject, _put_back_words),
    Act.OPEN_TO: Action(_open, _put_back_openness),
    Act.TRASH: Action(_trash, _put_back_trashed),
    Act.RESTORE: Action(_restore, _put_back_restored),
    Act.FAVORITE: _mark(is_favorite=True),
    Act.UNFAVORITE: _mark(is_favorite=False),
    Act.GIVE: Action(_give, _put_back_given),
    Act.KEEP: Action(_unreachable, keeping.put_back),
}
