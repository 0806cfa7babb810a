"""Search suggestions: notes on its words, and other searches if it finds nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from django.utils.functional import Promise
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analysis import formatting
from analysis.search.autocomplete import similar_names
from analysis.search.brief_counts import COUNT_CAP, BriefCounter
from analysis.search.errors import InvalidValue
from analysis.search.query import TRASHED, LabelTerm, Node, Not, Query, any_of
from analysis.search.results import Search
from analysis.search.terms import BY_FIELD, SimilarTerm, Value
from analysis.search.typed_words import WordMeaning, with_exact_words, with_separate_labels
from analysis.web.library.filter_chips import Link

SECONDS = 1.0
"""Time limit for the counts on a page without results; later counts are left out."""
OR = "or"
"""A word like any other unless in capital letters."""
MAX_UNMATCHED = 3
"""Maximum number of terms of a search that are explained."""
MAX_PARTS = 30
MAX_OFFERS = 8
OTHER_FIELDS: dict[str, str | Promise] = {
    "name": gettext_lazy("%(pictures)s named “%(text)s”"),
    "text": gettext_lazy("%(pictures)s with the text “%(text)s”"),
    "folder": gettext_lazy("%(pictures)s in folders named “%(text)s”"),
    "camera": gettext_lazy("%(pictures)s taken with “%(text)s”"),
    "place": gettext_lazy("%(pictures)s taken in “%(text)s”"),
}
"""Fields in which to look for a word that is not a label."""
PREFIX = gettext_lazy("%(pictures)s with labels that start with “%(text)s”")


@dataclass(frozen=True)
class SuggestedSearch:
    """A search to open instead, in one click."""

    text: str
    url: str


@dataclass(frozen=True)
class UnmatchedTerm:
    """A term that matches no visible picture, and what may have been meant."""

    name: str
    suggestions: list[SuggestedSearch] = field(default_factory=list)
    """Searches with similar names of labels."""
    offers: list[SuggestedSearch] = field(default_factory=list)
    """Searches for the word in file names, texts and other fields, with counts."""


@dataclass(frozen=True)
class NoResults:
    """The terms that leave a search without results, and searches without them."""

    unmatched: list[UnmatchedTerm] = field(default_factory=list)
    without: list[SuggestedSearch] = field(default_factory=list)


@dataclass(frozen=True)
class WordNote:
    """The labels that words mean, and other interpretations."""

    text: str
    offers: list[SuggestedSearch]


def word_note(search: Search, *, link: Link) -> WordNote | None:
    """The note on a search's words; None if all are names of labels."""
    meanings = search.resolved.meanings
    if not meanings:
        return None
    offers = [
        SuggestedSearch(_separate_text(meaning), link(with_separate_labels(search.query, meaning)))
        for meaning in meanings
        if len(meaning.typed) > 1
    ]
    offers.append(SuggestedSearch(_("Search for exactly what I typed"), link(with_exact_words(search.query))))
    return WordNote(" ".join(_note_texts(meanings)), offers)


def _note_texts(meanings: tuple[WordMeaning, ...]) -> Iterator[str]:
    searched = [f"“{meaning.part.describe()}”" for meaning in meanings if meaning.part]
    if searched:
        yield _("Showing results for %(terms)s.") % {"terms": get_text_list(searched, _("and"))}
    left_out = [f"“{meaning.text}”" for meaning in meanings if meaning.part is None]
    if left_out:
        yield _("Left out: %(words)s.") % {"words": ", ".join(left_out)}


def _separate_text(meaning: WordMeaning) -> str:
    words = [f"“{term.name}”" for term in meaning.typed]
    return _("Search for %(words)s separately") % {"words": get_text_list(words, _("and"))}


def no_results(search: Search, *, link: Link) -> NoResults:
    """The terms that leave a search without results, and searches to try instead."""
    counter = BriefCounter(search.viewer, seconds=SECONDS)
    parts = [part for part in search.resolved.query.parts[:MAX_PARTS] if part != TRASHED]
    unmatched = [] if search.query.includes_trash else [part for part in parts if _matches_nothing(part, counter)]
    explained = [_explained(search, part, counter, link) for part in unmatched[:MAX_UNMATCHED]]
    if len(search.resolved.query.parts) == 1:
        return NoResults(explained)
    # Without those that match nothing, the others may not occur together; then one of them is left out, too.
    without = _without(search, unmatched, counter, link) if unmatched else None
    groups = [] if without else [[*unmatched, part] for part in parts if part not in unmatched]
    offers = (without, *(_without(search, group, counter, link) for group in groups))
    return NoResults(explained, [offer for offer in offers if offer][:MAX_OFFERS])


