"""Every name that labels are found by, kept in the process for completion. Who may meet them the database is asked."""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from time import monotonic

from django.db import connection

from analysis.models import Label, LabelAlias

SECONDS = 60
"""After so long all is read again: renamed labels, new counts. New labels are there at once."""
LAST = "\U0010ffff"


@dataclass(frozen=True)
class Word:
    """One name or alias of a label."""

    text: str
    label_id: int
    name: str
    kind: str
    category: str
    image_count: int

    @property
    def is_alias(self) -> bool:
        return self.text != self.name


@dataclass(frozen=True)
class Vocabulary:
    words: tuple[Word, ...] = ()
    newest: tuple[int, int] = (0, 0)
    read_at: float = 0.0
    _starts: list[tuple[str, int]] = field(default_factory=list, repr=False)
    """From each word of a name on, in lower case, sorted; and the place in `words`."""

    def extended(self, words: Iterable[Word], *, newest: tuple[int, int]) -> Vocabulary:
        several = (*self.words, *words)
        new = [
            (start, place)
            for place in range(len(self.words), len(several))
            for start in _starts(several[place].text.lower())
        ]
        return Vocabulary(several, newest, self.read_at or monotonic(), sorted([*self._starts, *new]))

    def beginning(self, stem: str, *, kinds: Collection[str], among: Mapping[int, int] | None, most: int) -> list[Word]:
        """The most frequent labels with a word that begins so, each once, its name before its aliases.

        `among`: these labels alone, and how frequent each of them is.
        """
        stem = stem.lower()
        first = bisect_left(self._starts, (stem, -1))
        last = bisect_left(self._starts, (stem + LAST, -1))
        found: dict[int, Word] = {}
        for _, place in self._starts[first:last]:
            word = self.words[place]
            if (kinds and word.kind not in kinds) or (among is not None and word.label_id not in among):
                continue
            if word.label_id not in found or not word.is_alias:
                found[word.label_id] = word
        if among is not None:
            return heapq.nsmallest(most, found.values(), key=lambda word: (-among[word.label_id], word.name))
        return heapq.nsmallest(most, found.values(), key=_by_frequency)

    def categories(self, stem: str) -> list[str]:
        """Those with a word that begins so, by name."""
        names = sorted({word.category for word in self.words if word.category})
        return [name for name in names if any(start.startswith(stem.lower()) for start in _starts(name.lower()))]

    def near(self, name: str, *, most: int) -> list[Word]:
        """Words that differ from it by a few letters, the nearest and then the most frequent first."""
        name = name.lower()
        letters, limit = _letters(name), 1 + (len(name) > 4) + (len(name) > 8)
        found = []
        for word in self.words:
            if abs(len(word.text) - len(name)) > limit:
                continue
            text = word.text.lower()
            if text != name and (_letters(text) ^ letters).bit_count() <= 2 * limit:
                distance = edits(text, name, limit=limit)
                if distance <= limit:
                    found.append((distance, *_by_frequency(word), word.label_id, word.text, word))
        return [each[-1] for each in heapq.nsmallest(most, found)]


def vocabulary() -> Vocabulary:
    """What is known of all labels that are not hidden. One short look into the database, seldom a long one."""
    global _known  # noqa: PLW0603 (one per process, replaced as a whole)
    known = _known
    newest, is_same = _newest(known.newest)
    if not is_same or monotonic() - known.read_at >= SECONDS:
        known = Vocabulary()
    if known.newest != newest:
        _known = known = known.extended(_words(after=known.newest), newest=newest)
    return known


_known = Vocabulary()


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


def _words(*, after: tuple[int, int]) -> list[Word]:
    columns = ("pk", "name", "kind", "category", "image_count")
    labels = Label.objects.filter(pk__gt=after[0], is_hidden=False).values_list(*columns)
    aliases = LabelAlias.objects.filter(pk__gt=after[1], label__is_hidden=False).values_list(
        "name", "label_id", *(f"label__{column}" for column in columns[1:])
    )
    return [
        *(Word(name, pk, name, kind, category, count) for pk, name, kind, category, count in labels),
        *(Word(*alias) for alias in aliases),
    ]


def _by_frequency(word: Word) -> tuple[int, str]:
    return -word.image_count, word.name


def _starts(text: str) -> list[str]:
    places = [place for place in range(len(text)) if text[place].isalnum() and not text[place - 1 : place].isalnum()]
    return [text[place:] for place in places] or [text]


def _letters(text: str) -> int:
    """Which letters there are, as bits."""
    bits = 0
    for letter in text:
        bits |= 1 << (ord(letter) & 63)
    return bits
