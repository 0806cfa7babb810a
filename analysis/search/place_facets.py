"""The most frequent countries, regions or cities of a result."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from analysis.models import Image, Viewer
from analysis.search import results
from analysis.search.connection import search_alias
from analysis.search.folding import fold_name
from analysis.search.query import Query
from analysis.search.terms import PlaceTerm

SAMPLE = 2_000
"""Images of a result in which places are counted for the filter."""
SEPARATOR = ", "


@dataclass(frozen=True)
class PlaceFacet:
    """A place by all its names, and the number of a result's images in it."""

    names: str
    name: str
    images: int


@dataclass(frozen=True)
class PlaceFacets:
    """Places one level below the query's: countries, then regions, then cities."""

    facets: list[PlaceFacet]
    above: PlaceTerm | None
    """The term that is replaced by a narrower one."""
    is_sample: bool

    def narrowed(self, query: Query, names: str) -> Query:
        """The query for images in one of the places."""
        parts = [part for part in query.parts if part != self.above]
        return replace(query, parts=(*parts, PlaceTerm(names)))


def place_facets(query: Query, *, viewer: Viewer, maximum: int = 20) -> PlaceFacets:
    """The most frequent places, counted on the first SAMPLE images of the result."""
    ids = results.image_ids(query, viewer=viewer, limit=SAMPLE + 1)
    images = Image.objects.using(search_alias()).filter(pk__in=ids[:SAMPLE]).exclude(city="")
    places = [names.split(SEPARATOR) for names in images.values_list("city", flat=True)]
    above, below = None, places
    for part in query.parts:
        if isinstance(part, PlaceTerm) and (inside := [names for names in places if _is_in(names, part)]):
            above, below = part, inside
    depth = above.text.count(SEPARATOR) + 2 if above else 1
    counts = Counter(SEPARATOR.join(names[-depth:]) for names in below if len(names) >= depth)
    facets = [PlaceFacet(names, names.split(SEPARATOR)[0], number) for names, number in counts.most_common(maximum)]
    return PlaceFacets(facets, above, is_sample=len(ids) > SAMPLE)


def _is_in(names: list[str], term: PlaceTerm) -> bool:
    """True if the last names, for example region and country, are those of the term."""
    searched = fold_name(term.text).split(SEPARATOR)
    return [fold_name(name) for name in names[-len(searched) :]] == searched