def _matches_nothing(part: Node, counter: BriefCounter) -> bool:
    # For similarity terms, similarity.py gives the reason. A cap of 0 is enough to check existence.
    return not isinstance(part, SimilarTerm) and counter.count(Query((part,)), cap=0) == 0


def _explained(search: Search, part: Node, counter: BriefCounter, link: Link) -> UnmatchedTerm:
    """A term that matches nothing, with labels and fields to search instead."""
    query, weaker = search.query, _weaker(part)
    if weaker and counter.count(Query((weaker,)), cap=0):
        query = query if part in query.parts else search.resolved.query
        return UnmatchedTerm(part.describe(), offers=list(_instead(query, part, weaker, counter, link)))
    if not isinstance(part, LabelTerm) or part not in query.parts:
        return UnmatchedTerm(part.describe())
    if part.name.lower() == OR:
        return UnmatchedTerm(part.name, offers=list(_alternatives(query, part, counter, link)))
    names = similar_names(part.name, viewer=counter.viewer)
    terms = [(name, replace(part, name=name)) for name in names]
    return UnmatchedTerm(
        part.name,
        [SuggestedSearch(name, link(query.replacing(part, term))) for name, term in terms],
        list(_other_fields(query, part, counter, link)) if not part.kind else [],
    )


def _weaker(part: Node) -> Node | None:
    """The label at any confidence, or what the term excludes; None for other terms."""
    if isinstance(part, Not):
        return part.part
    return replace(part, minimum=0.0) if isinstance(part, LabelTerm) and part.minimum else None


def _instead(query: Query, part: Node, other: Node, counter: BriefCounter, link: Link) -> Iterator[SuggestedSearch]:
    """The search with another term in the place of one, if that finds anything."""
    changed = query.replacing(part, other)
    if number := counter.count(changed):
        values = {"pictures": _pictures(number), "terms": f"“{other.describe()}”"}
        yield SuggestedSearch(_("%(pictures)s with %(terms)s") % values, link(changed))


def _alternatives(query: Query, part: LabelTerm, counter: BriefCounter, link: Link) -> Iterator[SuggestedSearch]:
    """The search with the terms around a lower-case "or" as alternatives."""
    position = query.parts.index(part)
    beside = query.parts[position - 1 : position] + query.parts[position + 1 : position + 2]
    if len(beside) == 2:
        either = any_of(beside)
        changed = query.without(part).without(beside[1]).replacing(beside[0], either)
        if number := counter.count(changed):
            yield SuggestedSearch(
                _("%(pictures)s with %(terms)s") % {"pictures": _pictures(number), "terms": either.describe()},
                link(changed),
            )


def _other_fields(query: Query, part: LabelTerm, counter: BriefCounter, link: Link) -> Iterator[SuggestedSearch]:
    """The search with the word in other fields.

    If that finds nothing together with the other terms, the search for that field alone.
    """
    for text, term in _other_terms(part.name):
        changed = query.replacing(part, term)
        number = counter.count(changed)
        if number == 0 and len(query.parts) > 1:
            changed = Query((term,))
            number = counter.count(changed)
        if number:
            yield SuggestedSearch(str(text) % {"pictures": _pictures(number), "text": part.name}, link(changed))


def _other_terms(name: str) -> Iterator[tuple[str | Promise, Node]]:
    for field_name, text in OTHER_FIELDS.items():
        try:
            yield text, BY_FIELD[field_name].parse(field_name, "", Value(name))
        except InvalidValue:
            continue  # text that the field does not accept
    yield PREFIX, LabelTerm(name, is_prefix=True)


def _without(search: Search, parts: list[Node], counter: BriefCounter, link: Link) -> SuggestedSearch | None:
    """The search without these parts, if that finds anything."""
    query = search.query if all(part in search.query.parts for part in parts) else search.resolved.query
    for part in parts:
        query = query.without(part)
    number = counter.count(query)
    values = {"pictures": _pictures(number or 0), "terms": f"“{any_of(parts).describe()}”"}
    return SuggestedSearch(_("%(pictures)s without %(terms)s") % values, link(query)) if number else None


def _pictures(number: int) -> str:
    return formatting.pictures(number, cap=COUNT_CAP)
