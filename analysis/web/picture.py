"""What the page of a picture and its fragments show."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from analysis import access
from analysis.models import Image, Mark
from analysis.search.grammar import BadQuery, parse
from analysis.search.tree import Query
from analysis.web import present, veil
from analysis.web.cards import best_labels
from analysis.web.panel import panel
from analysis.web.requests import Request

OPENNESS_WORDS = {Image.Openness.PRIVATE: "Private", Image.Openness.SHARED: "Shared", Image.Openness.PUBLIC: "Public"}


@dataclass(frozen=True)
class Star:
    """One of five: what pressing it gives, which for the last one given is none."""

    number: int
    value: int
    is_given: bool
    words: str


@dataclass(frozen=True)
class Choice:
    value: int
    words: str
    is_chosen: bool


@dataclass(frozen=True)
class Own:
    """What one thinks of a picture, and whom its owner shows it to."""

    is_favorite: bool
    stars: list[Star]
    opennesses: list[Choice]


@dataclass(frozen=True)
class Veil:
    is_open: bool


@dataclass(frozen=True)
class Trail:
    """The search one came from, and which saved one it is."""

    query: Query
    saved: str

    def address(self, url: str) -> str:
        """With it a page knows where one came from."""
        return present.with_parameters(url, q=self.query.text, saved=self.saved)

    def image_url(self, image_id: int) -> str:
        return present.image_url(image_id, self.query, saved=self.saved)


def context(request: Request, shown: Image) -> dict[str, Any]:
    """The picture and all that is known of it."""
    labels, now = best_labels([shown.pk], most=5).get(shown.pk, ()), timezone.now()
    known = marked(request, shown)
    known["image"] |= {
        "name": str(shown),
        "alt": ", ".join(labels) or str(shown),
        "preview": present.rendition_url(shown, "preview"),
        "placeholder": present.inlined(shown.placeholder),
        "trashed": present.ago(shown.trashed_at, now=now) if shown.trashed_at else "",
    }
    return known | {"panel": panel(shown, reader=request.user, now=now)}


def veil_of(request: Request, shown: Image, *, is_sensitive: bool) -> Veil | None:
    """What lies over a sensitive picture: drawn aside for who wants to see such, or just wanted to see this one."""
    if not (is_sensitive or (shown.trashed_at and veil.among([shown]))):
        return None
    return Veil(is_open=veil.shows(request) or request.GET.get("shown") == "1")


def marked(request: Request, shown: Image) -> dict[str, Any]:
    """What one thinks of it and whether one may change it."""
    may_change = access.may_change(request.user, shown)
    return {
        "image": {"id": str(shown.pk)},
        "own": own(request, shown) if request.user.is_authenticated else None,
        "may_change": may_change,
        "may_say": access.may_say(request.user, shown) and not shown.trashed_at,
        "search": came_from(request).address(""),
    }


def own(request: Request, shown: Image) -> Own:
    """One's own mark and, for its owner, the picture's openness."""
    mark = Mark.objects.filter(image=shown, person_id=request.user.pk).first()
    given = (mark.rating if mark else 0) or 0
    return Own(
        is_favorite=bool(mark and mark.is_favorite),
        stars=[_star(number, given) for number in range(1, 6)],
        opennesses=[Choice(value, words, shown.openness == value) for value, words in OPENNESS_WORDS.items()],
    )


def _star(number: int, given: int) -> Star:
    words = "Take the stars away" if number == given else f"{number} {'star' if number == 1 else 'stars'}"
    return Star(number, 0 if number == given else number, number <= given, words)


def came_from(request: Request) -> Trail:
    """The search one came from; a page must not fail for a bad one in its address."""
    saved = request.GET.get("saved", "")
    saved = saved if re.fullmatch(r"[0-9]{1,18}", saved) else ""
    try:
        return Trail(parse(request.GET.get("q", "")), saved)
    except BadQuery:
        return Trail(Query(), saved)
