"""Every name that labels are found by, kept in the process for completion. Who may meet them the database is asked."""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from time import monotonic

from django.db import connection

from analysis.models import Label, LabelAlias

SECONDS = 60
"""After so long all is read again: renamed labels, new counts. New labels are there at once."""
LAST = "\U0010ffff"


@dataclass(frozen=True)
class IndexedName:
    """One name or alias of a label."""

    text: str
    label_id: int
    name: str
    kind: str
    category: str
    image_count: int

    @cached_property
    def letters(self) -> int:
        return _letters(self.text.lower())

    @property
    def is_alias(self) -> bool:
        return self.text != self.name


@dataclass(frozen=True)
class LabelIndex:
    """All words, the most frequent labels' first, a label's name before its aliases."""

    words: tuple[IndexedName, ...] = ()
    newest: tuple[int, int] = (0, 0)
    read_at: float = 0.0
    _starts: list[str] = field(default_factory=list, repr=False)
    """From each word of a name on, in lower case, sorted."""
    _places: list[int] = field(default_factory=list, repr=False)
    """For each start its place in `words`."""

    def extended(self, words: Iterable[IndexedName], *, newest: tuple[int, int]) -> LabelIndex:
        several = (*self.words, *sorted(words, key=lambda word: (-word.image_count, word.name, word.is_alias)))
        old = zip(self._starts, self._places, strict=True)
        new = ((start, at) for at in range(len(self.words), len(several)) for start in _starts(several[at].text))
        pairs = sorted((*old, *new))
        return LabelIndex(
            several, newest, self.read_at or monotonic(), [start for start, _ in pairs], [at for _, at in pairs]
        )

    def beginning(self, stem: str) -> Iterator[IndexedName]:
        """The labels with a word that begins so, each once, the most frequent first."""
        first = bisect_left(self._starts, stem.lower())
        last = bisect_left(self._starts, stem.lower() + LAST)
        met = set()
        for place in sorted(set(self._places[first:last])):
            word = self.words[place]
            if word.label_id not in met:
                met.add(word.label_id)
                yield word

    def categories(self, stem: str) -> list[str]:
        """Those with a word that begins so, by name."""
        names = sorted({word.category for word in self.words if word.category})
        return [name for name in names if any(start.startswith(stem.lower()) for start in _starts(name))]

    def near(self, name: str, *, maximum: int) -> list[IndexedName]:
        """Words that differ from it by one or two letters, the nearest and then the most frequent first."""
        name = name.lower()
        letters, limit = _letters(name), 1 + (len(name) > 4)
        found = []
        for place, word in enumerate(self.words):
            if abs(len(word.text) - len(name)) > limit or (word.letters ^ letters).bit_count() > 2 * limit:
                continue
            distance = edits(word.text.lower(), name, limit=limit)
            if 0 < distance <= limit:
                found.append((distance, place))
        return [self.words[place] for _, place in heapq.nsmallest(maximum, found)]


def label_index() -> LabelIndex:
    """What is known of all labels that are not hidden. One short look into the database, seldom a long one."""
    global _known  # noqa: PLW0603 (one per process, replaced as a whole)
    known = _known
    newest, is_same = _newest(known.newest)
    if not is_same or monotonic() - known.read_at >= SECONDS:
        known = LabelIndex()
    if known.newest != newest:
        _known = known = known.extended(_words(after=known.newest), newest=newest)
    return known


_known = LabelIndex()


def edits(one: str, other: str, *, limit: int) -> int:
    """Letters to insert, leave out, exchange, or swap with their neighbor; more than `limit` is not counted on."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one, start=1):
        two_before, before, row = before, row, [place]
        for column, wanted in enumerate(other, start=1):
            cost = min(before[column] + 1, row[-1] + 1, before[column - 1] + (letter != wanted))
            if place > 1 and column > 1 and letter == other[column - 2] and one[place - 2] == wanted:
                cost = min(cost, two_before[column - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return row[-1]


def _newest(known: tuple[int, int]) -> tuple[tuple[int, int], bool]:
    """The newest label's and alias's ids; and whether those that were the newest are still there."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT coalesce((SELECT max(id) FROM analysis_label), 0),
                      coalesce((SELECT max(id) FROM analysis_labelalias), 0),
                      (0 = %s OR EXISTS (SELECT FROM analysis_label WHERE id = %s)) AND
                      (0 = %s OR EXISTS (SELECT FROM analysis_labelalias WHERE id = %s))""",
            [known[0], known[0], known[1], known[1]],
        )
        label_id, alias_id, is_same = cursor.fetchone()
    return (label_id, alias_id), is_same


def _words(*, after: tuple[int, int]) -> list[IndexedName]:
    columns = ("pk", "name", "kind", "category", "image_count")
    known, named = Label.objects.filter(pk__gt=after[0]), LabelAlias.objects.filter(pk__gt=after[1])
    labels = known.filter(is_hidden=False, merged_into=None).values_list(*columns)
    aliases = named.filter(label__is_hidden=False, label__merged_into=None)
    merged, aliases_of_merged = (
        known.filter(merged_into__is_hidden=False),
        named.filter(label__merged_into__is_hidden=False),
    )
    others = (
        (aliases, "label__"),
        (merged, "merged_into__"),
        (aliases_of_merged, "label__merged_into__"),
    )
    return [
        *(IndexedName(name, pk, name, kind, category, count) for pk, name, kind, category, count in labels),
        *(
            IndexedName(*row)
            for rows, way in others
            for row in rows.values_list("name", *(f"{way}{column}" for column in columns))
        ),
    ]


def _starts(name: str) -> list[str]:
    text = name.lower()
    places = [place for place in range(len(text)) if text[place].isalnum() and not text[place - 1 : place].isalnum()]
    return [text[place:] for place in places] or [text]


def _letters(text: str) -> int:
    """Which letters there are, as bits."""
    bits = 0
    for letter in text:
        bits |= 1 << (ord(letter) & 63)
    return bits
