"""What the admin's pages share."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ERROR_FLAG, ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from unfold.admin import ModelAdmin

from analysis.admin import widgets
from analysis.admin.pagination import CappedChangeList, CappedPaginator

NOTHING_SELECTED = "Nothing is selected, so nothing was done."
GONE = "What was selected is not there any more, so nothing was done."
MOST_DELETED = 1_000


class PageAdmin(ModelAdmin):  # type: ignore[misc]
    """A list that stays fast at a million rows, and actions that do not trip over what browsers send."""

    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_filter_submit = True
    list_fullwidth = True
    warn_unsaved_form = True
    list_max_show_all = 0
    indexed_moment = ""
    """Rows narrowed to days by this column come in its order: one index then finds them and ends at the first page."""

    def get_ordering(self, request: HttpRequest) -> Any:
        bounds = (request.GET.get(f"{self.indexed_moment}_{end}") for end in ("from", "to"))
        if self.indexed_moment and any(bounds):
            return (f"-{self.indexed_moment}", "-pk")
        return super().get_ordering(request)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CappedChangeList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        if ERROR_FLAG in request.GET and request.method == "GET":
            messages.warning(request, "This address asks for what cannot be looked for. All rows are shown instead.")
        if request.method == "POST" and "action" in request.POST and not request.POST.getlist(ACTION_CHECKBOX_NAME):
            messages.warning(request, NOTHING_SELECTED)
            return self.back(request)
        answer: HttpResponseBase = super().changelist_view(request, extra_context)
        if isinstance(answer, TemplateResponse) and answer.context_data and "cl" in answer.context_data:
            answer.context_data["selection_note_all"] = f"All {answer.context_data['cl'].total} selected"
        return answer

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponseBase | None:
        """Rows that no row can be are passed over here, since the database would complain of them."""
        chosen = [key for key in request.POST.getlist(ACTION_CHECKBOX_NAME) if widgets.is_key(self.model, key)]
        if not chosen:
            messages.warning(request, NOTHING_SELECTED)
            return None
        sent: Any = request.POST.copy()
        sent.setlist(ACTION_CHECKBOX_NAME, chosen)
        request.POST = sent
        is_deletion = request.POST.get("action") == "delete_selected"
        if is_deletion and is_across(request) and queryset.order_by()[: MOST_DELETED + 1].count() > MOST_DELETED:
            messages.error(request, f"At most {MOST_DELETED:,} rows are deleted at once. Nothing was deleted.")
            return None
        present = queryset if is_across(request) else queryset.filter(pk__in=chosen)
        if not present.order_by().exists():
            messages.warning(request, GONE)
            return None
        answer: HttpResponseBase | None = super().response_action(request, queryset)
        return answer

    def back(self, request: HttpRequest) -> HttpResponseBase:
        return redirect(request.get_full_path())

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = widgets.Choice(db_field, self.admin_site, using=kwargs.get("using"))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = widgets.Choices(db_field, self.admin_site, using=kwargs.get("using"))
        return super().formfield_for_manytomany(db_field, request, **kwargs)


class ReadOnlyAdmin(PageAdmin):
    """Rows that machines write: looked at here, changed by the pipeline alone."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def is_across(request: HttpRequest) -> bool:
    """Whether all rows of the list are meant, on whichever page they are."""
    return request.POST.get("select_across") in {"1", "true", "True", "on"}
