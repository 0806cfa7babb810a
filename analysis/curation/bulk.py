"""One command on many pictures, in bounded steps, each of which is whole; and its undoing within a day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from analysis import permissions
from analysis.curation.bulk_actions import ACTIONS, PreviousValues
from analysis.curation.errors import ActionRefused
from analysis.curation.label_verdicts import POSITIVE
from analysis.curation.tags import checked, get_or_create_tag
from analysis.models import BulkChange, ChangedImage, Image, Label, Verdict, Viewer
from analysis.search import results
from analysis.search.query import Query
from analysis.search.syntax.parser import InvalidQuery, parse

MAX_IDS = 10_000
STEP_SIZE = 1_000
"""Pictures that one transaction changes."""
UNDO_WINDOW = timedelta(hours=24)
Act = BulkChange.Action


@dataclass(frozen=True)
class Selection:
    """Pictures a person means: these ids, or every hit of a query. `all_owners`: not only those of their own."""

    person: AbstractBaseUser
    ids: tuple[int, ...] = ()
    query: Query | None = None
    all_owners: bool = False

    @property
    def viewer(self) -> Viewer:
        return Viewer(person_id=self.person.pk, sees_all=self.all_owners)

    def steps(self, size: int = STEP_SIZE) -> Iterator[list[int]]:
        """The ids, so many at a time. Raises Refused for more than may be named one by one."""
        if self.query is not None:
            yield from results.iter_ids(self.query, viewer=self.viewer, step=size)
            return
        if len(self.ids) > MAX_IDS:
            raise ActionRefused(f"At most {MAX_IDS:,} pictures can be named one by one; select all results instead.")
        named = iter(dict.fromkeys(self.ids))
        while step := list(islice(named, size)):
            yield step


def add_tag(selection: Selection, name: str) -> BulkChange:
    """Raises Refused for what is no name."""
    return apply(selection, Act.ADD_TAG, label=label_to_add(selection, name))


def label_to_add(selection: Selection, name: str) -> Label | None:
    """The label of this name; none, whether there is one or not, where every picture will be refused.

    So a tag is made with its first picture. Raises Refused for what is no name.
    """
    name = checked(name)
    return get_or_create_tag(name) if _has_any(selection) else None


def _has_any(selection: Selection) -> bool:
    """Whether the selection has a picture whose labels its person may put right."""
    probe = BulkChange(person_id=selection.person.pk, action=Act.ADD_TAG, all_owners=selection.all_owners)
    meant = ACTIONS[Act.ADD_TAG].among(probe)
    steps = selection.steps()
    if meant.filter(pk__in=next(steps, [])).exists():
        return True
    if selection.query is None:
        return any(meant.filter(pk__in=step).exists() for step in steps)
    try:
        own = parse(f"{selection.query.text} owner:me")
    except InvalidQuery:  # too long with that word more
        return any(meant.filter(pk__in=step).exists() for step in steps)
    return results.count(own, viewer=selection.viewer, cap=1) > 0


def add_label(selection: Selection, label: Label) -> BulkChange:
    return apply(selection, Act.ADD_TAG, label=label)


def remove_tag(selection: Selection, label: Label) -> BulkChange:
    return apply(selection, Act.REMOVE_TAG, label=label)


def decide(selection: Selection, label: Label, decision: str) -> BulkChange:
    """Confirm or reject a label where it is to be seen."""
    return apply(selection, Act.CONFIRM if decision == Verdict.Decision.CONFIRMED else Act.REJECT, label=label)


def set_visibility(selection: Selection, visibility: int) -> BulkChange:
    return apply(selection, Act.OPEN_TO, visibility=Image.Visibility(visibility))


def trash(selection: Selection) -> BulkChange:
    return apply(selection, Act.TRASH)


def restore(selection: Selection) -> BulkChange:
    """Those whose bytes were brought in again meanwhile stay in the trash and count as unchanged."""
    return apply(selection, Act.RESTORE)


def transfer(selection: Selection, receiver: AbstractBaseUser) -> BulkChange:
    """Make them somebody else's; those whose bytes the receiver has already count as unchanged."""
    return apply(selection, Act.GIVE, receiver_id=receiver.pk)


def set_favorites(selection: Selection, *, is_favorite: bool) -> BulkChange:
    """One's own mark, on whatever one may see."""
    return apply(selection, Act.FAVORITE if is_favorite else Act.UNFAVORITE)


