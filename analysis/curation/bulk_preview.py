"""Counts the selected pictures that an action would change.

Uses the scope of the action itself, so that both agree.
"""

from __future__ import annotations

from dataclasses import dataclass

from analysis.curation.bulk import MAX_IDS, Selection
from analysis.curation.bulk_actions import ACTIONS, viewable
from analysis.models import BulkChange
from analysis.search import results
from analysis.search.syntax.parser import InvalidQuery, parse
from analysis.search.time_limit import SearchTooSlow, time_limit


@dataclass(frozen=True)
class Permitted:
    """Of `total` pictures that the user sees, `number` would be changed.

    `number` None: too many to count, but some of them can't be changed.
    """

    total: int
    number: int | None

    @property
    def is_all(self) -> bool:
        return self.number == self.total


def permitted(selection: Selection, action: str) -> Permitted:
    """The pictures of a selection that an action may change.

    Raises ActionRefused for a selection that `bulk.apply` refuses.
    """
    probe = BulkChange(person_id=selection.person.pk, action=action, all_owners=selection.all_owners)
    scope, visible = ACTIONS[action].scope(probe), viewable(probe)
    if selection.query is not None and (large := _of_many(selection)):
        return large
    total = number = 0
    for image_ids in selection.steps():
        allowed = set(scope.filter(pk__in=image_ids).values_list("pk", flat=True))
        visible_ids = set(visible.filter(pk__in=image_ids).values_list("pk", flat=True))
        total, number = total + len(visible_ids | allowed), number + len(allowed)
    return Permitted(total, number)


def _of_many(selection: Selection) -> Permitted | None:
    """The result for a search with more matches than are counted one by one."""
    query = selection.query
    if query is None:
        return None
    try:
        with time_limit():
            if results.count(query, viewer=selection.viewer, cap=MAX_IDS) <= MAX_IDS:
                return None
            others = results.count(parse(f"{query.text} -owner:me"), viewer=selection.viewer, cap=1)
    except (InvalidQuery, SearchTooSlow):  # too long with another term, or not counted in time
        return Permitted(MAX_IDS, None)
    return Permitted(MAX_IDS, None if others else MAX_IDS)
