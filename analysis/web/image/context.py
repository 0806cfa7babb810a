"""What the page of a picture and its fragments show."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils import timezone

from analysis import formatting, permissions
from analysis.models import Image, Rating
from analysis.search.query import Query
from analysis.search.syntax.parser import InvalidQuery, parse
from analysis.web import links, sensitive
from analysis.web.http import Request
from analysis.web.image.panel import panel
from analysis.web.library.cards import best_labels


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
class UserRating:
    """What one thinks of a picture, and whom its owner shows it to."""

    is_favorite: bool
    stars: list[Star]
    visibilities: list[Choice]


@dataclass(frozen=True)
class SensitiveCover:
    is_open: bool


@dataclass(frozen=True)
class ReturnLink:
    """The search one came from, and which saved one it is."""

    query: Query
    saved: str

    def address(self, url: str) -> str:
        """With it a page knows where one came from."""
        return links.with_parameters(url, q=self.query.text, saved=self.saved)

    def image_url(self, image_id: int) -> str:
        return links.image_url(image_id, self.query, saved=self.saved)


def context(request: Request, shown: Image) -> dict[str, Any]:
    """The picture and all that is known of it."""
    labels, now = best_labels([shown.pk], maximum=5).get(shown.pk, ()), timezone.now()
    known = rating_of(request, shown)
    known["image"] |= {
        "name": str(shown),
        "alt": ", ".join(labels) or str(shown),
        "preview": _preview_url(request, shown),
        "panel_url": reverse("image-panel", args=[shown.pk])
        if request.user.is_authenticated
        else reverse("public-panel", args=[shown.public_id]),
        "placeholder": links.data_uri(shown.placeholder),
        "trashed": formatting.ago(shown.trashed_at, now=now) if shown.trashed_at else "",
    }
    return known | {"panel": panel(shown, reader=request.user, now=now)}


def sensitive_cover(request: Request, shown: Image, *, is_sensitive: bool) -> SensitiveCover | None:
    """What lies over a sensitive picture: drawn aside for who wants to see such, or just wanted to see this one."""
    if not (is_sensitive or (shown.trashed_at and sensitive.sensitive_among([shown]))):
        return None
    return SensitiveCover(is_open=sensitive.shows_sensitive(request) or request.GET.get("shown") == "1")


def rating_of(request: Request, shown: Image) -> dict[str, Any]:
    """What one thinks of it and whether one may change it."""
    may_change = permissions.can_edit_image(request.user, shown)
    return {
        "image": {"id": str(shown.pk)},
        "own": own(request, shown) if request.user.is_authenticated else None,
        "may_change": may_change,
        "may_open_to": may_change and not shown.trashed_at,
        "public_url": shown.get_public_url() if may_change and shown.visibility == Image.Visibility.PUBLIC else "",
        "may_analyze": may_change and permissions.can_analyze_images(request.user),
        "may_say": permissions.can_review_labels(request.user, shown) and not shown.trashed_at,
        "search": return_link(request).address(""),
    }


def _preview_url(request: Request, shown: Image) -> str:
    if request.user.is_authenticated:
        return links.rendition_url(shown, "preview")
    return links.public_rendition_url(shown, "preview")


def own(request: Request, shown: Image) -> UserRating:
    """One's own mark and, for its owner, the picture's visibility."""
    mark = Rating.objects.filter(image=shown, person_id=request.user.pk).first()
    given = (mark.rating if mark else 0) or 0
    return UserRating(
        is_favorite=bool(mark and mark.is_favorite),
        stars=[_star(number, given) for number in range(1, 6)],
        visibilities=[Choice(value, value.short_label, shown.visibility == value) for value in Image.Visibility],
    )


def _star(number: int, given: int) -> Star:
    words = "Take the stars away" if number == given else f"{number} {'star' if number == 1 else 'stars'}"
    return Star(number, 0 if number == given else number, number <= given, words)


def return_link(request: Request) -> ReturnLink:
    """The search one came from; a page must not fail for a bad one in its address."""
    saved = request.GET.get("saved", "")
    saved = saved if re.fullmatch(r"[0-9]{1,18}", saved) else ""
    try:
        return ReturnLink(parse(request.GET.get("q", "")), saved)
    except InvalidQuery:
        return ReturnLink(Query(), saved)
