"""Saved searches: their page, and what people do with them. Whoever opens one sees what they themselves may see."""

from __future__ import annotations

from dataclasses import dataclass

from django.core import signing
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from analysis.models import SavedSearch
from analysis.search.syntax.parser import InvalidQuery, parse
from analysis.web import toasts
from analysis.web.http import Request, current_user_id, int_param
from analysis.web.links import with_parameters
from analysis.web.toasts import Toast

DENSITIES = ("small", "medium", "large")
LONGEST_NAME = 100
LONGEST_QUERY = 4_000
MOST_SHOWN = 12
MOST_OWN = 500
PAGE_SIZE = 50
"""Of others' searches so many are on one page."""
SALT, DAY = "saved search", 24 * 60 * 60
ROW = ("id", "owner_id", "name", "query", "density", "is_shared")


@dataclass(frozen=True)
class OpenSearch:
    """The saved search that a library page shows, and whether what is shown still is what was saved."""

    id: str
    name: str
    url: str
    density: str
    is_own: bool
    is_modified: bool


@dataclass(frozen=True)
class SearchForm:
    """What a form wants to have saved."""

    name: str
    query: str
    density: str
    is_shared: bool


@require_safe
def searches(request: Request) -> HttpResponse:
    """One's own searches, and those that others share."""
    return _page(request)


@require_safe
def search(request: Request, search_id: int) -> HttpResponse:
    """The address to share: leads to the library with this search."""
    saved = get_object_or_404(visible(current_user_id(request)), pk=search_id)
    return redirect(library_url_of(saved))


@require_POST
def save(request: Request) -> HttpResponse:
    """Save a query under a new name."""
    wanted = _wanted(request)
    complaint = _complaint(wanted)
    if not complaint:
        try:
            with transaction.atomic():
                saved = SavedSearch.objects.create(
                    owner_id=current_user_id(request),
                    name=wanted.name,
                    query=wanted.query,
                    density=wanted.density,
                    is_shared=wanted.is_shared,
                )
        except IntegrityError:
            complaint = _taken(wanted.name)
        else:
            toasts.add_toast(request, Toast(f"Saved as “{saved.name}”."))
            return redirect(library_url_of(saved))
    return _page(request, wanted=wanted, complaint=complaint, status=422)


@require_POST
def update(request: Request, search_id: int) -> HttpResponse:
    """Give a saved search another name, query or visibility: what the form names is changed, the rest stays."""
    saved = get_object_or_404(SavedSearch, pk=search_id, owner_id=current_user_id(request))
    changed = _changes(request)
    if "name" in changed and not changed["name"]:
        return _page(request, complaint="A saved search needs a name.", status=422)
    try:
        with transaction.atomic():
            SavedSearch.objects.filter(pk=saved.pk).update(**changed)
    except IntegrityError:
        return _page(request, complaint=_taken(str(changed["name"])), status=422)
    saved.refresh_from_db()
    toasts.add_toast(request, Toast(_told(saved, changed)))
    return redirect(library_url_of(saved) if "query" in changed else reverse("searches"))


@require_POST
def delete(request: Request, search_id: int) -> HttpResponse:
    """Delete a saved search; Undo holds the row, so that it comes back to the address that others were given."""
    saved = get_object_or_404(SavedSearch, pk=search_id, owner_id=current_user_id(request))
    row = {name: getattr(saved, name) for name in ROW}
    saved.delete()
    fields = {"row": signing.dumps(row, salt=SALT)}
    toasts.add_toast(request, Toast(f"Deleted “{saved.name}”.", undo_url=reverse("search-restore"), fields=fields))
    return redirect("searches")


@require_POST
def restore(request: Request) -> HttpResponse:
    """Bring back what was deleted, as it was and where it was."""
    try:
        row = signing.loads(request.POST.get("row", ""), salt=SALT, max_age=DAY)
        if row["owner_id"] != current_user_id(request):
            raise signing.BadSignature
        with transaction.atomic():
            saved = SavedSearch.objects.create(**row)
    except signing.BadSignature:
        toasts.add_toast(request, Toast("This cannot be undone any more."))
    except IntegrityError:
        toasts.add_toast(request, Toast("It is here already, or another search has its name now."))
    else:
        toasts.add_toast(request, Toast(f"“{saved.name}” is back."))
    return redirect("searches")


