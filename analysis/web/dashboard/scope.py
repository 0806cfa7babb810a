"""Scope of the dashboard: period and owner, and the links from its rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from django.urls import reverse
from django.utils.translation import gettext as _

from analysis.statistics import queries, queue_depth
from analysis.statistics.periods import Period
from analysis.web import links


@dataclass(frozen=True)
class Scope:
    """A period, and the user whose pictures are counted; None for the whole library."""

    span: Period
    person_id: int | None
    has_choice: bool = False
    """The user may switch between their own pictures and the whole library."""
    has_lists: bool = False
    """The user may list all pictures in the administration, while searches find only visible ones."""

    @property
    def is_all(self) -> bool:
        return self.person_id is None

    @property
    def is_listed(self) -> bool:
        return self.is_all and self.has_lists

    @property
    def note(self) -> str:
        if self.is_all and not self.has_lists:
            return _("Counts include everyone's pictures; links show only pictures you have access to.")
        return ""

    def search_url(self, *terms: str) -> str:
        """URL of the pictures: in the user's library, or in the administration for all."""
        page = "admin:analysis_image_changelist" if self.is_listed else "library"
        owner = "" if self.is_all else "owner:me"
        return links.with_parameters(reverse(page), q=" ".join(filter(None, [*terms, owner])))

    def ended_url(self, start: datetime | None = None, **filters: str) -> str:
        """URL of the analyses that ended in one step of the period, or in all of it."""
        return self._admin_url("analysis", "finished_at", start, **filters)

    def ledger_url(self, start: datetime) -> str:
        return self._admin_url("spend", "day", start)

    def queue_url(self, depth: queue_depth.QueueDepth) -> str:
        if not self.is_listed:
            return self.search_url("is:pending")
        # "__exact", as in the links of Django's own filters: without it the list is filtered, but no filter is shown
        # as active.
        filters = {"state__exact": "queued", "api__exact": depth.api, "recognizer": depth.recognizer}
        return links.with_parameters(reverse("admin:analysis_analysis_changelist"), **filters)

    def _admin_url(self, model: str, column: str, start: datetime | None, **filters: str) -> str:
        if not self.is_listed:
            return ""
        first, last = self._days(start)
        parameters = {**filters, f"{column}_from": str(first), f"{column}_to": str(last)}
        return links.with_parameters(reverse(f"admin:analysis_{model}_changelist"), **parameters)

    def _days(self, start: datetime | None) -> tuple[date, date]:
        return self.span.days(start) if start else (self.span.start.date(), self.span.last_day)

    # Used by several tables and tiles, so queried once a request.
    @cached_property
    def added(self) -> dict[datetime, queries.Total]:
        return queries.added(self.span, self.person_id)

    @cached_property
    def ended(self) -> dict[datetime, queries.Ended]:
        return queries.ended(self.span, self.person_id)

    @cached_property
    def total(self) -> queries.Total:
        return queries.current_total(self.person_id)

    @cached_property
    def depths(self) -> list[queue_depth.QueueDepth]:
        return queue_depth.queue_depths()

    @property
    def number_added(self) -> int:
        return sum(total.pictures for total in self.added.values())
