"""Search help: example searches with counts from the viewer's library."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from analysis import formatting, permissions
from analysis.search.brief_counts import COUNT_CAP, BriefCounter
from analysis.search.syntax.parser import parse
from analysis.web.http import Request

SECONDS = 2.0
"""Time limit for all counts; later examples have none."""


class Example(NamedTuple):
    query: str
    meaning: str | Promise

    @property
    def url(self) -> str:
        return f"{reverse('library')}?{urlencode({'q': self.query})}"


EXAMPLES = (
    Example("dogs on the beach", _("both of these")),
    Example("dog OR cat", _("one of these, or both")),
    Example("beach -person", _("a beach without people")),
    Example('"fire truck"', _("a label of several words")),
    Example("dog*", _("labels that start with “dog”")),
    Example("dog>=90", _("dogs with at least 90% confidence")),
    Example("count(person)>=3", _("three people or more")),
    Example("face(smile age:20..30)", _("one face with all of these attributes")),
    Example('text:"no parking"', _("text in the picture")),
    Example("folder:2019", _("from a folder with this in its path")),
    Example("near:48.85,2.35,5km", _("taken near these coordinates")),
    Example("iso>=1600 aperture<=2.8", _("taken in low light")),
    Example("color:red", _("mostly red")),
    Example("taken:2024-05", _("taken in May 2024")),
    Example("day:today", _("taken on this day in any year")),
    Example("added:last-7-days", _("added in the last 7 days")),
    Example("is:favorite rating>=4", _("favorites with 4 stars or more")),
    Example("has:faces orientation:portrait", _("portrait format, with faces")),
    Example("size>5MB sort:size", _("larger than 5 MB, largest first")),
)


@require_safe
def search_help(request: Request) -> HttpResponse:
    """All example searches as links, with counts."""
    counter = BriefCounter(permissions.viewer_of(request.user), seconds=SECONDS)
    numbers = [(example, counter.count(parse(example.query))) for example in EXAMPLES]
    examples = [
        {"example": example, "count": "" if number is None else formatting.pictures(number, cap=COUNT_CAP)}
        for example, number in numbers
    ]
    return render(request, "library/search_help.html", {"examples": examples})
