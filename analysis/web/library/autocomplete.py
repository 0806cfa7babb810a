"""Autocomplete of the search box and of the field that adds a label or tag."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from analysis import formatting, permissions
from analysis.models import Label, SavedSearch
from analysis.search.autocomplete import Suggestion, complete
from analysis.search.label_index import IndexedName, label_index
from analysis.search.results import COUNT_CAP
from analysis.search.syntax.parser import MAX_LENGTH
from analysis.search.visible_labels import label_visibility
from analysis.web.http import Request, current_user_id, int_param, one_line
from analysis.web.saved_searches import library_url_of

MAX_OPTIONS = 10
MAX_SAVED_SEARCHES = 3
MAX_LABELS = 8
MAX_NAME_LENGTH = 200
ADDABLE_KINDS = (Label.Kind.LABEL, Label.Kind.TAG)
KIND_NAMES = {
    "category": gettext_lazy("category"),
    "celebrity": gettext_lazy("celebrity"),
    "color": gettext_lazy("color"),
    "emotion": gettext_lazy("emotion"),
    "face": gettext_lazy("face"),
    "field": gettext_lazy("field"),
    "moderation": gettext_lazy("moderation"),
    "tag": gettext_lazy("tag"),
}
"""Shown after an option; labels and values of fields need no explanation."""


@dataclass(frozen=True)
class AutocompleteOption:
    """An option; accepting it sets the field's `text` and `cursor`, or opens `url`."""

    label: str
    note: str = ""
    kind: str = ""
    icon: str = ""
    text: str = ""
    cursor: str = ""
    url: str = ""


@require_safe
def autocomplete(request: Request) -> HttpResponse:
    """Search terms and saved searches for the text `q`, as listbox options."""
    # PostgreSQL rejects NUL in text.
    text = request.GET.get("q", "").replace("\x00", " ")[:MAX_LENGTH]
    cursor = _characters(text, int_param(request.GET.get("cursor", ""), maximum=2 * len(text), minimum=0))
    saved = _saved_search_options(text, owner_id=current_user_id(request))
    viewer = permissions.viewer_of(request.user)
    # The cursor counts, since people also complete a word in the middle of a search.
    suggestions = complete(text, cursor=cursor, viewer=viewer, maximum=MAX_OPTIONS - len(saved))
    options = [*map(_search_option, suggestions), *saved]
    return render(request, "library/autocomplete_options.html", {"options": options})


@require_safe
def autocomplete_labels(request: Request) -> HttpResponse:
    """Visible labels and tags with a word that starts with `q`, as listbox options."""
    prefix = one_line(request.GET.get("q", ""))[:MAX_NAME_LENGTH]
    matches = label_index().starting_with(prefix) if prefix else []
    names = {name.label_id: name for name in matches if name.kind in ADDABLE_KINDS}
    counts = label_visibility(permissions.viewer_of(request.user)).visible(names, maximum=MAX_LABELS)
    options = [_label_option(names[label_id], count) for label_id, count in counts.items()]
    return render(request, "library/autocomplete_options.html", {"options": options, "list": "name"})


def _characters(text: str, length: int) -> int:
    """The number of characters at the start of a text that have this length in UTF-16.

    Browsers measure texts in UTF-16, in which an emoji has a length of two.
    """
    return len(text.encode("utf-16-le")[: 2 * length].decode("utf-16-le", errors="ignore"))


def _utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _search_option(suggestion: Suggestion) -> AutocompleteOption:
    return AutocompleteOption(
        label=suggestion.text,
        note=_count(suggestion.count),
        kind=str(KIND_NAMES.get(suggestion.kind, "")),
        text=suggestion.completed,
        cursor=str(_utf16_length(suggestion.completed[: suggestion.cursor])),
    )


def _label_option(name: IndexedName, count: int | None) -> AutocompleteOption:
    return AutocompleteOption(
        label=f"{name.name} ({name.text})" if name.is_alias else name.name,
        note=_count(count),
        kind=str(KIND_NAMES.get(name.kind, "")),
        text=name.name,
        cursor=str(_utf16_length(name.name)),
    )


def _saved_search_options(text: str, *, owner_id: int) -> list[AutocompleteOption]:
    prefix = " ".join(text.split())
    if not prefix:
        return []
    searches = SavedSearch.objects.filter(owner_id=owner_id, name__istartswith=prefix).order_by("name")
    return [
        AutocompleteOption(search.name, kind=_("saved search"), icon="bookmark", url=library_url_of(search))
        for search in searches[:MAX_SAVED_SEARCHES]
    ]


def _count(number: int | None) -> str:
    return formatting.capped_count(number, cap=COUNT_CAP) if number is not None else ""
