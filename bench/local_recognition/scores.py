"""Precision and recall of labels on hand-labeled pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.recognition.local import vocabulary
from bench.local_recognition.pictures import Picture


@dataclass(frozen=True)
class Outcome:
    """The labels that were shown for a picture, with all ancestors."""

    picture: Picture
    detected: frozenset[str]

    @property
    def right(self) -> frozenset[str]:
        return self.detected & self.picture.right

    @property
    def most_specific(self) -> frozenset[str]:
        """The shown labels that are not an ancestor of another one."""
        ancestors = {parent for name in self.detected for parent in vocabulary.labels()[name].parents}
        return self.detected - ancestors


def precision(outcomes: Sequence[Outcome]) -> float:
    """Share of correct labels among those shown, including ancestors."""
    return _share(sum(len(outcome.right) for outcome in outcomes), sum(len(outcome.detected) for outcome in outcomes))


def specific_precision(outcomes: Sequence[Outcome]) -> float:
    """The same without ancestors, which are more likely to be correct."""
    right = sum(len(outcome.most_specific & outcome.picture.right) for outcome in outcomes)
    return _share(right, sum(len(outcome.most_specific) for outcome in outcomes))


def photos_with_a_right_label(outcomes: Sequence[Outcome], *, other_than: str = "") -> float:
    photos = [outcome for outcome in outcomes if outcome.picture.is_photo]
    return _share(sum(bool(outcome.right - {other_than}) for outcome in photos), len(photos))


def recall(outcomes: Sequence[Outcome]) -> float:
    """Share of the most obvious labels that were shown."""
    named = sum(len(outcome.picture.labels & outcome.detected) for outcome in outcomes)
    return _share(named, sum(len(outcome.picture.labels) for outcome in outcomes))


def by_label(outcomes: Sequence[Outcome]) -> list[tuple[str, int, int, int]]:
    """Label, times shown, right and expected; most frequent first."""
    detected = Counter(name for outcome in outcomes for name in outcome.detected)
    right = Counter(name for outcome in outcomes for name in outcome.right)
    expected = Counter(name for outcome in outcomes for name in outcome.picture.labels)
    names = sorted(detected | expected, key=lambda name: (-detected[name], -expected[name], name))
    return [(name, detected[name], right[name], expected[name]) for name in names]


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
