"""What a generated library is like, as arrays: pictures that came in batches, topics, and labels with their ancestors.

The recipe: labels follow Zipf's law, pictures of one batch share topics, every label brings its ancestors, so labels
are correlated and cluster in time. Made chunk by chunk, so that memory does not grow with the library; the same on
every machine and run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Floats = NDArray[np.float64]

SEED = 39
CHUNK = 100_000
LABELS, ROOTS, MIDDLES = 3_000, 40, 260
MOST_ANCESTORS, MOST_LEAVES, TOPICS = 5, 11, 80
OWNERS = 200
COUNTED = 150  # labels whose instances are counted, as Person's or Car's are
RARE = 7_000  # celebrities and tags: few pictures carry each
RARE_SHARE = 0.05
PRIVATE, SHARED, PUBLIC = 0, 1, 2
VISIBILITY = (0.10, 0.88, 0.02)  # a family's library: nearly all is shared
BEGIN, END = 1_451_606_400, 1_767_225_600  # 2016 to 2025, in seconds
DAY = 86_400
THUMBNAIL_COUNT = 96  # drawn pictures that all others look like
TEXTS, FACES, TAKEN, TWINS = 0.15, 0.30, 0.70, 0.02


@dataclass(frozen=True)
class LabelColumns:
    """One row for each label a picture carries, by picture and label. Confidence is in hundredths of a percent."""

    image: Numbers
    label: Numbers
    confidence: Numbers
    instances: Numbers


@dataclass(frozen=True)
class Faces:
    """One row for each face."""

    image: Numbers
    age: Numbers
    is_female: NDArray[np.bool_]
    smiles: NDArray[np.bool_]
    has_glasses: NDArray[np.bool_]
    emotion: Numbers
    left: Floats
    top: Floats


@dataclass(frozen=True)
class Chunk:
    """So many pictures in a row, one entry each; moments in seconds since 1970, `taken` 0 where nobody knows."""

    id: Numbers
    owner: Numbers
    visibility: Numbers
    added: Numbers
    taken: Numbers
    look: Numbers
    scale: Floats
    camera: Numbers
    phash: Numbers
    text_words: Numbers  # how many words stand in it
    quality: Floats
    labels: LabelColumns
    faces: Faces


@dataclass(frozen=True)
class Imports:
    """The batches that pictures came in; all pictures of one have one owner, one visibility and three topics."""

    of_image: NDArray[np.int32]
    moment: Floats
    owner: Numbers
    visibility: Numbers
    topics: Numbers


class DatasetSpec:
    """A library of so many pictures."""

    def __init__(self, pictures: int) -> None:
        self.pictures = pictures
        chance = np.random.default_rng(SEED)
        self.parents = _parents(chance)
        self.ancestors = _ancestors(self.parents)
        self._number_of = chance.permutation(LABELS) + 1  # ids tell nothing of the place in the taxonomy
        self._popular = _popularity(chance)
        self._topics = [self._topic(chance) for _ in range(TOPICS)]
        self.counted = 1 + chance.permutation(LABELS)[:COUNTED]
        self._weight = 1 / np.arange(1, TOPICS + 1) ** 0.7
        self.imports = self._imports(chance)

    def chunks(self) -> Iterator[Chunk]:
        for first in range(0, self.pictures, CHUNK):
            yield self._chunk(first, min(first + CHUNK, self.pictures))

    @cached_property
    def label_parents(self) -> list[tuple[int, int]]:
        """Label ids with the id of each of their parents."""
        pairs = [(label, parent) for label, parents in enumerate(self.parents) for parent in sorted(set(parents))]
        return [(int(self._number_of[label]), int(self._number_of[parent])) for label, parent in pairs]

    @cached_property
    def root_of(self) -> dict[int, int]:
        """The root that each label id descends from first."""
        roots = [next((a for a in self.ancestors[label] if 0 <= a < ROOTS), label) for label in range(LABELS)]
        return {int(self._number_of[label]): int(root) % ROOTS for label, root in enumerate(roots)}

    def _topic(self, chance: np.random.Generator) -> Floats:
        """Cumulative shares of the labels in one topic."""
        weight = self._popular * np.exp(chance.normal(0, 2.0, LABELS))
        top = np.argsort(-self._popular)[:12]
        weight[top] = self._popular[top] * np.exp(chance.normal(0, 1, 12))
        return np.cumsum(weight) / weight.sum()

    def _imports(self, chance: np.random.Generator) -> Imports:
        number = max(self.pictures // 400, 50)
        shares = np.cumsum(chance.exponential(1, number))
        ends = np.maximum.accumulate((shares / shares[-1] * self.pictures).astype(np.int64))
        moment = BEGIN + np.arange(number) / number * (END - BEGIN)
        is_old = chance.random(number) < 0.4  # scans and archives: newer ids, older pictures
        moment = np.where(is_old, BEGIN + chance.random(number) * (moment - BEGIN), moment)
        owner_weight = 1 / np.arange(1, OWNERS + 1) ** 1.1
        return Imports(
            of_image=np.searchsorted(ends, np.arange(self.pictures), side="right").astype(np.int32),
            moment=moment,
            owner=1 + chance.choice(OWNERS, size=number, p=owner_weight / owner_weight.sum()),
            visibility=chance.choice(3, size=number, p=VISIBILITY),
            topics=chance.choice(TOPICS, size=(number, 3), p=self._weight / self._weight.sum()),
        )

    def _chunk(self, first: int, last: int) -> Chunk:
        chance = np.random.default_rng([SEED, first])
        size = last - first
        batch = self.imports.of_image[first:last]
        added = (self.imports.moment[batch] + chance.exponential(3 * DAY, size)).astype(np.int64)
        is_taken = chance.random(size) < TAKEN
        taken = (added - chance.exponential(30 * DAY, size)).astype(np.int64)
        image = np.arange(first, last, dtype=np.int64) + 1
        phash, look = _looks(chance, size)
        return Chunk(
            id=image,
            owner=self.imports.owner[batch],
            visibility=self.imports.visibility[batch],
            added=added,
            taken=np.where(is_taken, taken, 0),
            look=look,
            scale=chance.choice([0.25, 0.5, 1.0, 1.0, 1.5], size=size),
            camera=chance.integers(12, size=size),
            phash=phash,
            text_words=np.where(chance.random(size) < TEXTS, 1 + chance.poisson(3, size), 0),
            quality=chance.uniform(20, 99, (size, 3)).round(1),
            labels=self._labels(chance, image, self._topics_of(chance, batch)),
            faces=_faces(chance, image),
        )

    def _topics_of(self, chance: np.random.Generator, batch: NDArray[np.int32]) -> Numbers:
        """Mostly one of the batch's own."""
        dice = chance.random(len(batch))
        own, stray = self.imports.topics[batch], chance.choice(TOPICS, len(batch), p=self._weight / self._weight.sum())
        return np.select([dice < 0.6, dice < 0.8, dice < 0.9], [own[:, 0], own[:, 1], own[:, 2]], stray)

    def _labels(self, chance: np.random.Generator, image: Numbers, topic: Numbers) -> LabelColumns:
        size = len(image)
        leaf = np.empty((size, MOST_LEAVES), np.int64)
        for each in range(TOPICS):
            here = np.nonzero(topic == each)[0]
            leaf[here] = np.searchsorted(self._topics[each], chance.random((len(here), MOST_LEAVES)))
        number = np.clip(1 + chance.poisson(4.4, size), 1, MOST_LEAVES)
        is_there = np.arange(MOST_LEAVES)[None, :] < number[:, None]
        sure = (5_500 + 4_500 * chance.beta(2.2, 1.0, (size, MOST_LEAVES))).astype(np.int64)
        own, of, confidence = leaf[is_there], np.repeat(image, number), sure[is_there]
        above = self.ancestors[own]
        has = above >= 0
        labels = self._number_of[np.concatenate([own, above[has]])]
        images = np.concatenate([of, np.repeat(of, has.sum(1))])
        sures = np.concatenate([confidence, np.repeat(confidence, has.sum(1))])
        return self._carried(chance, *_with_rare(chance, images, labels, sures, image))

    def _carried(
        self, chance: np.random.Generator, image: Numbers, label: Numbers, confidence: Numbers
    ) -> LabelColumns:
        """Each label once for a picture, the surest of its claims."""
        width = LABELS + RARE + 1
        keys = np.sort((image * width + label) * 16_384 + confidence)
        is_last = np.append(keys[1:] // 16_384 != keys[:-1] // 16_384, True)
        keys = keys[is_last]
        pairs = keys // 16_384
        labels = pairs % width
        is_counted = np.isin(labels, self.counted)
        instances = np.where(is_counted, 1 + chance.poisson(0.8, len(keys)), 0)
        return LabelColumns(pairs // width, labels, keys % 16_384, instances)


def _parents(chance: np.random.Generator) -> list[list[int]]:
    """Of each place in the taxonomy: roots first, then middles, then leaves."""
    parents: list[list[int]] = [[] for _ in range(ROOTS)]
    parents += [[int(chance.zipf(1.6)) % ROOTS] for _ in range(MIDDLES)]
    for _ in range(ROOTS + MIDDLES, LABELS):
        number = 1 if chance.random() < 0.7 else 2
        under_middles = chance.random() < 0.85
        parents.append(
            [ROOTS + int(chance.integers(MIDDLES)) for _ in range(number)]
            if under_middles
            else [int(chance.integers(ROOTS))]
        )
    return parents


def _ancestors(parents: list[list[int]]) -> Numbers:
    """Of each place in the taxonomy, -1 where there are no more."""
    found = np.full((LABELS, MOST_ANCESTORS), -1, np.int64)
    for label in range(LABELS):
        seen: list[int] = []
        left = list(parents[label])
        while left:
            parent = left.pop(0)
            if parent not in seen:
                seen.append(parent)
                left += parents[parent]
        found[label, : min(len(seen), MOST_ANCESTORS)] = seen[:MOST_ANCESTORS]
    return found


def _popularity(chance: np.random.Generator) -> Floats:
    """Zipf over the leaves in a random order; roots and middles are seldom named by themselves."""
    above = ROOTS + MIDDLES
    popular = np.zeros(LABELS)
    popular[chance.permutation(np.arange(above, LABELS))] = 1 / np.arange(1, LABELS - above + 1)
    popular[:above] += popular.sum() * 0.05 / above
    return popular


def _with_rare(
    chance: np.random.Generator, images: Numbers, labels: Numbers, sures: Numbers, image: Numbers
) -> tuple[Numbers, Numbers, Numbers]:
    """A celebrity or a tag on some pictures."""
    some = image[chance.random(len(image)) < RARE_SHARE]
    rare = LABELS + 1 + (RARE * chance.random(len(some)) ** 1.5).astype(np.int64)
    return np.append(images, some), np.append(labels, rare), np.append(sures, np.full(len(some), 9_800))


def _looks(chance: np.random.Generator, size: int) -> tuple[Numbers, Numbers]:
    """Perceptual hashes and looks; some are of the picture before, taken again: up to four bits differ."""
    hashes = chance.integers(-(2**63), 2**63 - 1, size=size, dtype=np.int64)
    look = chance.integers(THUMBNAIL_COUNT, size=size)
    twins = 1 + np.nonzero(chance.random(max(size - 1, 0)) < TWINS)[0]
    for twin in twins:
        flips = chance.integers(63, size=int(chance.integers(5)))
        hashes[twin] = hashes[twin - 1] ^ np.bitwise_or.reduce(np.left_shift(1, flips, dtype=np.int64), initial=0)
        look[twin] = look[twin - 1]
    return hashes, look


def _faces(chance: np.random.Generator, image: Numbers) -> Faces:
    number = np.where(chance.random(len(image)) < FACES, chance.integers(1, 4, size=len(image)), 0)
    of = np.repeat(image, number)
    size = len(of)
    return Faces(
        image=of,
        age=np.clip(chance.normal(33, 17, size), 1, 90).astype(np.int64),
        is_female=chance.random(size) < 0.5,
        smiles=chance.random(size) < 0.45,
        has_glasses=chance.random(size) < 0.25,
        emotion=chance.choice(5, size=size, p=[0.45, 0.35, 0.1, 0.06, 0.04]),
        left=chance.uniform(0.05, 0.7, size).round(4),
        top=chance.uniform(0.05, 0.6, size).round(4),
    )
