"""Autocomplete for a search, and labels with a similar name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from analysis.models import Collection, Label, Viewer
from analysis.search.connection import search_alias
from analysis.search.field_values import FIELDS, field_values
from analysis.search.folding import fold
from analysis.search.label_index import IndexedName, label_index
from analysis.search.literals import quoted
from analysis.search.query import SORTS
from analysis.search.synonyms import synonyms
from analysis.search.syntax.punctuation import normalize_punctuation
from analysis.search.terms import BY_FIELD, SUGGESTIONS, FolderTerm, LabelTerm
from analysis.search.visible_labels import label_visibility

MAX_FIELDS = 3
MIN_CONTAINED = 3
"""Minimum length for suggesting names that contain the word."""
MAX_FRAGMENT = 250
"""Characters read before the cursor; names have at most 200."""
MIN_JOINED = 2
"""Minimum letters of the last of several words, since one letter may begin any label."""
VALUES: dict[str, Sequence[str]] = {**SUGGESTIONS, "sort": SORTS}
"""Suggested values by field."""
KINDS_BY_FUNCTION: dict[str, Sequence[str]] = {
    "": (),
    "face": (Label.Kind.FACE, Label.Kind.EMOTION),
    "count": (Label.Kind.LABEL,),
}
FIELD_SUGGESTIONS = (*(f"{field}:" for field in (*BY_FIELD, "sort")), "count(", "face(")

PHRASE = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
WORD = r'[^\s"()<>=:*-][^\s"()<>=:*]*'
FRAGMENT = re.compile(rf'(?:(?P<field>{WORD}):\s*)?(?P<stem>"(?:[^"\\]|\\.)*|{WORD})?\Z', re.DOTALL)
WORDS_BEFORE = re.compile(r'(?:(?<![^\s(])(?!OR\s|NOT\s)[^\s"()<>=:*-][^\s"()<>=:*]*\s+){1,3}\Z')
"""Up to three words before the one at the cursor, which may be one label with it."""
REST = re.compile(r'[^\s"()<>=:*]*[*"]?')
REST_OF_PHRASE = re.compile(r'(?:[^"\\]|\\.)*"\*?', re.DOTALL)


@dataclass(frozen=True)
class Suggestion:
    """A suggested text; choosing it sets the search to `completed`, and the cursor.

    `kind` is the kind of a label, "category", "collection", "field" or "value". `count` is the number of images with
    the label; None if it is unknown or would reveal images that the viewer may not see.
    """

    text: str
    kind: str
    count: int | None
    completed: str
    cursor: int


@dataclass(frozen=True)
class _Fragment:
    """The value at the cursor: `stem` of a value of `field` in `text[start:end]`.

    `function` is "face" or "count" within its parentheses. `opening` is the ":" or "(" that follows, if the stem begins
    the name of a field or function.
    """

    text: str
    start: int
    end: int
    field: str
    stem: str
    function: str
    opening: str

    def suggest(self, replacement: str, *, text: str, kind: str, count: int | None = None) -> Suggestion:
        rest = self.text[self.end :]
        if self.opening:
            rest = rest.removeprefix(self.opening)  # part of the replacement
        # A space after a complete value, so that the next term can be typed at once.
        elif not replacement.endswith((":", "(", ">=")) and rest[:1] != ")":
            replacement, rest = f"{replacement} ", rest.removeprefix(" ")
        before = self.text[: self.start] + replacement
        return Suggestion(text, kind, count, before + rest, len(before))


def complete(text: str, *, cursor: int, viewer: Viewer, maximum: int = 10) -> list[Suggestion]:
    """Suggestions at the cursor: labels the viewer may see, then fields."""
    fragment = _fragment(normalize_punctuation(text), min(max(cursor, 0), len(text)))
    if fragment is None:
        return []
    if fragment.field in NAMES_BY_FIELD and not fragment.function:
        return NAMES_BY_FIELD[fragment.field](fragment, viewer, maximum)
    if fragment.field in VALUES and not fragment.function:
        return [
            fragment.suggest(f"{fragment.field}:{value}", text=value, kind="value")
            for value in VALUES[fragment.field]
            if value.startswith(fragment.stem.lower())
        ][:maximum]
    if fragment.field:
        is_kind = fragment.field in LabelTerm.KINDS and not fragment.function
        return _labels(fragment, viewer, maximum, kinds=[fragment.field]) if is_kind else []
    return _labels_and_fields(fragment, viewer, maximum) if fragment.stem else []


def _labels_and_fields(fragment: _Fragment, viewer: Viewer, maximum: int) -> list[Suggestion]:
    fields = _fields(fragment)[:MAX_FIELDS]
    if fragment.opening:
        return fields
    labels = _labels_of_several_words(fragment, viewer)
    labels += _labels(fragment, viewer, maximum - len(fields), kinds=KINDS_BY_FUNCTION[fragment.function])
    # Of equal texts the first remains, which replaces more words.
    by_text = {suggestion.text: suggestion for suggestion in reversed(labels)}
    labels = list(dict.fromkeys(by_text[suggestion.text] for suggestion in labels))
    return [*labels[: maximum - len(fields)], *fields]


def similar_names(name: str, *, viewer: Viewer, maximum: int = 3) -> list[str]:
    """Similar names and aliases of labels the viewer may see, for "Did you mean".

    Synonyms and other forms come first, then names that contain the word, then names that differ by one or two letters.
    """
    index, folded = label_index(), fold(name)
    related = [form for label in synonyms().get(folded, ()) for form in index.named(fold(label))]
    longer = islice(index.starting_with(name), 10 * maximum) if len(folded) >= MIN_CONTAINED else ()
    names = [*related, *index.inflections(folded), *longer, *index.near(name, maximum=10 * maximum)]
    if not names:
        return []
    label_ids = dict.fromkeys(similar.label_id for similar in names)
    visible = label_visibility(viewer).visible(label_ids, maximum=len(label_ids))
    texts = (similar.text for similar in names if similar.label_id in visible and similar.text.lower() != name.lower())
    return list(dict.fromkeys(texts))[:maximum]


def _labels_of_several_words(fragment: _Fragment, viewer: Viewer) -> list[Suggestion]:
    """Labels that start with the words before the cursor: `fire tru`."""
    match = WORDS_BEFORE.search(fragment.text, max(0, fragment.start - MAX_FRAGMENT), fragment.start)
    if fragment.function or fragment.text[fragment.start] == '"' or match is None or len(fragment.stem) < MIN_JOINED:
        return []
    index = label_index()
    for word in re.finditer(r"\S+", match[0]):
        start = match.start() + word.start()
        joined = " ".join([*fragment.text[start : fragment.start].split(), fragment.stem])
        if any(index.starting_with(joined)):
            return _labels(replace(fragment, start=start, stem=joined), viewer, MAX_FIELDS, kinds=())
    return []


def _labels(fragment: _Fragment, viewer: Viewer, maximum: int, *, kinds: Sequence[str]) -> list[Suggestion]:
    visibility = label_visibility(viewer)
    names: Iterable[IndexedName] = (name for name in _names(fragment.stem) if not kinds or name.kind in kinds)
    if visibility.counts is not None:
        ranks = {label_id: rank for rank, label_id in enumerate(visibility.counts)}
        names = sorted((name for name in names if name.label_id in ranks), key=lambda name: ranks[name.label_id])
    by_id: dict[int, IndexedName] = {}
    visible = visibility.visible((by_id.setdefault(name.label_id, name).label_id for name in names), maximum=maximum)
    return [
        fragment.suggest(_replacement(name, fragment), text=_display(name), kind=name.kind, count=count)
        for name, count in ((by_id[label_id], count) for label_id, count in visible.items())
    ]


def _names(stem: str) -> Iterator[IndexedName]:
    """Names with a word that starts like this, then other forms and synonyms."""
    index, folded = label_index(), fold(stem)
    yield from index.starting_with(stem)
    if folded:
        yield from index.inflections(folded)
        for label in synonyms().get(folded, ()):
            yield from index.named(fold(label))


def _replacement(name: IndexedName, fragment: _Fragment) -> str:
    text = quoted(name.name)
    match fragment.function:
        case "face":
            return text
        case "count":
            return text if fragment.text[fragment.end :].startswith(")") else f"{text})>="
    return text if name.kind == Label.Kind.LABEL and not fragment.field else f"{name.kind}:{text}"


def _display(name: IndexedName) -> str:
    return f"{name.name} ({name.text})" if name.is_alias else name.name


def _fields(fragment: _Fragment) -> list[Suggestion]:
    """Fields and functions that start with the stem; none within quotes or functions."""
    if fragment.function or fragment.text[fragment.start] == '"':
        return []
    stem = fragment.stem.lower()
    texts = (text for text in FIELD_SUGGESTIONS if text.startswith(stem) and text.endswith(fragment.opening))
    exact_first = sorted(texts, key=lambda text: text[:-1] != stem)
    return [fragment.suggest(text, text=text, kind="field") for text in exact_first]


def _categories(fragment: _Fragment, viewer: Viewer, maximum: int) -> list[Suggestion]:
    names = label_index().categories(fragment.stem)
    visible = label_visibility(viewer).categories(names, maximum=maximum)
    return [fragment.suggest(f"category:{quoted(name)}", text=name, kind="category") for name in visible]


def _collections(fragment: _Fragment, viewer: Viewer, maximum: int) -> list[Suggestion]:
    """Collections with the stem in their name, the last changed first."""
    visible = Collection.objects.using(search_alias()).visible_to(viewer).filter(name__icontains=fragment.stem)
    names = visible.order_by("-changed_at", "-pk").values_list("name", flat=True)[:maximum]
    return [fragment.suggest(f"collection:{quoted(name)}", text=name, kind="collection") for name in names]


def _values(fragment: _Fragment, viewer: Viewer, maximum: int) -> list[Suggestion]:
    """Values of the field on pictures, such as places."""
    values = field_values(fragment.field, fragment.stem, viewer=viewer, maximum=maximum)
    # A folder with those below it, as the filter adds it.
    terms = [
        FolderTerm(f"{value}/", is_prefix=True).write()
        if fragment.field == "folder"
        else f"{fragment.field}:{quoted(value)}"
        for value in values
    ]
    return [fragment.suggest(term, text=value, kind="value") for term, value in zip(terms, values, strict=True)]


NAMES_BY_FIELD: dict[str, Callable[[_Fragment, Viewer, int], list[Suggestion]]] = {
    "category": _categories,
    "collection": _collections,
    **dict.fromkeys(FIELDS, _values),
}
"""Fields whose values are names that the viewer may see."""


def _fragment(text: str, cursor: int) -> _Fragment | None:
    """The value at the cursor; None where nothing can be suggested."""
    # Complete phrases are masked, so that any remaining quotation mark opens a phrase.
    head = PHRASE.sub(lambda phrase: "*" * len(phrase[0]), text[:cursor])
    match = FRAGMENT.search(head, max(0, len(head) - MAX_FRAGMENT))
    if match is None or head[: match.start()].rstrip().endswith(("<", ">", "=")):
        return None
    stem = re.sub(r'\\(["\\])', r"\1", (match["stem"] or "").removeprefix('"'))
    end = _end(text, cursor, match["stem"] or "")
    field = (match["field"] or "").lower()
    opening = text[end : end + 1] if not field and text.startswith((":", "("), end) else ""
    return _Fragment(text, match.start(), end, field, " ".join(stem.split()), _open_function(head), opening)


def _end(text: str, cursor: int, stem: str) -> int:
    """The end of the value that begins with the stem and continues after the cursor."""
    if not stem:
        return cursor
    # An even number of quotation marks belongs to other phrases; then this one is not closed.
    is_closed = stem.startswith('"') and len(re.findall(r'(?<!\\)"', text[cursor:])) % 2
    rest = (REST_OF_PHRASE if is_closed else REST).match(text, cursor)
    return rest.end() if rest else cursor


def _open_function(head: str) -> str:
    """The function whose parenthesis is open at the end of the text; empty for none."""
    depth = 0
    for position in range(len(head) - 1, -1, -1):
        depth += (head[position] == ")") - (head[position] == "(")
        if depth < 0:
            name = re.search(r"(?<![^\s(-])(face|count)\Z", head[:position], re.IGNORECASE)
            return name[1].lower() if name else ""
    return ""
