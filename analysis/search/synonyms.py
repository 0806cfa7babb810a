"""Words that people type for labels of another name, from synonyms.csv."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from analysis.search.folding import fold

FILE = Path(__file__).with_name("synonyms.csv")


@cache
def synonyms() -> dict[str, tuple[str, ...]]:
    """The labels that each folded word stands for, the best one first."""
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if row and not row[0].startswith("#")]
    labels: dict[str, tuple[str, ...]] = {}
    for label, *words in rows:
        for word in map(fold, words):
            labels[word] = (*labels.get(word, ()), label)
    return labels


def labels_of(word: str) -> tuple[str, ...]:
    """The labels that a folded word, or its singular, stands for."""
    singular = f"{word.removesuffix('ies')}y" if word.endswith("ies") else word
    forms = (word, word.removesuffix("s"), word.removesuffix("es"), singular)
    return next((synonyms()[form] for form in forms if form in synonyms()), ())
