"""Template context of the image page and its fragments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from analysis import formatting, permissions
from analysis.curation.trash_deletion import expires_at
from analysis.models import Image, Rating
from analysis.permissions import collections as permissions_of_links
from analysis.search.query import Query
from analysis.search.syntax.parser import InvalidQuery, parse
from analysis.web import links, sensitive
from analysis.web.http import Request
from analysis.web.image.analyze_menu import analyze_menu
from analysis.web.image.results_panel import panel

VISIBILITY_NAMES = {
    Image.Visibility.PRIVATE: gettext_lazy("Private"),
    Image.Visibility.SHARED: gettext_lazy("Shared"),
    Image.Visibility.PUBLIC: gettext_lazy("Public"),
}


@dataclass(frozen=True)
class Star:
    """One of five star buttons; the current rating's has `value` 0, which clears it."""

    number: int
    value: int
    is_filled: bool
    text: str


@dataclass(frozen=True)
class VisibilityChoice:
    value: int
    text: str | Promise
    is_chosen: bool


@dataclass(frozen=True)
class UserRating:
    """The user's own rating, and the visibility menu for the owner."""

    is_favorite: bool
    stars: list[Star]
    visibilities: list[VisibilityChoice]


@dataclass(frozen=True)
class SensitiveCover:
    is_open: bool


@dataclass(frozen=True)
class ReturnLink:
    """The search that the user came from, with the id of the saved search if any.

    Or the id of a collection instead of a search.
    """

    query: Query
    saved: str
    collection: str = ""

    def append_to(self, url: str) -> str:
        return links.with_parameters(url, q=self.query.text, saved=self.saved, collection=self.collection)

    def image_url(self, image_id: int) -> str:
        return links.image_url(image_id, self.query, saved=self.saved, collection=self.collection)


def image_context(request: Request, image: Image) -> dict[str, Any]:
    """The picture with its rating and its panel of results."""
    now = timezone.now()
    values, results = rating_context(request, image), panel(image, reader=request.user, now=now)
    values["image"] |= {
        "name": str(image),
        "alt": results.labels.caption or str(image),
        "preview": _preview_url(request, image),
        "width": str(image.shown_size[0]),
        "height": str(image.shown_size[1]),
        "panel_url": reverse("image-panel", args=[image.pk])
        # The URL with the random public id works without sign-in; the other one would redirect to the sign-in page.
        if request.user.is_authenticated
        else reverse("public-panel", args=[image.public_id]),
        "placeholder": links.data_uri(image.placeholder),
        "deleted_on": _deleted_on(image),
        "trashed_ago": formatting.ago(image.trashed_at, now=now) if image.trashed_at else "",
    }
    return values | {"panel": results}


def page_context(request: Request, image: Image) -> dict[str, Any]:
    """Context of the whole page, with the Analyze menu and the length of the history."""
    values = image_context(request, image)
    latest = values["panel"].latest
    number = latest[0].history_count if latest else 0
    return values | {
        "analyze_menu": analyze_menu(image, latest, user=request.user, now=timezone.now()),
        "history_count": formatting.count(number) if values["can_edit"] else "",
    }


def _deleted_on(image: Image) -> str:
    """The day on which the trashed picture is deleted forever."""
    expires = expires_at(image.trashed_at) if image.trashed_at else None
    return formatting.day(expires) if expires else ""


def sensitive_cover(request: Request, image: Image, *, is_sensitive: bool) -> SensitiveCover | None:
    """The cover over a sensitive picture; open if the user revealed it."""
    if not (is_sensitive or (image.trashed_at and sensitive.sensitive_among([image]))):
        return None
    # `shown`: the library has already revealed the picture (library.js).
    return SensitiveCover(is_open=sensitive.shows_sensitive(request) or request.GET.get("shown") == "1")


def rating_context(request: Request, image: Image) -> dict[str, Any]:
    """The user's rating of the picture and permissions for it."""
    can_edit = permissions.can_edit_image(request.user, image)
    public_url = image.get_public_url() if can_edit and image.visibility == Image.Visibility.PUBLIC else ""
    return {
        "image": {"id": str(image.pk)},
        "rating": user_rating(request, image) if request.user.is_authenticated else None,
        "can_edit": can_edit,
        "can_change_visibility": can_edit and not image.trashed_at,
        "public_url": public_url,
        "public_address": request.build_absolute_uri(public_url) if public_url else "",
        "can_analyze": can_edit and permissions.can_analyze_images(request.user),
        "can_review": permissions.can_review_labels(request.user, image) and not image.trashed_at,
        "can_share": permissions_of_links.can_share_image(request.user, image),
        "return_query": return_link(request).append_to(""),
    }


def _preview_url(request: Request, image: Image) -> str:
    if request.user.is_authenticated:
        return links.rendition_url(image, "preview")
    return links.public_rendition_url(image, "preview")


def user_rating(request: Request, image: Image) -> UserRating:
    rating = Rating.objects.filter(image=image, person_id=request.user.pk).first()
    stars = (rating.rating if rating else 0) or 0
    return UserRating(
        is_favorite=bool(rating and rating.is_favorite),
        stars=[_star(number, current=stars) for number in range(1, 6)],
        visibilities=[
            VisibilityChoice(value, name, image.visibility == value) for value, name in VISIBILITY_NAMES.items()
        ],
    )


def _star(number: int, *, current: int) -> Star:
    if number == current:
        return Star(number, 0, is_filled=True, text=_("Clear rating"))
    text = formatting.plural(ngettext("%(number)s star", "%(number)s stars", number), number)
    return Star(number, number, is_filled=number < current, text=text)


def return_link(request: Request) -> ReturnLink:
    """Read the search from `q` and `saved`, or `collection`; ignores invalid ones."""
    saved, collection = (_number(request.GET.get(name, "")) for name in ("saved", "collection"))
    if collection:
        return ReturnLink(Query(), "", collection)
    try:
        # The search only serves the link back; an invalid one must not hide the picture.
        return ReturnLink(parse(request.GET.get("q", "")), saved)
    except InvalidQuery:
        return ReturnLink(Query(), saved)


def _number(text: str) -> str:
    return text if re.fullmatch(r"[0-9]{1,18}", text) else ""
