"""Saved searches; a shared one shows readers only pictures that they may see."""

from __future__ import annotations

from dataclasses import dataclass

from django.core import signing
from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from analysis import formatting
from analysis.delivery import alerts
from analysis.models import SavedSearch
from analysis.search.syntax.parser import MAX_LENGTH, InvalidQuery, parse
from analysis.web import toasts
from analysis.web.http import Request, current_user_id, int_param, one_line
from analysis.web.links import with_parameters
from analysis.web.toasts import Toast

DENSITIES = ("small", "medium", "large")
MAX_NAME_LENGTH = 100
MAX_IN_SIDEBAR = 12
MAX_OWN = 500
PAGE_SIZE = 50
"""Shared searches of others per page."""
SALT, DAY = "saved search", 24 * 60 * 60
COLUMNS = ("id", "owner_id", "name", "query", "density", "is_shared")


@dataclass(frozen=True)
class OpenSearch:
    """The saved search open in the library; tells if its query was modified since."""

    id: str
    name: str
    url: str
    density: str
    is_own: bool
    is_modified: bool


@dataclass(frozen=True)
class SearchForm:
    """Cleaned values of a submitted form."""

    name: str
    query: str
    density: str
    is_shared: bool


@require_safe
def searches(request: Request) -> HttpResponse:
    """The user's saved searches, and those that others share."""
    return _page(request)


@require_safe
def search(request: Request, search_id: int) -> HttpResponse:
    """The URL to share; redirects to the library with this search."""
    saved = get_object_or_404(visible(current_user_id(request)), pk=search_id)
    return redirect(library_url_of(saved))


@require_POST
def save(request: Request) -> HttpResponse:
    """Save a query under a new name."""
    form = _form(request)
    error = "" if form.name else _no_name()
    if not error:
        try:
            with transaction.atomic():
                saved = SavedSearch.objects.create(
                    owner_id=current_user_id(request),
                    name=form.name,
                    query=form.query,
                    density=form.density,
                    is_shared=form.is_shared,
                )
        # The constraint decides: with a check before the insert, two tabs could save the same name.
        except IntegrityError:
            error = _name_taken(form.name)
        else:
            toasts.add_toast(request, Toast(_("Saved as “%(name)s”.") % {"name": saved.name}))
            return redirect(library_url_of(saved))
    return _page(request, form=form, error=error, status=422)


@require_POST
def update(request: Request, search_id: int) -> HttpResponse:
    """Change the fields in the form: name, query, density or sharing."""
    saved = get_object_or_404(SavedSearch, pk=search_id, owner_id=current_user_id(request))
    changes = _changes(request)
    if "name" in changes and not changes["name"]:
        return _page(request, error=_no_name(), renamed=saved, status=422)
    try:
        with transaction.atomic():
            SavedSearch.objects.filter(pk=saved.pk).update(**changes)
    except IntegrityError:
        return _page(request, error=_name_taken(str(changes["name"])), renamed=saved, status=422)
    saved.refresh_from_db()
    toasts.add_toast(request, Toast(_update_message(saved, changes)))
    return redirect(library_url_of(saved) if "query" in changes else reverse("searches"))


@require_POST
def delete(request: Request, search_id: int) -> HttpResponse:
    """Delete a saved search and its alerts.

    The Undo form contains the signed rows, so that a restored search keeps its URL.
    """
    saved = get_object_or_404(SavedSearch, pk=search_id, owner_id=current_user_id(request))
    row: dict[str, object] = {name: getattr(saved, name) for name in COLUMNS}
    # Not left to the cascade, since Undo needs their rows.
    row["alerts"] = deleted = [alerts.delete(alert) for alert in saved.alerts.all()]
    saved.delete()
    # The Undo form carries the row, so a column "deleted" and its cleanup are not needed. Signed, since the row names
    # its owner.
    fields = {"row": signing.dumps(row, salt=SALT)}
    message = _("Deleted “%(name)s” and its %(alerts)s.") if deleted else _("Deleted “%(name)s”.")
    message %= {"name": saved.name, "alerts": _number_of_alerts(len(deleted))}
    toasts.add_toast(request, Toast(message, undo_url=reverse("search-restore"), fields=fields))
    return redirect("searches")


@require_POST
def restore(request: Request) -> HttpResponse:
    """Restore a deleted search with its name, owner and URL, and its alerts."""
    try:
        row = signing.loads(request.POST.get("row", ""), salt=SALT, max_age=DAY)
        if row["owner_id"] != current_user_id(request):
            raise signing.BadSignature
        with transaction.atomic():
            deleted = row.pop("alerts", [])
            saved = SavedSearch.objects.create(**row)
            for values in deleted:
                alerts.restore(values)
    except signing.BadSignature:
        toasts.add_toast(request, Toast(_("This can no longer be undone.")))
    except IntegrityError:
        toasts.add_toast(request, Toast(_("Not restored: the search already exists, or another one has its name.")))
    else:
        toasts.add_toast(request, Toast(_("Restored “%(name)s”.") % {"name": saved.name}))
    return redirect("searches")


