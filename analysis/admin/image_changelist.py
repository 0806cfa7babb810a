"""The list of pictures: a search like any other, by whoever sees all."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.paginator import InvalidPage, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.views import ChangeList

from analysis import formatting
from analysis.admin.image_query import ANYONE, InvalidFilter, image_query
from analysis.admin.pagination import CAP
from analysis.models import Image
from analysis.search import results
from analysis.search.query import Query


class ImageMatches(Paginator):  # type: ignore[type-arg]
    """Pages of a search, found as the library finds them. Without a query there are none."""

    def __init__(self, query: Query | None, rows: QuerySet[Image], per_page: int) -> None:
        super().__init__([], per_page)
        self.query, self.rows = query, rows

    @cached_property
    def found(self) -> int:
        return 0 if self.query is None else results.count(self.query, viewer=ANYONE, cap=CAP)

    @cached_property
    def count(self) -> int:
        return min(self.found, CAP)

    def images(self, number: int) -> list[Image]:
        """Of one page. Raises InvalidPage."""
        last = self.validate_number(number) * self.per_page
        if self.query is None:
            return []
        ids = results.image_ids(self.query, viewer=ANYONE, limit=last)[last - self.per_page :]
        by_id = self.rows.in_bulk(ids)
        return [by_id[each] for each in ids if each in by_id]


class ImageChangeList(ChangeList):  # type: ignore[misc]
    total: str

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Image]:
        """All pictures there are: which of them, the search says."""
        specs, self.has_filters, rest, _, self.has_active_filters = self.get_filters(request)
        if rest:
            raise IncorrectLookupParameters(f"Pictures are not filtered by {', '.join(rest)}.")
        self.filter_specs = specs
        self.clear_all_filters_qs = self.get_query_string(remove=self.get_filters_params())
        rows: QuerySet[Image] = self.apply_select_related(self.root_queryset)
        return rows

    def get_results(self, request: HttpRequest) -> None:
        query = None
        try:
            query = image_query(request.GET)
        except InvalidFilter as complaint:
            messages.error(request, str(complaint))
        self.paginator = ImageMatches(query, self.queryset, self.list_per_page)
        try:
            self.result_list = self.paginator.images(self.page_num)
        except InvalidPage as error:
            raise IncorrectLookupParameters(error) from error
        self.result_count, self.total = self.paginator.count, formatting.capped_count(self.paginator.found, cap=CAP)
        self.multi_page = self.result_count > self.list_per_page
        self.show_full_result_count, self.full_result_count = False, self.result_count
        self.show_admin_actions, self.can_show_all = True, False
