"""Names and aliases of labels, cached in the process for autocomplete.

Includes labels that a viewer may not see: results must pass through `visible_labels`.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from time import monotonic
from typing import NamedTuple

from analysis.models import Label, LabelAlias
from analysis.search.connection import search_alias
from analysis.search.database import fetch_all
from analysis.search.folding import fold
from analysis.search.inflections import is_inflection

MAX_AGE = 60
"""Seconds until renamed labels and new counts are read; new labels are read at once."""
SEARCH_MAX_AGE = 600
"""The same for searches, which always find renamed labels by exact names."""
# The last code point, which sorts after everything that can follow a prefix.
LAST = "\U0010ffff"
NAMES_STATE = """
    ARRAY[coalesce((SELECT max(id) FROM analysis_label), 0),
          coalesce((SELECT max(id) FROM analysis_labelalias), 0),
          ((0 = %s OR EXISTS (SELECT FROM analysis_label WHERE id = %s)) AND
           (0 = %s OR EXISTS (SELECT FROM analysis_labelalias WHERE id = %s)))::int]::bigint[]
"""
"""SQL of a NamesState; its parameters are `names_state_values`."""


class NamesState(NamedTuple):
    """The highest ids of labels and aliases, and if the rows read still exist."""

    newest: tuple[int, int]
    is_valid: bool

    @classmethod
    def from_row(cls, numbers: Sequence[int]) -> NamesState:
        return cls((numbers[0], numbers[1]), bool(numbers[2]))


@dataclass(frozen=True)
class IndexedName:
    """A name or alias of a label."""

    text: str
    label_id: int
    name: str
    kind: str
    category: str
    image_count: int

    @cached_property
    def letters(self) -> int:
        return _letters(self.folded)

    @cached_property
    def folded(self) -> str:
        return fold(self.text)

    @property
    def is_alias(self) -> bool:
        return self.text != self.name


@dataclass(frozen=True)
class LabelIndex:
    """All names, the most frequent first, a label's name before its aliases."""

    names: tuple[IndexedName, ...] = ()
    newest: tuple[int, int] = (0, 0)
    """The highest ids of labels and of aliases that were read."""
    read_at: float = 0.0
    _suffixes: list[str] = field(default_factory=list, repr=False)
    """The rest of each name from each of its words on, folded and sorted."""
    _positions: list[int] = field(default_factory=list, repr=False)
    """The position in `names` of each suffix."""

    def extended(self, names: Iterable[IndexedName], *, newest: tuple[int, int]) -> LabelIndex:
        ordered = sorted(names, key=lambda name: (-name.image_count, name.name, name.is_alias))
        merged = (*self.names, *ordered)
        old = zip(self._suffixes, self._positions, strict=True)
        new = ((suffix, at) for at in range(len(self.names), len(merged)) for suffix in _suffixes(merged[at].text))
        pairs = sorted((*old, *new))
        suffixes, positions = [suffix for suffix, _ in pairs], [at for _, at in pairs]
        return LabelIndex(merged, newest, self.read_at or monotonic(), suffixes, positions)

    def starting_with(self, prefix: str) -> Iterator[IndexedName]:
        """Labels with a word that starts with the prefix, each once, by frequency."""
        label_ids = set()
        for position in self._starting_with(fold(prefix)):
            name = self.names[position]
            if name.label_id not in label_ids:
                label_ids.add(name.label_id)
                yield name

    def named(self, folded: str) -> list[IndexedName]:
        """Names and aliases that are the same when folded."""
        first, last = bisect_left(self._suffixes, folded), bisect_right(self._suffixes, folded)
        names = (self.names[position] for position in self._positions[first:last])
        return [name for name in names if name.folded == folded]

    def inflections(self, folded: str) -> list[IndexedName]:
        """Names whose last word is another form of this name's: plural, -ing or -ed.

        Only those of the nearest form, by frequency.
        """
        first, _space, last = folded.rpartition(" ")
        # Only names with the same beginning are compared, since words change at their end. "lie" and "lying" are not
        # found.
        stem = folded[: len(folded) - len(last) + max(2, min(len(last) - 3, 4))]
        forms: dict[str, list[IndexedName]] = {}
        for position in self._starting_with(stem):
            name = self.names[position]
            before, _space, other = name.folded.rpartition(" ")
            if before == first and other != last and is_inflection(other, last):
                forms.setdefault(name.folded, []).append(name)
        return forms[min(forms, key=lambda form: abs(len(form) - len(folded)))] if forms else []

    def _starting_with(self, folded: str) -> list[int]:
        """The positions of names with a word that starts with this text."""
        first, last = bisect_left(self._suffixes, folded), bisect_left(self._suffixes, folded + LAST)
        return sorted(set(self._positions[first:last]))

    def categories(self, prefix: str) -> list[str]:
        """The categories with a word that starts with the prefix, by name."""
        names = sorted({name.category for name in self.names if name.category})
        return [name for name in names if any(text.startswith(fold(prefix)) for text in _suffixes(name))]

    def near(self, text: str, *, maximum: int) -> list[IndexedName]:
        """Names that differ by one or two letters, by distance and frequency."""
        text = fold(text)
        letters, limit = _letters(text), 1 + (len(text) > 4)
        matches = []
        for position, name in enumerate(self.names):
            # Cheap checks first, since the distance is expensive and most names differ too much in length or letters.
            if abs(len(name.folded) - len(text)) > limit or (name.letters ^ letters).bit_count() > 2 * limit:
                continue
            distance = edit_distance(name.folded, text, limit=limit)
            if 0 < distance <= limit:
                matches.append((distance, position))
        return [self.names[position] for _, position in heapq.nsmallest(maximum, matches)]


