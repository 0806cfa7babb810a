"""What the dashboard was asked for: whose figures, of which time, and where a row of them leads to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from django.urls import reverse

from analysis.statistics import queries, queue_depth
from analysis.statistics.periods import Period
from analysis.web import links


@dataclass(frozen=True)
class Scope:
    """Whose figures of which time: one person's pictures, or with `person_id` None the whole library's."""

    span: Period
    person_id: int | None
    has_choice: bool = False
    """Whether this reader may see either."""
    has_lists: bool = False
    """Whether they may look at everybody's pictures, which no search of theirs finds but the administration lists."""

    @property
    def is_all(self) -> bool:
        return self.person_id is None

    @property
    def whose(self) -> str:
        """The term that narrows a search to these pictures."""
        return "" if self.is_all else "owner:me"

    @property
    def is_listed(self) -> bool:
        return self.is_all and self.has_lists

    @property
    def note(self) -> str:
        """Where links cannot find all that was counted, the page says so."""
        if self.is_all and not self.has_lists:
            return "Counted are everybody's pictures; the links find those of them that you may see."
        return ""

    def search(self, *terms: str) -> str:
        """To the pictures themselves; those of the whole library in the administration, by the same search."""
        list_or_library = "admin:analysis_image_changelist" if self.is_listed else "library"
        return links.with_parameters(reverse(list_or_library), q=" ".join(filter(None, [*terms, self.whose])))

    def to_ended(self, start: datetime | None = None, **more: str) -> str:
        """To the analyses that ended in a step of the time, or in all of it; only the administration lists them."""
        return self._listed("analysis", "finished_at", start, **more)

    def to_ledger(self, start: datetime) -> str:
        return self._listed("spend", "day", start)

    def to_waiting(self, depth: queue_depth.QueueDepth) -> str:
        if not self.is_listed:
            return self.search("is:pending")
        given = {"state__exact": "queued", "api__exact": depth.api, "recognizer": depth.recognizer}
        return links.with_parameters(reverse("admin:analysis_analysis_changelist"), **given)

    def _listed(self, model: str, column: str, start: datetime | None, **more: str) -> str:
        if not self.is_listed:
            return ""
        first, last = self._days(start)
        given = {**more, f"{column}_from": str(first), f"{column}_to": str(last)}
        return links.with_parameters(reverse(f"admin:analysis_{model}_changelist"), **given)

    def _days(self, start: datetime | None) -> tuple[date, date]:
        return self.span.days(start) if start else (self.span.start.date(), self.span.last_day)

    @cached_property
    def added(self) -> dict[datetime, queries.Total]:
        return queries.added(self.span, self.person_id)

    @cached_property
    def ended(self) -> dict[datetime, queries.Ended]:
        return queries.ended(self.span, self.person_id)

    @cached_property
    def total(self) -> queries.Total:
        return queries.total(self.person_id)

    @cached_property
    def depths(self) -> list[queue_depth.QueueDepth]:
        return queue_depth.queue_depths()

    @property
    def number_added(self) -> int:
        return sum(each.pictures for each in self.added.values())
