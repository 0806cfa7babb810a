"""Invented words for labels and text in pictures, always the same."""

from __future__ import annotations

from functools import cache

import numpy as np

from bench.dataset.spec import LABELS, RARE, SEED

SYLLABLES = tuple(f"{consonant}{vowel}" for consonant in "bdfghjklmnprstvz" for vowel in "aeiou")
WORDS = 30_000
CELEBRITIES = 6_000  # of the rare labels; the others are tags
CATEGORIES = 40


@cache
def words() -> list[str]:
    """Words of three syllables, in an order in which neighbors share no prefix."""
    order = np.random.default_rng(SEED).permutation(len(SYLLABLES) ** 3)[:WORDS]
    return [_word(int(number)) for number in order]


def _word(number: int) -> str:
    base = len(SYLLABLES)
    return "".join(SYLLABLES[number // base**power % base] for power in (0, 1, 2))


def kind_of(label_id: int) -> str:
    if label_id <= LABELS:
        return "label"
    return "celebrity" if label_id <= LABELS + CELEBRITIES else "tag"


def name_of(label_id: int) -> str:
    """One word; two for celebrities and each third label; tags in lower case."""
    word = words()[label_id]
    kind = kind_of(label_id)
    if kind == "tag":
        return word
    if kind == "celebrity" or label_id % 3 == 0:
        return f"{word.capitalize()} {words()[label_id + LABELS + RARE].capitalize()}"
    return word.capitalize()


def alias_of(label_id: int) -> str:
    """Alias of each tenth label; empty for the others."""
    if label_id > LABELS or label_id % 10:
        return ""
    return words()[2 * (LABELS + RARE) + label_id].capitalize()


def category_of(root: int) -> str:
    first, second = words()[-1 - 2 * root], words()[-2 - 2 * root]
    return f"{first.capitalize()} and {second.capitalize()}"
