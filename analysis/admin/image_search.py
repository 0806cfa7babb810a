"""Lists of what belongs to pictures, searched as the pictures are."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest

from analysis import permissions
from analysis.admin.image_query import ANYONE
from analysis.search import results
from analysis.search.syntax.parser import InvalidQuery, parse

MOST = 1_000
HELP = "Of which pictures: dog, owner:anna, is:failed …"


class ImageSearchMixin:
    """The search box names pictures; the rows are theirs. Of more pictures than MOST, those of the first are shown."""

    search_fields = ("pk",)  # the box is shown where there are any
    search_help_text = HELP

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Of pictures that one may not see nothing is told."""
        rows: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]
        return (
            rows
            if permissions.can_view_all_images(request.user)
            else rows.filter(image__in=permissions.viewable_images(request.user))
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        text = search_term.replace("\x00", " ").strip()
        if not text:
            return queryset, False
        try:
            query = parse(text)
        except InvalidQuery as error:
            messages.error(request, f"This search is not understood. Column {error.column}: {error}")
            return queryset.none(), False
        ids = results.image_ids(query, viewer=ANYONE, limit=MOST + 1)
        if len(ids) > MOST:
            messages.info(request, f"These are of the first {MOST:,} pictures found; say more to see others.")
        return queryset.filter(image__in=ids[:MOST]), False