def visible(reader_id: int) -> QuerySet[SavedSearch]:
    return SavedSearch.objects.filter(Q(owner_id=reader_id) | Q(is_shared=True))


def searches_of(reader_id: int) -> list[SavedSearch]:
    """The few that a side column has room for."""
    return list(SavedSearch.objects.filter(owner_id=reader_id).order_by("name")[:MOST_SHOWN])


def open_search(reader_id: int, *, search_id: str, query: str) -> OpenSearch | None:
    """The saved search an address names, if this person may open it, held against the query that is shown."""
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
    request: Request, *, wanted: SearchForm | None = None, complaint: str = "", status: int = 200
) -> HttpResponse:
    reader = current_user_id(request)
    number = int_param(request.GET.get("page", ""), maximum=10_000)
    start = (number - 1) * PAGE_SIZE
    shared = SavedSearch.objects.filter(is_shared=True).exclude(owner_id=reader).select_related("owner")
    found = list(shared.order_by("name", "pk")[start : start + PAGE_SIZE + 1])
    own = SavedSearch.objects.filter(owner_id=reader).select_related("owner").order_by("name")
    context = {
        "own": [_row(each) for each in own[:MOST_OWN]] if number == 1 else [],
        "shared": [_row(each) for each in found[:PAGE_SIZE]],
        "is_first": number == 1,
        "more_url": with_parameters(reverse("searches"), page=number + 1) if len(found) > PAGE_SIZE else "",
        "wanted": wanted,
        "complaint": complaint,
        "toasts": toasts.take_toasts(request),
    }
    return render(request, "saved_searches.html", context, status=status)


def _row(saved: SavedSearch) -> dict[str, object]:
    return {
        "id": str(saved.pk),
        "name": saved.name,
        "owner": str(saved.owner),
        "query": saved.query,
        "is_shared": saved.is_shared,
        "url": library_url_of(saved),
        "address": reverse("search", args=[saved.pk]),
    }


def _wanted(request: Request) -> SearchForm:
    density = request.POST.get("density", "")
    return SearchForm(
        name=_name(request),
        query=_query(request),
        density=density if density in DENSITIES else "",
        is_shared=bool(request.POST.get("shared")),
    )


def _changes(request: Request) -> dict[str, str | bool]:
    """Columns with what the form says of them."""
    wanted = _wanted(request)
    said: dict[str, tuple[str, str | bool]] = {
        "name": ("name", wanted.name),
        "q": ("query", wanted.query),
        "density": ("density", wanted.density),
        "shared": ("is_shared", wanted.is_shared),
    }
    return {column: value for field, (column, value) in said.items() if field in request.POST}


def _name(request: Request) -> str:
    return " ".join(request.POST.get("name", "").replace("\x00", " ").split())[:LONGEST_NAME]


def _query(request: Request) -> str:
    return request.POST.get("q", "").replace("\x00", " ").strip()[:LONGEST_QUERY]


def _canonical(text: str) -> str:
    """As the library writes it; what was typed may be spaced or ordered otherwise."""
    try:
        return parse(text).text
    except InvalidQuery:
        return text


def _complaint(wanted: SearchForm) -> str:
    return "" if wanted.name else "A saved search needs a name."


def _taken(name: str) -> str:
    return f"You have a search named “{name}” already. Choose another name, or open that one and save it there."


def _told(saved: SavedSearch, changed: dict[str, str | bool]) -> str:
    if "query" in changed:
        return f"Saved “{saved.name}”."
    if "name" in changed:
        return f"It is called “{saved.name}” now."
    if saved.is_shared:
        return f"“{saved.name}” can be opened by everyone who is signed in and has its address."
    return f"“{saved.name}” is yours alone again."
