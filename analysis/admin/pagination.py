"""Pagination of the admin's lists with a capped row count."""

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


class CappedPaginator(Paginator):
    """Counts up to a cap, since counting a million rows takes longer than the page."""

    @cached_property
    def count(self) -> int:
        return min(self.capped_total, CAP)

    @cached_property
    def capped_total(self) -> int:
        """The number of rows; one more than the cap means more."""
        rows: Any = self.object_list
        if isinstance(rows, QuerySet):
            return int(rows.order_by()[: CAP + 1].count())  # unordered, so that PostgreSQL sorts nothing
        return len(rows)


class CappedChangeList(ChangeList):
    """Shows a capped count ("10,000+"); redirects from bad filter values."""

    total: str

    def get_results(self, request: Any) -> None:
        try:
            super().get_results(request)
        except (DataError, ValueError, OverflowError) as error:  # such as a number that is too large, or NUL in a text
            raise IncorrectLookupParameters(error) from error
        if not self.result_count:
            self.result_list = self.queryset.none()  # otherwise the template would query a second time for no rows
        self.total = formatting.capped_count(getattr(self.paginator, "capped_total", self.paginator.count), cap=CAP)
        self.full_result_count = self.result_count  # otherwise Unfold's heading would repeat the count without "+"
