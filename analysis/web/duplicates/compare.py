"""Comparison of two duplicates: synchronized zoom, and a table of differences."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from analysis import formatting
from analysis.curation.duplicate_facts import Facts, facts_of
from analysis.curation.duplicate_groups import MAX_GROUP_SIZE, best_first
from analysis.models import Image
from analysis.search.pagination import Cursor
from analysis.web import links, sensitive, toasts
from analysis.web.duplicates.rows import compare_url, dimensions
from analysis.web.http import Request, current_user, id_list_param, int_param

DISPLAY_WIDTH = 4_000
"""CSS pixels that both pictures can fill, so that a small one is shown as large as the other."""
MAX_NAMES = 30
EMPTY = "–"


@dataclass(frozen=True)
class ComparedGroup:
    """The pictures of a group, best first, and the ids of the two shown."""

    images: list[Image]
    pair: tuple[int, int]
    after: str
    blurred: frozenset[int]

    def url(self, **parameters: int) -> str:
        return compare_url([image.pk for image in self.images], after=self.after, **parameters)


@dataclass(frozen=True)
class Sibling:
    """A picture of the group that can be shown on this side."""

    thumb: str
    name: str
    url: str
    is_current: bool
    is_blurred: bool


@dataclass(frozen=True)
class Side:
    """One of the two pictures; `siblings` link to others to show instead."""

    id: str
    name: str
    url: str
    preview: str
    zoom_url: str
    width: str
    height: str
    display_width: str
    is_blurred: bool
    is_best: bool
    back: str
    siblings: list[Sibling]


@dataclass(frozen=True)
class ComparisonRow:
    """A row of the table of differences."""

    name: str
    left: str
    right: str
    differs: bool


@require_safe
def compare(request: Request) -> HttpResponse:
    """Compare two pictures of the group `ids`: `left` and `right`, else its best two."""
    ids = list(id_list_param(request.GET.get("ids", "").split(","), maximum=MAX_GROUP_SIZE))
    if len(ids) < 2:
        raise Http404
    facts = {row.image.pk: row for row in facts_of(ids, current_user(request))}
    images = best_first([row.image for row in facts.values()])
    pair = _chosen(request, [image.pk for image in images])
    blurred = frozenset() if sensitive.shows_sensitive(request) else sensitive.sensitive_among(images)
    group = ComparedGroup(images, pair, str(Cursor.from_text(request.GET.get("after", "")) or ""), blurred)
    left, right = (facts[pk] for pk in pair)
    rows = [_row(name, text(left), text(right)) for name, text in ROWS]
    rows.append(_row(_("Labels only here"), _names(left.labels - right.labels), _names(right.labels - left.labels)))
    context = {
        "sides": [_side(group, index) for index in (0, 1)],
        "ids": ",".join(map(str, pair)),
        "rows": [row for row in rows if (row.left, row.right) != (EMPTY, EMPTY)],
        "is_exact": left.image.sha256 == right.image.sha256,
        "after": group.after,
        "back": group.url() if len(images) > 2 else "",
        "back_url": links.with_parameters(reverse("duplicates"), after=group.after),
        "toasts": toasts.take_toasts(request),
    }
    return render(request, "duplicates/compare.html", context)


def _chosen(request: Request, order: Sequence[int]) -> tuple[int, int]:
    """The ids of the two to show: the requested ones, or the best ones if invalid."""
    left, right = (int_param(request.GET.get(name, ""), maximum=10**18, minimum=0) for name in ("left", "right"))
    left = left if left in order else next(pk for pk in order if pk != right)
    return left, right if right in order and right != left else next(pk for pk in order if pk != left)


def _side(group: ComparedGroup, index: int) -> Side:
    own, other = group.pair[index], group.pair[1 - index]
    image = next(image for image in group.images if image.pk == own)
    width, height = image.shown_size
    rest = [image.pk for image in group.images if image.pk != other]
    return Side(
        id=str(own),
        name=str(image),
        url=links.image_url(own),
        preview=links.rendition_url(image, "preview"),
        zoom_url=reverse("image-zoom", args=[own]),
        width=str(width),
        height=str(height),
        display_width=str(DISPLAY_WIDTH),
        is_blurred=own in group.blurred,
        is_best=own == group.images[0].pk,
        # Keeping this one removes the other one from the group.
        back=compare_url(rest, after=group.after) if len(rest) > 1 else "",
        siblings=[_sibling(group, index, image) for image in group.images if image.pk != other],
    )


def _sibling(group: ComparedGroup, index: int, image: Image) -> Sibling:
    pair = [*group.pair]
    pair[index] = image.pk
    return Sibling(
        thumb=links.rendition_url(image, "thumb"),
        name=str(image),
        url=group.url(left=pair[0], right=pair[1]),
        is_current=image.pk == group.pair[index],
        is_blurred=image.pk in group.blurred,
    )


def _row(name: object, left: str, right: str) -> ComparisonRow:
    return ComparisonRow(str(name), left or EMPTY, right or EMPTY, differs=left != right)


def _names(labels: Collection[str]) -> str:
    names = sorted(labels, key=str.lower)
    more = len(names) - MAX_NAMES
    if more <= 0:
        return ", ".join(names)
    return ", ".join(names[:MAX_NAMES]) + " " + formatting.plural(_("and %(number)s more"), more)


def _taken(facts: Facts) -> str:
    image = facts.image
    return formatting.taken_exact(image.taken_at, image.taken_offset) if image.taken_at else ""


def _rating(facts: Facts) -> str:
    stars = "★" * (facts.rating.stars or 0)
    return " ".join(filter(None, [_("Favorite") if facts.rating.is_favorite else "", stars]))


ROWS: tuple[tuple[object, Callable[[Facts], str]], ...] = (
    (gettext_lazy("File name"), lambda facts: facts.image.filename),
    (gettext_lazy("Title"), lambda facts: facts.image.title),
    (gettext_lazy("File size"), lambda facts: formatting.exact_filesize(facts.image.size)),
    (gettext_lazy("Dimensions"), lambda facts: dimensions(facts.image)),
    (gettext_lazy("Type"), lambda facts: facts.image.get_format_display()),
    (gettext_lazy("Date taken"), _taken),
    (gettext_lazy("Camera"), lambda facts: facts.camera),
    (gettext_lazy("Folder"), lambda facts: facts.folder),
    (gettext_lazy("Added"), lambda facts: formatting.exact(facts.image.added_at)),
    (gettext_lazy("Visibility"), lambda facts: facts.image.get_visibility_display()),
    (gettext_lazy("Your rating"), _rating),
    (gettext_lazy("Collections"), lambda facts: ", ".join(facts.collections)),
)
