"""What may follow at the cursor of a search that is being typed; and names near one that nothing carries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analysis.models import Image, Label, Viewer
from analysis.search.label_index import IndexedName, label_index
from analysis.search.label_visibility import label_visibility
from analysis.search.syntax.serializer import quoted
from analysis.search.syntax.terms import CHOICES, DATES, FIELDS, KINDS

MOST_FIELDS = 3
LONGEST = 250
"""So many letters before the cursor are looked at; names have 200."""
DATE_WORDS = ("today", "yesterday", "last-7-days", "last-30-days", "last-1-year")
FIXED: dict[str, Sequence[str]] = {
    **CHOICES,
    **dict.fromkeys(DATES, DATE_WORDS),
    "format": Image.Format.values,
    "owner": ("me",),
}
"""What else follows a field."""
KINDS_INSIDE: dict[str, Sequence[str]] = {
    "": (),
    "face": (Label.Kind.FACE, Label.Kind.EMOTION),
    "count": (Label.Kind.LABEL,),
}
FIELD_TEXTS = (*(f"{field}:" for field in FIELDS), "count(", "face(")

PHRASE = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
WORD = r'[^\s"()<>=:*-][^\s"()<>=:*]*'
FRAGMENT = re.compile(rf'(?:(?P<field>{WORD}):\s*)?(?P<stem>"(?:[^"\\]|\\.)*|{WORD})?\Z', re.DOTALL)
REST = re.compile(r'[^\s"()<>=:*]*[*"]?')


@dataclass(frozen=True)
class Suggestion:
    """`text` is shown; taking it makes the search `completed`, with the cursor at `cursor`.

    `kind` is a label's kind, "category", "field" or "value". `count`: pictures that carry the label; None where that is
    unknown or would tell of pictures this viewer does not see.
    """

    text: str
    kind: str
    count: int | None
    completed: str
    cursor: int


@dataclass(frozen=True)
class _Place:
    """What is being typed: `stem` of a value of `field`, within `text[start:end]`, maybe in face( or count(."""

    text: str
    start: int
    end: int
    field: str
    stem: str
    inside: str

    def taking(self, written: str, *, text: str, kind: str, count: int | None = None) -> Suggestion:
        rest = self.text[self.end :]
        if not written.endswith((":", "(", ">=")) and rest[:1] != ")":
            written, rest = f"{written} ", rest.removeprefix(" ")
        before = self.text[: self.start] + written
        return Suggestion(text, kind, count, before + rest, len(before))


def complete(text: str, *, cursor: int, viewer: Viewer, maximum: int = 10) -> list[Suggestion]:
    """Labels by their frequency, categories, fields and their fixed values; only labels this viewer can meet."""
    place = _place(text, min(max(cursor, 0), len(text)))
    if place is None:
        return []
    if place.field == "category":
        return _categories(place, viewer, maximum)
    if place.field in FIXED and not place.inside:
        return [
            place.taking(f"{place.field}:{value}", text=value, kind="value")
            for value in FIXED[place.field]
            if value.startswith(place.stem.lower())
        ][:maximum]
    if place.field:
        return _labels(place, viewer, maximum, kinds=[place.field]) if place.field in KINDS and not place.inside else []
    if not place.stem:
        return []
    fields = _fields(place)[:MOST_FIELDS]
    return [*_labels(place, viewer, maximum - len(fields), kinds=KINDS_INSIDE[place.inside]), *fields]


def near_names(name: str, *, viewer: Viewer, maximum: int = 3) -> list[str]:
    """Names and aliases like this one, of labels this viewer can meet: for "did you mean"."""
    words = label_index().near(name, maximum=10 * maximum)
    met = (
        label_visibility(viewer).met(dict.fromkeys(word.label_id for word in words), maximum=len(words))
        if words
        else {}
    )
    return list(dict.fromkeys(word.text for word in words if word.label_id in met))[:maximum]


def _labels(place: _Place, viewer: Viewer, maximum: int, *, kinds: Sequence[str]) -> list[Suggestion]:
    sight = label_visibility(viewer)
    words: Iterable[IndexedName] = (
        word for word in label_index().beginning(place.stem) if not kinds or word.kind in kinds
    )
    if sight.few is not None:
        ranks = {label_id: rank for rank, label_id in enumerate(sight.few)}
        words = sorted((word for word in words if word.label_id in ranks), key=lambda word: ranks[word.label_id])
    looked_at: dict[int, IndexedName] = {}
    met = sight.met((looked_at.setdefault(word.label_id, word).label_id for word in words), maximum=maximum)
    return [
        place.taking(_written(word, place), text=_shown(word), kind=word.kind, count=count)
        for word, count in ((looked_at[label_id], count) for label_id, count in met.items())
    ]


def _written(word: IndexedName, place: _Place) -> str:
    name = quoted(word.name)
    match place.inside:
        case "face":
            return name
        case "count":
            return name if place.text[place.end :].startswith(")") else f"{name})>="
    return name if word.kind == Label.Kind.LABEL and not place.field else f"{word.kind}:{name}"


def _shown(word: IndexedName) -> str:
    return f"{word.name} ({word.text})" if word.is_alias else word.name


def _fields(place: _Place) -> list[Suggestion]:
    """Fields and functions that begin so; none in quotes, none within a function."""
    if place.inside or place.text[place.start] == '"':
        return []
    stem = place.stem.lower()
    return [place.taking(text, text=text, kind="field") for text in FIELD_TEXTS if text.startswith(stem)]


def _categories(place: _Place, viewer: Viewer, maximum: int) -> list[Suggestion]:
    names = label_index().categories(place.stem)
    met = label_visibility(viewer).categories(names, maximum=maximum)
    return [place.taking(f"category:{quoted(name)}", text=name, kind="category") for name in met]


def _place(text: str, cursor: int) -> _Place | None:
    """Where in a search the cursor is; None where nothing can be suggested."""
    # Phrases that are closed become something else, so that a quote that is left is one that is open.
    head = PHRASE.sub(lambda phrase: "*" * len(phrase[0]), text[:cursor])
    found = FRAGMENT.search(head, max(0, len(head) - LONGEST))
    if found is None or head[: found.start()].rstrip().endswith(("<", ">", "=")):
        return None
    stem = re.sub(r'\\(["\\])', r"\1", (found["stem"] or "").removeprefix('"'))
    rest = REST.match(text, cursor)
    end = rest.end() if rest and found["stem"] else cursor
    return _Place(text, found.start(), end, (found["field"] or "").lower(), " ".join(stem.split()), _inside(head))


def _inside(head: str) -> str:
    """The function whose parenthesis is open here."""
    depth = 0
    for place in range(len(head) - 1, -1, -1):
        depth += (head[place] == ")") - (head[place] == "(")
        if depth < 0:
            name = re.search(r"(?<![^\s(-])(face|count)\Z", head[:place], re.IGNORECASE)
            return name[1].lower() if name else ""
    return ""
