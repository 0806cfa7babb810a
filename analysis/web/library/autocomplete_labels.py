"""Names of labels and tags that may be meant by what is being typed into the field that adds one."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from analysis import formatting, permissions
from analysis.models import Label
from analysis.search.label_index import IndexedName, label_index
from analysis.search.results import COUNT_CAP
from analysis.search.visible_labels import label_visibility
from analysis.web.http import Request
from analysis.web.library.autocomplete import AutocompleteOption

ADDABLE = (Label.Kind.LABEL, Label.Kind.TAG)
MOST = 8
LONGEST = 200


@require_safe
def autocomplete_labels(request: Request) -> HttpResponse:
    """Labels and tags with a word that begins like `q`, of those one can meet, as options of a listbox."""
    stem = " ".join(request.GET.get("q", "").replace("\x00", " ").split())[:LONGEST]
    words = {word.label_id: word for word in label_index().starting_with(stem) if word.kind in ADDABLE} if stem else {}
    met = label_visibility(permissions.viewer_of(request.user)).visible(words, maximum=MOST)
    options = [_option(words[label_id], count) for label_id, count in met.items()]
    return render(request, "library/autocomplete_options.html", {"options": options, "list": "name"})


def _option(word: IndexedName, count: int | None) -> AutocompleteOption:
    return AutocompleteOption(
        words=f"{word.name} ({word.text})" if word.is_alias else word.name,
        note=formatting.capped_count(count, cap=COUNT_CAP) if count is not None else "",
        kind="tag" if word.kind == Label.Kind.TAG else "",
        text=word.name,
        cursor=str(len(word.name)),
    )
