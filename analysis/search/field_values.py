"""Suggested values of fields: places, folders, cameras and lenses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import accumulate

from django.db.models import QuerySet

from analysis.models import Image, Viewer
from analysis.search.connection import search_alias
from analysis.search.folding import fold_name
from analysis.search.place_facets import SEPARATOR
from analysis.search.query import Query
from analysis.search.results import Search
from analysis.search.terms import BY_FIELD, Value
from analysis.search.time_limit import SearchTooSlow, TimeBudget

SAMPLE = 300
"""Values are read from this many pictures, the latest with the text."""
SECONDS = 0.3
"""Time limit; people go on typing meanwhile."""


def field_values(field: str, text: str, *, viewer: Viewer, maximum: int) -> list[str]:
    """The values of a field that contain a text, the most frequent first.

    An empty list if they can't be found in time.
    """
    columns, values_of = FIELDS[field]
    try:
        with TimeBudget(SECONDS).part():
            images = _images_with(field, text, viewer).order_by("-pk")
            rows = list(images.values_list(*columns)[:SAMPLE])
    except SearchTooSlow:
        return []
    text = fold_name(text)
    numbers = Counter(value for row in rows for value in values_of(text, *(cell or "" for cell in row)) if value)
    return [value for value, _ in numbers.most_common(maximum)]


def _images_with(field: str, text: str, viewer: Viewer) -> QuerySet[Image]:
    images = Image.objects.using(search_alias())
    if not text:
        return images.visible_to(viewer).filter(**{f"{FIELDS[field][0][0]}__gt": ""})
    query = Query((BY_FIELD[field].parse(field, "", Value(text)),))
    return images.filter(pk__in=Search(query, viewer).image_ids(limit=SAMPLE))


def _places(text: str, city: str, place: str) -> Iterator[str]:
    """The city, region or country that has the text, with what it is in."""
    levels = city.split(SEPARATOR)
    for depth, level in enumerate(levels):
        if text in fold_name(level):
            yield SEPARATOR.join(levels[depth:])
            break
    if text in fold_name(place):
        yield place


def _folders(text: str, path: str) -> Iterator[str]:
    """The path down to the folder that has the text in its name."""
    above = accumulate(path.split("/"), "{}/{}".format)
    yield next((folder for folder in above if text in fold_name(folder)), "")


def _cameras(text: str, make: str, model: str, lens: str) -> Iterator[str]:
    containing = (name for name in (model, make, lens) if name and text in fold_name(name))
    yield next(containing, f"{make} {model}".strip())


def _lenses(text: str, lens: str) -> Iterator[str]:
    if text in fold_name(lens):
        yield lens


FIELDS: dict[str, tuple[tuple[str, ...], Callable[..., Iterator[str]]]] = {
    "place": (("city", "place"), _places),
    "folder": (("folder__path",), _folders),
    "camera": (("camera_make", "camera_model", "lens"), _cameras),
    "lens": (("lens",), _lenses),
}
"""The columns of an image by field, and the values in them."""
