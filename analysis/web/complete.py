"""What may be meant by what is being typed: words of the language, labels by their frequency, saved searches."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from analysis import access
from analysis.models import SavedSearch
from analysis.search.complete import Suggestion
from analysis.search.complete import complete as suggestions
from analysis.web import present
from analysis.web.requests import Request, number_in, person_id
from analysis.web.searches import library_address

MOST = 10
MOST_SAVED = 3
LONGEST = 4_000


@dataclass(frozen=True)
class Option:
    """One line of the list: the text and cursor that taking it leads to, or the address."""

    words: str
    note: str = ""
    kind: str = ""
    icon: str = ""
    text: str = ""
    cursor: str = ""
    url: str = ""


@require_safe
def complete(request: Request) -> HttpResponse:
    """Suggestions for the text `q` with the cursor at `cursor`, as options of a listbox."""
    text = request.GET.get("q", "").replace("\x00", " ")[:LONGEST]
    cursor = number_in(request.GET.get("cursor", ""), most=len(text), least=0)
    saved = _saved(text, reader_id=person_id(request))
    found = suggestions(text, cursor=cursor, audience=access.audience_of(request.user), most=MOST - len(saved))
    return render(request, "complete.html", {"options": [*map(_option, found), *saved]})


def _option(found: Suggestion) -> Option:
    note = present.counted(found.count) if found.count is not None else ""
    kind = "" if found.kind in {"label", "value"} else found.kind
    return Option(found.text, note, kind=kind, text=found.completed, cursor=str(found.cursor))


def _saved(text: str, *, reader_id: int) -> list[Option]:
    """One's own saved searches whose names begin like this."""
    name = " ".join(text.split())
    if not name:
        return []
    found = SavedSearch.objects.filter(owner_id=reader_id, name__istartswith=name).order_by("name")[:MOST_SAVED]
    return [Option(each.name, kind="saved search", icon="bookmark", url=library_address(each)) for each in found]