def visible(reader_id: int) -> QuerySet[SavedSearch]:
    return SavedSearch.objects.filter(Q(owner_id=reader_id) | Q(is_shared=True))


def searches_of(reader_id: int) -> list[SavedSearch]:
    """The reader's searches, as many as fit in the sidebar."""
    return list(SavedSearch.objects.filter(owner_id=reader_id).order_by("name")[:MAX_IN_SIDEBAR])


def open_search(reader_id: int, *, search_id: str, query: str) -> OpenSearch | None:
    """The saved search if the reader may open it, compared with `query`."""
    # 18 digits fit into PostgreSQL's bigint.
    if not search_id.isdecimal() or len(search_id) > 18:
        return None
    saved = visible(reader_id).filter(pk=int(search_id)).first()
    if saved is None:
        return None
    return OpenSearch(
        id=str(saved.pk),
        name=saved.name,
        url=library_url_of(saved),
        density=saved.density,
        is_own=saved.owner_id == reader_id,
        is_modified=_canonical(saved.query) != query,
    )


def library_url_of(saved: SavedSearch) -> str:
    return with_parameters(reverse("library"), q=saved.query, saved=saved.pk)


def _page(
    request: Request,
    *,
    form: SearchForm | None = None,
    error: str = "",
    renamed: SavedSearch | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page; `renamed` is the search whose new name, in the form, was refused."""
    reader = current_user_id(request)
    number = int_param(request.GET.get("page", ""), maximum=10_000)
    start = (number - 1) * PAGE_SIZE
    shared = SavedSearch.objects.filter(is_shared=True).exclude(owner_id=reader).select_related("owner")
    # By primary key too: owners may use the same name, and OFFSET needs a stable order.
    page = list(shared.order_by("name", "pk")[start : start + PAGE_SIZE + 1])
    own = SavedSearch.objects.filter(owner_id=reader).select_related("owner").annotate(alert_count=Count("alerts"))
    context = {
        "own": [_row(saved, alert_count=saved.alert_count) for saved in own.order_by("name")[:MAX_OWN]]
        if number == 1
        else [],
        "shared": [_row(saved) for saved in page[:PAGE_SIZE]],
        "is_first": number == 1,
        "more_url": with_parameters(reverse("searches"), page=number + 1) if len(page) > PAGE_SIZE else "",
        "form": form,
        "error": error,
        "renamed": str(renamed.pk) if renamed else "",
        "typed_name": _name(request),
        "toasts": toasts.take_toasts(request),
    }
    return render(request, "saved_searches.html", context, status=status)


def _row(saved: SavedSearch, *, alert_count: int = 0) -> dict[str, object]:
    return {
        "id": str(saved.pk),
        "name": saved.name,
        "owner": str(saved.owner),
        "query": saved.query,
        "is_shared": saved.is_shared,
        "alerts": _number_of_alerts(alert_count) if alert_count else "",
        "url": library_url_of(saved),
        "address": reverse("search", args=[saved.pk]),
    }


def _number_of_alerts(number: int) -> str:
    return formatting.plural(ngettext("%(number)s alert", "%(number)s alerts", number), number)


def _form(request: Request) -> SearchForm:
    density = request.POST.get("density", "")
    return SearchForm(
        name=_name(request),
        query=_query(request),
        density=density if density in DENSITIES else "",
        is_shared=bool(request.POST.get("shared")),
    )


def _changes(request: Request) -> dict[str, str | bool]:
    """New values of the columns that the form contains."""
    form = _form(request)
    values: dict[str, tuple[str, str | bool]] = {
        "name": ("name", form.name),
        "q": ("query", form.query),
        "density": ("density", form.density),
        "shared": ("is_shared", form.is_shared),
    }
    # Several small forms post to this view, each with one field.
    return {column: value for field, (column, value) in values.items() if field in request.POST}


def _name(request: Request) -> str:
    return one_line(request.POST.get("name", ""))[:MAX_NAME_LENGTH]


def _query(request: Request) -> str:
    # PostgreSQL rejects NUL in text.
    return request.POST.get("q", "").replace("\x00", " ").strip()[:MAX_LENGTH]


def _canonical(text: str) -> str:
    """The query in canonical form, as spacing and order are no modification."""
    try:
        return parse(text).text
    except InvalidQuery:
        return text


def _no_name() -> str:
    return _("A saved search needs a name.")


def _name_taken(name: str) -> str:
    return _("You already have a saved search named “%(name)s”. Choose another name.") % {"name": name}


def _update_message(saved: SavedSearch, changes: dict[str, str | bool]) -> str:
    if "query" in changes:
        message = _("Saved “%(name)s”.")
    elif "name" in changes:
        message = _("Renamed to “%(name)s”.")
    elif saved.is_shared:
        message = _("“%(name)s” is shared: anyone signed in can open it.")
    else:
        message = _("“%(name)s” is no longer shared.")
    return message % {"name": saved.name}
