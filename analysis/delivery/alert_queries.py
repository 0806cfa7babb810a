"""The searches of alerts, prepared to be compared with a few pictures at a time.

Most searches are about labels alone. Those are compared in memory with the labels of the changed pictures, which are
read once for all alerts; the database is asked only where something else is left to compare.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from time import monotonic

from analysis.models import Viewer
from analysis.search.database import fetch_all
from analysis.search.results import Search
from analysis.search.sql.expressions import Sql, all_of
from analysis.search.syntax.parser import parse
from analysis.search.terms import SimilarTerm

MAX_AGE = 60.0
"""Seconds until an alert notices renamed labels and other days; new labels, folders and people are noticed at once."""
MAX_CACHED = 5_000
"""Searches that a process keeps."""

_CHANGED = """
    SELECT i.id, i.owner_id, i.visibility, l.label_id, l.confidence FROM analysis_image i
    LEFT JOIN analysis_imagelabel l ON l.image_id = i.id WHERE i.id = ANY(%s) AND i.trashed_at IS NULL
"""
# Names are resolved again when there is a new one: a label may be created by the very change that an alert waits for.
_NEWEST = """
    SELECT ARRAY[(SELECT max(id) FROM analysis_label), (SELECT max(id) FROM analysis_labelalias),
                 (SELECT max(id) FROM analysis_folder), (SELECT max(id) FROM accounts_user)]::bigint[]
"""
Newest = tuple[int | None, ...]


@dataclass(frozen=True)
class ChangedImages:
    """Changed pictures outside the trash: who may see them, and their labels."""

    visibilities: Mapping[int, tuple[int, int]]
    """Owner and visibility by picture."""
    confidences: Mapping[int, Mapping[int, int]]
    """Hundredths of a percent by label and picture."""
    _visible: dict[Viewer, frozenset[int]] = field(default_factory=dict)

    @classmethod
    def read(cls, image_ids: Collection[int]) -> ChangedImages:
        visibilities: dict[int, tuple[int, int]] = {}
        confidences: dict[int, dict[int, int]] = {}
        for image_id, owner_id, visibility, label_id, confidence in fetch_all(_CHANGED, [list(image_ids)]):
            visibilities[image_id] = owner_id, visibility
            if label_id is not None:
                confidences.setdefault(label_id, {})[image_id] = confidence
        return cls(visibilities, confidences)

    def visible_to(self, viewer: Viewer) -> frozenset[int]:
        if viewer not in self._visible:
            self._visible[viewer] = frozenset(
                image_id
                for image_id, (owner_id, visibility) in self.visibilities.items()
                if owner_id == viewer.user_id or visibility >= viewer.min_visibility
            )
        return self._visible[viewer]

    def with_any(self, label_ids: Collection[int], *, minimum: int = 0) -> set[int]:
        """Pictures with one of the labels at this confidence."""
        rows = (self.confidences[label_id] for label_id in label_ids if label_id in self.confidences)
        return {image_id for row in rows for image_id, confidence in row.items() if confidence >= minimum}


@dataclass(frozen=True)
class PreparedQuery:
    """A search of one viewer with its names resolved."""

    search: Search
    newest: Newest
    made_at: float = field(default_factory=monotonic)

    def is_fresh(self, newest: Newest) -> bool:
        # The pictures similar to another are part of the resolved search.
        is_stable = not any(isinstance(leaf, SimilarTerm) for part in self.search.query.parts for leaf in part.leaves)
        return is_stable and self.newest == newest and monotonic() - self.made_at < MAX_AGE

    @cached_property
    def rest(self) -> Sql | None:
        """The condition about `d`, the picture's row, that its labels leave open; None if there is none."""
        parts = self.search.plan.parts
        by_labels = [required.part for required in parts.required if required.is_all]
        left = [part for part in parts.parts if part not in by_labels and part not in parts.excluded]
        return all_of(parts.conditions[part].inline for part in left) if left else None

    def candidates(self, changed: ChangedImages) -> set[int]:
        """Those of the pictures that match as far as their labels tell."""
        if self.search.plan.is_empty:
            return set()
        parts, found = self.search.plan.parts, set(changed.visible_to(self.search.viewer))
        for required in parts.required:
            found &= changed.with_any(required.labels.ids, minimum=required.minimum)
            if not found:
                break
        for labels in parts.excluded.values():
            found -= changed.with_any(labels.ids)
        return found


class QueryCache:
    """Prepared searches by text and viewer, the latest used ones."""

    def __init__(self) -> None:
        self._entries: OrderedDict[tuple[str, Viewer], PreparedQuery] = OrderedDict()

    def prepared(self, text: str, viewer: Viewer, *, newest: Newest) -> PreparedQuery:
        """Raises InvalidQuery."""
        key = text, viewer
        entry = self._entries.get(key)
        if entry is None or not entry.is_fresh(newest):
            self._entries[key] = entry = PreparedQuery(Search(parse(text), viewer), newest)
        self._entries.move_to_end(key)
        while len(self._entries) > MAX_CACHED:
            self._entries.popitem(last=False)
        return entry


CACHE = QueryCache()


def newest_names() -> Newest:
    """The latest rows that a name in a search can stand for."""
    [(newest,)] = fetch_all(_NEWEST)
    return tuple(newest)
