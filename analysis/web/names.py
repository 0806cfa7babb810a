"""Names of labels and tags that may be meant by what is being typed into the field that adds one."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from analysis import access
from analysis.models import Label
from analysis.search.sight import sight_of
from analysis.search.vocabulary import Word, vocabulary
from analysis.web import present
from analysis.web.complete import Option
from analysis.web.requests import Request

ADDABLE = (Label.Kind.LABEL, Label.Kind.TAG)
MOST = 8
LONGEST = 200


@require_safe
def names(request: Request) -> HttpResponse:
    """Labels and tags with a word that begins like `q`, of those one can meet, as options of a listbox."""
    stem = " ".join(request.GET.get("q", "").replace("\x00", " ").split())[:LONGEST]
    words = {word.label_id: word for word in vocabulary().beginning(stem) if word.kind in ADDABLE} if stem else {}
    met = sight_of(access.audience_of(request.user)).met(words, most=MOST)
    options = [_option(words[label_id], count) for label_id, count in met.items()]
    return render(request, "complete.html", {"options": options, "list": "name"})


def _option(word: Word, count: int | None) -> Option:
    return Option(
        words=f"{word.name} ({word.text})" if word.is_alias else word.name,
        note=present.counted(count) if count is not None else "",
        kind="tag" if word.kind == Label.Kind.TAG else "",
        text=word.name,
        cursor=str(len(word.name)),
    )
