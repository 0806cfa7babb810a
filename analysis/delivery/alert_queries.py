"""Searches of alerts, prepared for comparison with a few pictures at a time.

Most searches are only about labels. They are compared in memory with the labels of the changed pictures, which are read
once for all alerts. The database is only queried for other terms.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from time import monotonic

from analysis.models import Viewer
from analysis.search.database import fetch_all
from analysis.search.query import Query
from analysis.search.resolve import named_labels
from analysis.search.results import Search
from analysis.search.sql.expressions import Sql, all_of
from analysis.search.syntax.parser import InvalidQuery, parse
from analysis.search.terms import SimilarTerm, SpanTerm
from analysis.search.terms.anniversaries import DayTerm

MAX_AGE = 600.0
"""Seconds until an alert notices renamed labels; new labels, folders and people are noticed at once."""
MAX_AGE_OF_DATES = 60.0
"""Seconds until it notices a new day."""
MAX_CACHED = 5_000
"""Searches cached by a process."""

_CHANGED = """
    SELECT i.id, i.owner_id, i.visibility, l.label_id, l.confidence FROM analysis_image i
    LEFT JOIN analysis_imagelabel l ON l.image_id = i.id WHERE i.id = ANY(%s) AND i.trashed_at IS NULL
"""
# Names are resolved again when there is a new one, since the change that an alert waits for may create its label.
_NEWEST = """
    SELECT ARRAY[(SELECT max(id) FROM analysis_label), (SELECT max(id) FROM analysis_labelalias),
                 (SELECT max(id) FROM analysis_folder), (SELECT max(id) FROM accounts_user)]::bigint[]
"""
Newest = tuple[int | None, ...]
Key = tuple[str, int]
"""The text of a search, and its user."""


@dataclass(frozen=True)
class ChangedImages:
    """Changed pictures outside the trash, with their owners, visibility and labels."""

    visibilities: Mapping[int, tuple[int, int]]
    """Owner and visibility by picture."""
    confidences: Mapping[int, Mapping[int, int]]
    """Hundredths of a percent by label and picture."""
    _visible: dict[int, frozenset[int]] = field(default_factory=dict)

    @classmethod
    def read(cls, image_ids: Collection[int]) -> ChangedImages:
        visibilities: dict[int, tuple[int, int]] = {}
        confidences: dict[int, dict[int, int]] = {}
        for image_id, owner_id, visibility, label_id, confidence in fetch_all(_CHANGED, [list(image_ids)]):
            visibilities[image_id] = owner_id, visibility
            if label_id is not None:
                confidences.setdefault(label_id, {})[image_id] = confidence
        return cls(visibilities, confidences)

    def visible_to(self, user_id: int) -> frozenset[int]:
        if user_id not in self._visible:
            minimum = Viewer(user_id).min_visibility
            self._visible[user_id] = frozenset(
                image_id
                for image_id, (owner_id, visibility) in self.visibilities.items()
                if owner_id == user_id or visibility >= minimum
            )
        return self._visible[user_id]

    def with_any(self, label_ids: Collection[int], *, minimum: int = 0) -> set[int]:
        """Pictures with one of the labels at this confidence."""
        rows = (self.confidences[label_id] for label_id in label_ids if label_id in self.confidences)
        return {image_id for row in rows for image_id, confidence in row.items() if confidence >= minimum}


@dataclass(frozen=True)
class PreparedQuery:
    """A search of one user with its names resolved."""

    search: Search
    user_id: int
    newest: Newest
    made_at: float = field(default_factory=monotonic)

    def is_fresh(self, newest: Newest) -> bool:
        return self.newest == newest and monotonic() - self.made_at < self._max_age

    @cached_property
    def _max_age(self) -> float:
        leaves = [leaf for part in self.search.query.parts for leaf in part.leaves]
        if any(isinstance(leaf, SimilarTerm) for leaf in leaves):
            return 0.0  # the similar pictures are part of the resolved search
        return MAX_AGE_OF_DATES if any(isinstance(leaf, SpanTerm | DayTerm) for leaf in leaves) else MAX_AGE

    @cached_property
    def rest(self) -> Sql | None:
        """The condition on `d`, the picture's row, that labels cannot decide.

        None if there is none.
        """
        parts = self.search.plan.parts
        by_labels = [required.part for required in parts.required if required.is_all]
        left = [part for part in parts.parts if part not in by_labels and part not in parts.excluded]
        return all_of(parts.conditions[part].inline for part in left) if left else None

    def candidates(self, changed: ChangedImages) -> set[int]:
        """The pictures that match as far as labels decide."""
        if self._is_empty:
            return set()
        matches = set(changed.visible_to(self.user_id))
        for label_ids, minimum in self._required:
            if not matches:
                break
            matches &= changed.with_any(label_ids, minimum=minimum)
        for label_ids in self._excluded:
            matches -= changed.with_any(label_ids)
        return matches

    # Cached, since the plan derives them each time, for each alert and change.

    @cached_property
    def _is_empty(self) -> bool:
        return self.search.plan.is_empty

    @cached_property
    def _required(self) -> list[tuple[tuple[int, ...], int]]:
        return [(required.labels.ids, required.minimum) for required in self.search.plan.parts.required]

    @cached_property
    def _excluded(self) -> list[tuple[int, ...]]:
        return [labels.ids for labels in self.search.plan.parts.excluded.values()]


class QueryCache:
    """A cache of prepared searches, the most recently used ones."""

    def __init__(self) -> None:
        self._entries: OrderedDict[Key, PreparedQuery] = OrderedDict()

    def prepared(self, keys: Iterable[Key]) -> dict[Key, PreparedQuery | InvalidQuery]:
        """The prepared searches, or the error of an invalid one."""
        newest = tuple(fetch_all(_NEWEST)[0][0])
        stale: dict[Key, Query] = {}
        result: dict[Key, PreparedQuery | InvalidQuery] = {}
        for key in dict.fromkeys(keys):
            entry = self._entries.get(key)
            if entry and entry.is_fresh(newest):
                result[key] = entry
                continue
            try:
                stale[key] = parse(key[0])
            except InvalidQuery as error:
                result[key] = error
        # Hundreds of searches in one statement, since a new name makes all of them stale.
        names = named_labels(*stale.values())
        for key, query in stale.items():
            result[key] = PreparedQuery(Search(query, Viewer(key[1]), names=names), key[1], newest)
        self._keep(result)
        return result

    def _keep(self, prepared: Mapping[Key, PreparedQuery | InvalidQuery]) -> None:
        for key, entry in prepared.items():
            if isinstance(entry, PreparedQuery):
                self._entries[key] = entry
                self._entries.move_to_end(key)
        while len(self._entries) > MAX_CACHED:
            self._entries.popitem(last=False)


CACHE = QueryCache()
