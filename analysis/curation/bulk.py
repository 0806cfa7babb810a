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

from analysis.curation.actions import ACTIONS, Before
from analysis.curation.labels import label_for
from analysis.curation.refused import Refused
from analysis.curation.said import POSITIVE
from analysis.models import Audience, Change, ChangedImage, Image, Label, Verdict
from analysis.search import results
from analysis.search.tree import Query

MOST_IDS = 10_000
STEP = 1_000
"""Pictures that one transaction changes."""
UNDOABLE = timedelta(hours=24)
Act = Change.Action


@dataclass(frozen=True)
class Selection:
    """Pictures a person means: these ids, or every hit of a query. `is_of_everybody`: not only those of their own."""

    person: AbstractBaseUser
    ids: tuple[int, ...] = ()
    query: Query | None = None
    is_of_everybody: bool = False

    @property
    def audience(self) -> Audience:
        return Audience(person_id=self.person.pk, sees_all=self.is_of_everybody)

    def steps(self, size: int = STEP) -> Iterator[list[int]]:
        """The ids, so many at a time. Raises Refused for more than may be named one by one."""
        if self.query is not None:
            yield from results.every_id(self.query, audience=self.audience, step=size)
            return
        if len(self.ids) > MOST_IDS:
            raise Refused(f"At most {MOST_IDS:,} pictures can be named one by one; select all results instead.")
        named = iter(dict.fromkeys(self.ids))
        while step := list(islice(named, size)):
            yield step


def add_tag(selection: Selection, name: str) -> Change:
    """Raises Refused for what is no name."""
    return add_label(selection, label_for(name))


def add_label(selection: Selection, label: Label) -> Change:
    return run(selection, Act.ADD_TAG, label=label)


def remove_tag(selection: Selection, label: Label) -> Change:
    return run(selection, Act.REMOVE_TAG, label=label)


def decide(selection: Selection, label: Label, decision: str) -> Change:
    """Confirm or reject a label where it is to be seen."""
    return run(selection, Act.CONFIRM if decision == Verdict.Decision.CONFIRMED else Act.REJECT, label=label)


def open_to(selection: Selection, openness: int) -> Change:
    return run(selection, Act.OPEN_TO, openness=Image.Openness(openness))


def trash(selection: Selection) -> Change:
    return run(selection, Act.TRASH)


def restore(selection: Selection) -> Change:
    """Those whose bytes were brought in again meanwhile stay in the trash and count as unchanged."""
    return run(selection, Act.RESTORE)


def give(selection: Selection, receiver: AbstractBaseUser) -> Change:
    """Make them somebody else's; those whose bytes the receiver has already count as unchanged."""
    return run(selection, Act.GIVE, receiver_id=receiver.pk)


def favor(selection: Selection, *, is_favorite: bool) -> Change:
    """One's own mark, on whatever one may see."""
    return run(selection, Act.FAVORITE if is_favorite else Act.UNFAVORITE)


def undo(token: int, *, by: AbstractBaseUser) -> Change:
    """Put back what a change changed, but for what somebody changed since; `number` is then how many that are.

    What goes on in the background is later.undo's: pipeline.undo knows which.
    Raises Refused for what is undone already, too old or another person's.
    """
    change = stop(token, by=by)
    change.number = 0
    while (number := put_back_step(change)) is not None:
        change.number += number
    return change


def stop(token: int, *, by: AbstractBaseUser) -> Change:
    """Say that a change is being undone, so that nothing more of it is done.

    Raises Refused for what is undone already, too old or another person's.
    """
    change = Change.objects.filter(pk=token, person_id=by.pk, done_at__gt=Now() - UNDOABLE).first()
    if change is None:
        raise Refused("This cannot be undone any more.")
    is_first = Change.objects.filter(pk=token, undone_at=None).update(undone_at=Now())
    if not is_first and not change.images.exists():
        raise Refused("This is undone already.")
    return change


def tags_of(selection: Selection) -> list[tuple[Label, str]]:
    """What people added to the pictures, by name, and whether "all" or "some" carry it; by the first thousand."""
    ids = next(selection.steps(), [])
    changeable = list(Image.objects.filter(pk__in=ids).changeable_by(selection.person.pk).values_list("pk", flat=True))
    carried: dict[int, int] = {}
    said = Verdict.objects.filter(image_id__in=changeable, decision__in=POSITIVE)
    tags = said.filter(label__kind=Label.Kind.TAG) | said.filter(decision=Verdict.Decision.ADDED)
    for label_id in tags.values_list("label_id", flat=True):
        carried[label_id] = carried.get(label_id, 0) + 1
    labels = Label.objects.filter(pk__in=carried).order_by("name", "pk")
    return [(label, "all" if carried[label.pk] == len(changeable) else "some") for label in labels]


def forget_old() -> None:
    """Delete changes that cannot be undone any more; not those that are still gone on with, or taken back."""
    old = list(Change.objects.filter(done_at__lte=Now() - UNDOABLE, is_open=False).values_list("pk", flat=True))
    if old:
        ChangedImage.objects.filter(change_id__in=old).delete()
        Change.objects.filter(pk__in=old).delete()


def run(selection: Selection, action: str, **of_what: Any) -> Change:
    """Step by step, so that what was done before a failure is written down and can be undone."""
    steps = selection.steps()
    first = next(steps, [])  # a selection that is refused leaves no trace
    change = Change.objects.create(
        person_id=selection.person.pk, action=action, is_of_everybody=selection.is_of_everybody, **of_what
    )
    change.refresh_from_db(fields=["done_at"])
    while first:
        if not _step(change, first):
            break
        first = next(steps, [])
    change.refresh_from_db()
    return change


def _step(change: Change, ids: list[int]) -> bool:
    """Change so many pictures and write down what they were; False when the whole is being undone already."""
    with transaction.atomic():
        locked = ACTIONS[change.action].among(change).select_for_update(of=("self",)).filter(pk__in=ids)
        mine = list(locked.order_by("pk").values_list("pk", flat=True))
        running = Change.objects.select_for_update().filter(pk=change.pk, undone_at=None)
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


def put_back_step(change: Change) -> int | None:
    """Put back so many pictures; None when there are no more."""
    with transaction.atomic():
        rows = change.images.order_by("image_id")[:STEP]
        before: Before = dict(rows.values_list("image_id", "before"))
        if not before:
            return None
        # Locked in the order that everybody locks them; of two who undo at once the second finds these rows gone.
        mine = ACTIONS[change.action].among(change).select_for_update(of=("self",)).filter(pk__in=before)
        ids = set(mine.order_by("pk").values_list("pk", flat=True))
        still = set(change.images.filter(image_id__in=before).values_list("image_id", flat=True))
        meant = {pk: kept for pk, kept in before.items() if pk in ids & still}
        number = ACTIONS[change.action].put_back(change, meant)
        change.images.filter(image_id__in=before).delete()
        Change.objects.filter(pk=change.pk).update(restored=F("restored") + number)
    return number