class _Cache:
    """The cached index of one database: a replica may lack the newest names."""

    def __init__(self) -> None:
        self.index = LabelIndex()

    def refreshed(self, index: LabelIndex, state: NamesState, *, max_age: float) -> LabelIndex:
        """The index updated to `state`; read again if older than `max_age` seconds."""
        if not state.is_valid or monotonic() - index.read_at >= max_age:
            index = LabelIndex()
        if index.newest != state.newest:
            # No lock is needed: threads may do this at the same time, and each assigns a complete index.
            self.index = index = index.extended(_names(after=index.newest), newest=state.newest)
        return index


@cache
def _cache(_alias: str) -> _Cache:
    return _Cache()


def label_index() -> LabelIndex:
    """The names of all labels that are not hidden."""
    # One short query each time, and after MAX_AGE one that reads all labels.
    index = known_labels()
    [row] = fetch_all(f"SELECT {NAMES_STATE}", names_state_values(index))
    return _cache(search_alias()).refreshed(index, NamesState.from_row(row[0]), max_age=MAX_AGE)


def names_state_values(index: LabelIndex) -> list[int]:
    return [number for number in index.newest for _ in range(2)]


def refreshed_index(index: LabelIndex, state: NamesState) -> LabelIndex:
    """The same for a search, which has read `state` already."""
    return _cache(search_alias()).refreshed(index, state, max_age=SEARCH_MAX_AGE)


def known_labels() -> LabelIndex:
    """The names as last read, without a query."""
    return _cache(search_alias()).index


def edit_distance(first: str, second: str, *, limit: int) -> int:
    """Damerau-Levenshtein distance in letters; `limit` + 1 means more than `limit`."""
    before: list[int] = []
    row = list(range(len(second) + 1))
    for i, letter in enumerate(first, start=1):
        two_before, before, row = before, row, [i]
        for j, other in enumerate(second, start=1):
            cost = min(before[j] + 1, row[-1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == second[j - 2] and first[i - 2] == other:
                cost = min(cost, two_before[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return row[-1]


def _names(*, after: tuple[int, int]) -> list[IndexedName]:
    """Names and aliases with higher ids; those of a merged label lead to its target."""
    database = search_alias()
    labels = Label.objects.using(database).filter(pk__gt=after[0])
    aliases = LabelAlias.objects.using(database).filter(pk__gt=after[1])
    sources = (
        (labels.filter(is_hidden=False, merged_into=None), ""),
        (aliases.filter(label__is_hidden=False, label__merged_into=None), "label__"),
        (labels.filter(merged_into__is_hidden=False), "merged_into__"),
        (aliases.filter(label__merged_into__is_hidden=False), "label__merged_into__"),
    )
    columns = ("pk", "name", "kind", "category", "image_count")
    return [
        IndexedName(*row)
        for rows, path in sources
        for row in rows.values_list("name", *(f"{path}{column}" for column in columns))
    ]


def _suffixes(name: str) -> list[str]:
    text = fold(name)
    # At 0 the slice before is empty, so the first letter begins a word as well.
    starts = [at for at in range(len(text)) if text[at].isalnum() and not text[at - 1 : at].isalnum()]
    return [text[at:] for at in starts] or [text]


def _letters(text: str) -> int:
    """The set of letters, as bits."""
    bits = 0
    for letter in text:
        # Two letters may share a bit. Names then seem nearer, so none is lost, and the distance decides.
        bits |= 1 << (ord(letter) & 63)
    return bits
