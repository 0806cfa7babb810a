"""The parts of a query by use: required labels, candidates and conditions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from analysis.search.label_tree import images_without_ancestor
from analysis.search.pagination import DEFAULT_SORT, ORDERINGS, Order, Ordering
from analysis.search.plans.costs import BUDGET, Statistics
from analysis.search.resolve import ResolvedQuery
from analysis.search.sql.conditions import LabelSet
from analysis.search.sql.expressions import FALSE, Sql, all_of
from analysis.search.terms import HasTerm, LabelTerm, Node, OwnerTerm, SimilarTerm, SpanTerm, StateTerm
from analysis.search.terms.base import Candidates, RequiredLabels
from analysis.search.terms.dates import Span
from analysis.search.terms.owners import Owner

MAX_SCANNED_LABELS = 8
"""Terms with more labels than this do not use label scans, since each label is a separate scan."""


@dataclass(frozen=True)
class QueryParts:
    """The parts of a resolved query, sorted by how they can be searched."""

    resolved: ResolvedQuery
    ranked_by: LabelTerm | None
    """The label by whose confidence the result may be sorted: the first one in the query."""

    @property
    def parts(self) -> tuple[Node, ...]:
        return self.resolved.query.parts

    @cached_property
    def required(self) -> list[RequiredLabels]:
        """The rarest first."""
        required = (labels for part in self.parts for labels in part.required_labels(self.resolved))
        return sorted(required, key=lambda labels: (labels.labels.image_count, labels.labels.ids))

    @cached_property
    def excluded(self) -> dict[Node, LabelSet]:
        return {part: labels for part in self.parts if (labels := part.excluded_labels(self.resolved))}

    @cached_property
    def conditions(self) -> dict[Node, Sql]:
        return {part: part.condition(self.resolved) for part in self.parts}

    @property
    def is_empty(self) -> bool:
        """True if a required label does not exist, so that no image matches."""
        return FALSE in self.conditions.values() or any(not required.labels.ids for required in self.required)

    @cached_property
    def ranked(self) -> RequiredLabels | None:
        """The labels whose confidence may be the sort key."""
        return next((required for required in self.required if required.part == self.ranked_by), None)

    @cached_property
    def reference(self) -> SimilarTerm | None:
        """The term whose order may be the sort key: the first one in the query."""
        return next((part for part in self.parts if isinstance(part, SimilarTerm)), None)

    @cached_property
    def scannable(self) -> RequiredLabels | None:
        """The rarest required label whose index can be scanned in order of time."""
        return next((required for required in self.required if len(required.labels.ids) <= MAX_SCANNED_LABELS), None)

    @cached_property
    def candidates(self) -> Candidates | None:
        """A statement for all matches of one part, if possible one with few matches."""
        required = [labels.labels.ids for labels in self.required]
        excluded = [labels.ids for labels in self.excluded.values()]
        corrected = images_without_ancestor(required, excluded, maximum=BUDGET)
        if corrected is not None:
            return Candidates(Sql("SELECT unnest(%s::bigint[]) AS image_id", (corrected,)), are_few=True)
        sources = {part: source for part in self.parts if (source := part.candidates(self.resolved))}
        if few := [candidates for candidates in sources.values() if candidates.are_few]:
            return few[0]
        # A label usually matches fewer images than faces and text.
        useful = (source for part, source in sources.items() if not (self.required and isinstance(part, HasTerm)))
        return next(useful, None)

    @cached_property
    def image_filter(self) -> Sql | None:
        """A condition on `analysis_image i` that an index supports."""
        filters = (part.image_filter(self.resolved) for part in self.parts)
        return next((sql for sql in filters if sql), None)

    @cached_property
    def partial_index(self) -> str:
        """The conditions of partial indexes on `analysis_image i`, to append to others."""
        return "".join(f" AND {part.partial_index}" for part in self.parts if part.partial_index)

    @cached_property
    def owner(self) -> Owner | None:
        """The one owner whose images can match."""
        return next((part.owner(self.resolved) for part in self.parts if isinstance(part, OwnerTerm)), None)

    @property
    def is_private(self) -> bool:
        """`is:private` means the viewer's own images unless they see everyone's."""
        viewer = self.resolved.viewer
        return StateTerm("private") in self.parts and viewer.user_id is not None and not viewer.sees_all

    @property
    def reads_images(self) -> bool:
        """True if some condition reads columns of analysis_image."""
        return any(sql.inline.text != sql.text for sql in self.conditions.values())

    def residual_filter(self, *matched: Node, is_indexed: bool = True, is_inline: bool = False) -> Sql:
        """The condition of all parts that the source does not match already.

        `is_indexed`: the rows have sort_time, owner_id and visibility; `is_inline`: all columns of the image.
        """
        remaining = [(part, sql) for part, sql in self.conditions.items() if part not in matched]
        result = all_of((is_indexed and part.row_condition(self.resolved)) or sql for part, sql in remaining)
        return result.inline if is_inline else result

    def span_of(self, field: str) -> Span:
        """The first moment and the first moment after the end of the dates taken or added."""
        parts = [part for part in self.parts if isinstance(part, SpanTerm) and part.field == field]
        return parts[0].dates(self.resolved) if parts else (None, None)

    @property
    def ordering(self) -> Ordering:
        """The sort order.

        Without a label there is no confidence to sort by, and without a picture no similarity.
        """
        sort = self.resolved.query.sort
        is_sortable = {"confidence": self.ranked, "similarity": self.reference}.get(sort, True)
        return ORDERINGS[sort if is_sortable else DEFAULT_SORT]

    def statistics(self, order: Order, *, limit: int, budget: int = BUDGET) -> Statistics:
        """The numbers that the choice of a strategy depends on."""
        candidates = self.candidates
        # By confidence, only the label that is the sort key matters.
        first = self.ranked if order is Order.CONFIDENCE and self.ranked else None
        required = [first] if first else self.required
        return Statistics(
            order=order,
            limit=limit,
            image_count=self.resolved.image_count,
            labels=tuple(labels.labels.image_count for labels in required),
            excluded=tuple(labels.image_count for labels in self.excluded.values()),
            has_minimums=any(labels.minimum for labels in required),
            scannable=self.scannable.labels.image_count if self.scannable else None,
            owned=self.owner.image_count if self.owner and self.owner.has_few else None,
            is_unfiltered=not self.parts,
            has_few_candidates=candidates is not None and candidates.are_few,
            has_table=candidates is not None and not candidates.are_few,
            has_image_filter=self.image_filter is not None,
            has_partial_index=bool(self.partial_index),
            has_date_taken=any(self.span_of("taken")),
            reads_images=self.reads_images,
            budget=budget,
        )


def first_label(resolved: ResolvedQuery) -> LabelTerm | None:
    return next((part for part in resolved.query.parts if isinstance(part, LabelTerm)), None)
