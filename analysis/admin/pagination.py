"""How many rows a list has, counted no further than matters."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.paginator import Paginator
from django.db import DataError
from django.db.models import QuerySet
from django.utils.functional import cached_property
from unfold.views import ChangeList

from analysis import formatting

CAP = 10_000


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts to a cap: `COUNT(*)` of a million rows would cost more than the page. Pages end at the cap, too."""

    @cached_property
    def count(self) -> int:
        return min(self.found, CAP)

    @cached_property
    def found(self) -> int:
        """One more than the cap means more. In whatever order comes cheapest."""
        rows: Any = self.object_list
        if isinstance(rows, QuerySet):
            rows = rows.order_by()
            return int(rows[: CAP + 1].count())
        return len(rows)


class CappedChangeList(ChangeList):  # type: ignore[misc]
    """Says "10,000+" where it stopped counting; what cannot be looked for is a mistake in the address, not of ours."""

    total: str

    def get_results(self, request: Any) -> None:
        try:
            super().get_results(request)
        except (DataError, ValueError, OverflowError) as error:  # a number too large, a byte that no text has
            raise IncorrectLookupParameters(error) from error
        if not self.result_count:
            self.result_list = self.queryset.none()  # what was just looked for in vain is not looked for again
        self.total = formatting.capped_count(getattr(self.paginator, "found", self.paginator.count), cap=CAP)
        self.full_result_count = self.result_count  # else the heading says it, too, and not that it is capped