def undo(token: int, *, by: AbstractBaseUser) -> BulkChange:
    """Put back what a change changed, but for what somebody changed since; `number` is then how many that are.

    What goes on in the background is later.undo's: pipeline.undo knows which.
    Raises Refused for what is undone already, too old or another person's.
    """
    change = begin_undo(token, by=by)
    change.number = 0
    while (number := undo_step(change)) is not None:
        change.number += number
    return change


def begin_undo(token: int, *, by: AbstractBaseUser) -> BulkChange:
    """Say that a change is being undone, so that nothing more of it is done.

    Raises Refused for what is undone already, too old or another person's.
    """
    change = BulkChange.objects.filter(pk=token, person_id=by.pk, done_at__gt=Now() - UNDO_WINDOW).first()
    if change is None:
        raise ActionRefused("This cannot be undone any more.")
    is_first = BulkChange.objects.filter(pk=token, undone_at=None).update(undone_at=Now())
    if not is_first and not change.images.exists():
        raise ActionRefused("This is undone already.")
    return change


def tags_of(selection: Selection) -> list[tuple[Label, str]]:
    """What people added to the pictures, by name, and whether "all" or "some" carry it; by the first thousand."""
    ids = next(selection.steps(), [])
    changeable = list(permissions.sayable(selection.person).filter(pk__in=ids).values_list("pk", flat=True))
    carried: dict[int, int] = {}
    said = Verdict.objects.filter(image_id__in=changeable, decision__in=POSITIVE)
    tags = said.filter(label__kind=Label.Kind.TAG) | said.filter(decision=Verdict.Decision.ADDED)
    for label_id in tags.values_list("label_id", flat=True):
        carried[label_id] = carried.get(label_id, 0) + 1
    labels = Label.objects.filter(pk__in=carried).order_by("name", "pk")
    return [(label, "all" if carried[label.pk] == len(changeable) else "some") for label in labels]


def delete_expired() -> None:
    """Delete changes that cannot be undone any more; not those that are still gone on with, or taken back."""
    old = list(BulkChange.objects.filter(done_at__lte=Now() - UNDO_WINDOW, is_open=False).values_list("pk", flat=True))
    if old:
        ChangedImage.objects.filter(change_id__in=old).delete()
        BulkChange.objects.filter(pk__in=old).delete()


def apply(selection: Selection, action: str, **of_what: Any) -> BulkChange:
    """Step by step, so that what was done before a failure is written down and can be undone."""
    steps = selection.steps()
    first = next(steps, [])  # a selection that is refused leaves no trace
    change = BulkChange.objects.create(
        person_id=selection.person.pk, action=action, all_owners=selection.all_owners, **of_what
    )
    change.refresh_from_db(fields=["done_at"])
    while first:
        if not _step(change, first):
            break
        first = next(steps, [])
    change.refresh_from_db()
    return change


def _step(change: BulkChange, ids: list[int]) -> bool:
    """Change so many pictures and write down what they were; False when the whole is being undone already."""
    with transaction.atomic():
        locked = ACTIONS[change.action].among(change).select_for_update(of=("self",)).filter(pk__in=ids)
        mine = list(locked.order_by("pk").values_list("pk", flat=True))
        running = BulkChange.objects.select_for_update().filter(pk=change.pk, undone_at=None)
        if not running.values_list("pk", flat=True):
            return False
        before = ACTIONS[change.action].do(change, mine)
        ChangedImage.objects.bulk_create(
            [ChangedImage(change=change, image_id=pk, before=kept) for pk, kept in before.items()]
        )
        running.update(
            number=F("number") + len(before),
            unchanged=F("unchanged") + len(mine) - len(before),
            refused=F("refused") + len(ids) - len(mine),
        )
    return True


def undo_step(change: BulkChange) -> int | None:
    """Put back so many pictures; None when there are no more."""
    with transaction.atomic():
        rows = change.images.order_by("image_id")[:STEP_SIZE]
        before: PreviousValues = dict(rows.values_list("image_id", "before"))
        if not before:
            return None
        # Locked in the order that everybody locks them; of two who undo at once the second finds these rows gone.
        mine = ACTIONS[change.action].among(change).select_for_update(of=("self",)).filter(pk__in=before)
        ids = set(mine.order_by("pk").values_list("pk", flat=True))
        still = set(change.images.filter(image_id__in=before).values_list("image_id", flat=True))
        meant = {pk: kept for pk, kept in before.items() if pk in ids & still}
        number = ACTIONS[change.action].put_back(change, meant)
        change.images.filter(image_id__in=before).delete()
        BulkChange.objects.filter(pk=change.pk).update(restored=F("restored") + number)
    return number
