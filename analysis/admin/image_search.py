"""Lists of rows that belong to pictures, searched in the library's search syntax."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from analysis import formatting, permissions
from analysis.admin.base import PageAdmin
from analysis.admin.image_query import ANYONE, InvalidFilter, parse_search
from analysis.search import results

MAX_IMAGES = 1_000
HELP = _("Search by picture: dog, owner:anna, is:failed …")


class ImageSearchMixin(PageAdmin):
    """Lists the rows of the first MAX_IMAGES pictures that match the search."""

    search_fields = ("pk",)  # Django shows the search box only if this is not empty
    search_help_text = HELP

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Only rows of pictures that the person may see."""
        rows: QuerySet[Any] = super().get_queryset(request)
        if permissions.can_view_all_images(request.user):
            return rows
        return rows.filter(image__in=permissions.viewable_images(request.user))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.replace("\x00", " ").strip():
            return queryset, False
        try:
            query = parse_search(search_term)
        except InvalidFilter as error:
            messages.error(request, str(error))
            return queryset.none(), False
        ids = results.image_ids(query, viewer=ANYONE, limit=MAX_IMAGES + 1)
        if len(ids) > MAX_IMAGES:
            sentence = ngettext(
                "Only the first %(number)s matching picture is included. Narrow the search to see others.",
                "Only the first %(number)s matching pictures are included. Narrow the search to see others.",
                MAX_IMAGES,
            )
            messages.info(request, formatting.plural(sentence, MAX_IMAGES))
        return queryset.filter(image__in=ids[:MAX_IMAGES]), False
