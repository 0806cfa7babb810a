"""The parts of a query by use: required labels, candidates and conditions."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property

from analysis.search.pagination import ORDERINGS, Ordering
from analysis.search.plans.candidates import label_set_candidates
from analysis.search.resolve import ResolvedQuery
from analysis.search.sql.expressions import FALSE, Sql, all_of
from analysis.search.terms import HasTerm, LabelTerm, Node, OwnerTerm, SimilarTerm, SpanTerm
from analysis.search.terms.base import Candidates, RequiredLabels
from analysis.search.terms.owners import Owner

BUDGET = 3_000
"""Index entries that the first scan reads before the plan tries something else; about 10 ms."""
MAX_SCANNED_LABELS = 8
"""A term that matches more labels than this is not scanned along; each label is a scan of its own."""
LABEL_ENTRIES_PER_IMAGE = 20
"""Entries of a label's index that take as long to read as one image."""


class QueryParts:
    """The parts of a resolved query, sorted by how they can be searched."""

    def __init__(self, resolved: ResolvedQuery, *, budget: int = BUDGET, ranked_by: LabelTerm | None = None) -> None:
        self.resolved, self.parts, self.budget = resolved, resolved.query.parts, budget
        self.ranked_by = ranked_by or first_label(resolved)
        self.required = sorted(
            (required for part in self.parts for required in part.required_labels(resolved)),
            key=lambda required: (required.labels.image_count, required.labels.ids),
        )
        """The rarest first."""
        self.excluded = {part: labels for part in self.parts if (labels := part.excluded_labels(resolved))}
        self.conditions = {part: part.condition(resolved) for part in self.parts}
        # Without a label there is no confidence to sort by, and without a picture no similarity.
        is_sortable = {"confidence": self.ranked, "similarity": self.reference}.get(resolved.query.sort, True)
        self.sort = resolved.query.sort if is_sortable else "newest"

    @property
    def order(self) -> Ordering:
        return ORDERINGS[self.sort]

    @property
    def is_empty(self) -> bool:
        """A required label does not exist, so no image matches."""
        return FALSE in self.conditions.values() or any(not required.labels.ids for required in self.required)

    @property
    def ranked(self) -> RequiredLabels | None:
        """The label whose confidence is the sort key: the first one in the query."""
        return next((required for required in self.required if required.part == self.ranked_by), None)

    @property
    def reference(self) -> SimilarTerm | None:
        """The term whose distances are the sort key: the first one in the query."""
        return next((part for part in self.parts if isinstance(part, SimilarTerm)), None)

    @property
    def driver(self) -> RequiredLabels | None:
        """The rarest required label whose index can be scanned in order of time."""
        return next((required for required in self.required if len(required.labels.ids) <= MAX_SCANNED_LABELS), None)

    @cached_property
    def selective_source(self) -> Candidates | None:
        """The few candidates of a selective part."""
        return next((source for source in self._sources.values() if source.are_few), None)

    @cached_property
    def table_source(self) -> Candidates | None:
        """Candidates from another table, few or many."""
        # Faces and text are in so many images that a label finds fewer.
        sources = (
            source for part, source in self._sources.items() if not (self.required and isinstance(part, HasTerm))
        )
        return next((source for source in sources if not source.are_few), None)

    @cached_property
    def _sources(self) -> dict[Node, Candidates]:
        return {part: source for part in self.parts if (source := part.candidates(self.resolved))}

    @cached_property
    def image_filter(self) -> Sql | None:
        """A condition about `analysis_image i` that an index answers."""
        filters = (part.image_filter(self.resolved) for part in self.parts)
        return next((sql for sql in filters if sql), None)

    @property
    def owner(self) -> Owner | None:
        """The one owner whose images can match."""
        return next((part.owner(self.resolved) for part in self.parts if isinstance(part, OwnerTerm)), None)

    @property
    def prefers_owner_scan(self) -> bool:
        """Reading all images of the owner is cheaper than a label's index."""
        if self.owner is None or not self.owner.has_few:
            return False
        owned = self.owner.image_count
        return not self.required or self.required[0].labels.image_count > LABEL_ENTRIES_PER_IMAGE * owned

    def residual_filter(self, *matched: Node, is_indexed: bool = True, is_inline: bool = False) -> Sql:
        """The condition of all parts but the matched ones.

        `is_indexed`: the rows have added_at, owner_id and visibility; `is_inline`: all columns of the image.
        """
        remaining = [(part, sql) for part, sql in self.conditions.items() if part not in matched]
        result = all_of((is_indexed and part.row_condition(self.resolved)) or sql for part, sql in remaining)
        return result.inline if is_inline else result

    def label_set_source(self) -> Candidates:
        """Candidates by the GIN index over label sets."""
        return label_set_candidates(self.required, self.excluded)

    @property
    def reads_image_columns(self) -> bool:
        """Some condition reads columns of analysis_image."""
        return any(sql.inline.text != sql.text for sql in self.conditions.values())

    @property
    def uses_partial_index(self) -> bool:
        """Some part has a partial index of images in order of time."""
        return any(part.partial_index for part in self.parts)

    def days_of(self, field: str) -> tuple[datetime | None, datetime | None]:
        """The first moment and the first moment after the end of the dates taken or added."""
        parts = [part for part in self.parts if isinstance(part, SpanTerm) and part.field == field]
        return parts[0].span(self.resolved.moment) if parts else (None, None)

    def has_date_added(self) -> bool:
        return any(self.days_of("added"))


def first_label(resolved: ResolvedQuery) -> LabelTerm | None:
    return next((part for part in resolved.query.parts if isinstance(part, LabelTerm)), None)
