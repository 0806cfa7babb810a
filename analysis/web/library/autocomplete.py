"""What may be meant by what is being typed: words of the language, labels by their frequency, saved searches."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from analysis import formatting, permissions
from analysis.models import SavedSearch
from analysis.search.autocomplete import Suggestion
from analysis.search.autocomplete import complete as suggestions
from analysis.search.results import COUNT_CAP
from analysis.web.http import Request, current_user_id, int_param
from analysis.web.saved_searches import library_url_of

MOST = 10
MOST_SAVED = 3
LONGEST = 4_000


@dataclass(frozen=True)
class AutocompleteOption:
    """One line of the list: the text and cursor that taking it leads to, or the address."""

    words: str
    note: str = ""
    kind: str = ""
    icon: str = ""
    text: str = ""
    cursor: str = ""
    url: str = ""


@require_safe
def autocomplete(request: Request) -> HttpResponse:
    """Suggestions for the text `q` with the cursor at `cursor`, as options of a listbox."""
    text = request.GET.get("q", "").replace("\x00", " ")[:LONGEST]
    cursor = int_param(request.GET.get("cursor", ""), maximum=len(text), minimum=0)
    saved = _saved(text, reader_id=current_user_id(request))
    found = suggestions(text, cursor=cursor, viewer=permissions.viewer_of(request.user), maximum=MOST - len(saved))
    return render(request, "library/autocomplete_options.html", {"options": [*map(_option, found), *saved]})


def _option(found: Suggestion) -> AutocompleteOption:
    note = formatting.capped_count(found.count, cap=COUNT_CAP) if found.count is not None else ""
    kind = "" if found.kind in {"label", "value"} else found.kind
    return AutocompleteOption(found.text, note, kind=kind, text=found.completed, cursor=str(found.cursor))


def _saved(text: str, *, reader_id: int) -> list[AutocompleteOption]:
    """One's own saved searches whose names begin like this."""
    name = " ".join(text.split())
    if not name:
        return []
    found = SavedSearch.objects.filter(owner_id=reader_id, name__istartswith=name).order_by("name")[:MOST_SAVED]
    return [
        AutocompleteOption(each.name, kind="saved search", icon="bookmark", url=library_url_of(each)) for each in found
    ]
