"""Base classes of the admin's lists and forms."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ERROR_FLAG, ChangeList
from django.db.models import QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from analysis import formatting
from analysis.admin import widgets
from analysis.admin.audited import AuditedAdmin
from analysis.admin.pagination import CappedChangeList, CappedPaginator
from analysis.search.time_limit import SearchTooSlow, time_limit

NOTHING_SELECTED = gettext_lazy("Nothing is selected. Select rows first.")
ROWS_GONE = gettext_lazy("The selected rows no longer exist. Nothing was changed.")
INVALID_FILTER = gettext_lazy("Invalid filter; showing all rows.")
MAX_DELETED = 1_000


class PageAdmin(AuditedAdmin):
    """A list that stays fast at a million rows; actions check the submitted keys."""

    paginator = CappedPaginator
    # Django would count the whole table in addition to the filtered rows on every page.
    show_full_result_count = False
    list_per_page = 50
    list_filter_submit = True
    list_fullwidth = True
    warn_unsaved_form = True
    # No browser survives "Show all" of a million rows.
    list_max_show_all = 0
    indexed_moment = ""
    """A list filtered to days of this column is also sorted by it, so that one index filters and sorts."""

    def get_ordering(self, request: HttpRequest) -> Any:
        bounds = (request.GET.get(f"{self.indexed_moment}_{end}") for end in ("from", "to"))
        if self.indexed_moment and any(bounds):
            return (f"-{self.indexed_moment}", "-pk")
        return super().get_ordering(request)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Refuse filters by hidden columns; "starts with" would tell their text."""
        if lookup.split(LOOKUP_SEP, maxsplit=1)[0] in (self.exclude or ()):
            return False
        allowed: bool = super().lookup_allowed(lookup, value, request)
        return allowed

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CappedChangeList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        if ERROR_FLAG in request.GET and request.method == "GET":
            messages.warning(request, INVALID_FILTER)
        # Replaces Django's own message, which leaves the user on the result of the POST.
        if request.method == "POST" and "action" in request.POST and not request.POST.getlist(ACTION_CHECKBOX_NAME):
            messages.warning(request, NOTHING_SELECTED)
            return redirect(request.get_full_path())
        if request.method != "GET" or not request.GET:
            return self._list(request, extra_context)
        try:
            with time_limit():
                response = self._list(request, extra_context)
                # Rendered here, within the time limit, since rendering queries the rows.
                return response.render() if isinstance(response, TemplateResponse) else response
        except SearchTooSlow as error:
            messages.error(request, f"{error} {_('Showing all rows.')}")
            return redirect(request.path)

    def _list(self, request: HttpRequest, extra_context: dict[str, Any] | None) -> HttpResponseBase:
        response: HttpResponseBase = super().changelist_view(request, extra_context)
        if isinstance(response, TemplateResponse) and response.context_data and "cl" in response.context_data:
            total = response.context_data["cl"].total
            response.context_data["selection_note_all"] = _("All %(total)s selected") % {"total": total}
        return response

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponseBase | None:
        keys = [key for key in request.POST.getlist(ACTION_CHECKBOX_NAME) if widgets.is_key(self.model, key)]
        if not keys:
            messages.warning(request, NOTHING_SELECTED)
            return None
        # Django filters by the submitted keys unchecked, and PostgreSQL raises DataError for one out of range.
        data: Any = request.POST.copy()
        data.setlist(ACTION_CHECKBOX_NAME, keys)
        request.POST = data
        is_deletion = request.POST.get("action") == "delete_selected"
        # Django loads every row and its relations to confirm a deletion: a million rows would exhaust memory.
        if is_deletion and is_across(request) and queryset.order_by()[: MAX_DELETED + 1].count() > MAX_DELETED:
            sentence = ngettext(
                "You can delete at most %(number)s row at a time. Nothing was deleted.",
                "You can delete at most %(number)s rows at a time. Nothing was deleted.",
                MAX_DELETED,
            )
            messages.error(request, formatting.plural(sentence, MAX_DELETED))
            return None
        # Rows may have been deleted since the list was shown, and Django's actions would report success for none.
        rows = queryset if is_across(request) else queryset.filter(pk__in=keys)
        if not rows.order_by().exists():
            messages.warning(request, ROWS_GONE)
            return None
        response: HttpResponseBase | None = super().response_action(request, queryset)
        return response

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = widgets.KeySelect(db_field, self.admin_site, using=kwargs.get("using"))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = widgets.KeySelectMultiple(db_field, self.admin_site, using=kwargs.get("using"))
        return super().formfield_for_manytomany(db_field, request, **kwargs)


class ReadOnlyAdmin(PageAdmin):
    """Read-only pages for rows that only workers write."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def is_across(request: HttpRequest) -> bool:
    """True for an action on all rows of the list, on all pages."""
    return request.POST.get("select_across") in {"1", "true", "True", "on"}
