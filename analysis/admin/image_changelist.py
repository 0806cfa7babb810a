"""The list of pictures: a library search by a user who may see all of them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.paginator import InvalidPage, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from unfold.views import ChangeList

from analysis import formatting
from analysis.admin.image_query import ANYONE, InvalidFilter, image_query
from analysis.admin.image_rows import facts_of
from analysis.admin.pagination import CAP
from analysis.models import Image
from analysis.search import results
from analysis.search.query import Query


class ImageMatches(Paginator):
    """Pages of a search by the library's own engine. Empty without a query."""

    def __init__(self, query: Query | None, rows: QuerySet[Image], per_page: int) -> None:
        super().__init__([], per_page)
        self.query, self.rows = query, rows

    @cached_property
    def capped_total(self) -> int:
        return 0 if self.query is None else results.count(self.query, viewer=ANYONE, cap=CAP)

    @cached_property
    def count(self) -> int:
        return min(self.capped_total, CAP)

    def images(self, number: int) -> list[Image]:
        """The images of one page. Raises InvalidPage."""
        last = self.validate_number(number) * self.per_page
        if self.query is None:
            return []
        # Read from the first page on, since the admin's pages have numbers and the engine's have cursors. At most CAP
        # rows are read.
        ids = results.image_ids(self.query, viewer=ANYONE, limit=last)[last - self.per_page :]
        by_id, facts = self.rows.in_bulk(ids), facts_of(ids)
        for image_id, image in by_id.items():
            vars(image)["facts"] = facts[image_id]  # read by the columns of ImageAdmin
        return [by_id[image_id] for image_id in ids if image_id in by_id]


class ImageChangeList(ChangeList):
    total: str

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Image]:
        """All pictures: get_results narrows them by search."""
        # Without super(), which would apply the filters and the search to the table itself.
        specs, self.has_filters, rest, _may_repeat, self.has_active_filters = self.get_filters(request)
        if rest:
            raise IncorrectLookupParameters(_("Unknown filters: %(names)s.") % {"names": ", ".join(rest)})
        self.filter_specs = specs
        self.clear_all_filters_qs = self.get_query_string(remove=self.get_filters_params())
        rows: QuerySet[Image] = self.apply_select_related(self.root_queryset)
        return rows

    def get_results(self, request: HttpRequest) -> None:
        query = None
        try:
            query = image_query(request.GET)
        except InvalidFilter as error:
            messages.error(request, str(error))
        self.paginator = ImageMatches(query, self.queryset, self.list_per_page)
        try:
            self.result_list = self.paginator.images(self.page_num)
        except InvalidPage as error:
            raise IncorrectLookupParameters(error) from error
        self.result_count = self.paginator.count
        self.total = formatting.capped_count(self.paginator.capped_total, cap=CAP)
        self.multi_page = self.result_count > self.list_per_page
        self.show_full_result_count, self.full_result_count = False, self.result_count
        self.show_admin_actions, self.can_show_all = True, False
