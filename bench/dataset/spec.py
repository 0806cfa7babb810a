"""Specification of a generated library, as NumPy arrays.

Labels follow Zipf's law, pictures of one import share topics, and each label brings its ancestors, so labels are
correlated and cluster in time, as in real libraries. Generated chunk by chunk, so that memory does not grow with the
library; the same on every machine and run.
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
MAX_ANCESTORS, MAX_LEAVES, TOPICS = 5, 11, 80
OWNERS = 200
COUNTED = 150  # labels with instances, as Person or Car have
RARE = 7_000  # celebrities and tags, each on few pictures
RARE_SHARE = 0.05
PRIVATE, SHARED, PUBLIC = 0, 1, 2
VISIBILITY = (0.10, 0.88, 0.02)  # private, shared, public; as in a family's library
BEGIN, END = 1_451_606_400, 1_767_225_600  # 2016 to 2025, in seconds
DAY = 86_400
THUMBNAIL_COUNT = 96  # distinct thumbnails
TEXTS, FACES, TAKEN, DUPLICATES = 0.15, 0.30, 0.70, 0.02


@dataclass(frozen=True)
class LabelColumns:
    """One row per picture and label; confidence in hundredths of a percent."""

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
    has_eyeglasses: NDArray[np.bool_]
    emotion: Numbers
    left: Floats
    top: Floats


@dataclass(frozen=True)
class Chunk:
    """Columns of pictures; times in seconds since 1970, `taken` 0 if unknown."""

    id: Numbers
    owner: Numbers
    visibility: Numbers
    added: Numbers
    taken: Numbers
    thumbnail: Numbers
    scale: Floats
    camera: Numbers
    phash: Numbers
    text_words: Numbers  # number of words of text in the picture
    quality: Floats
    labels: LabelColumns
    faces: Faces


@dataclass(frozen=True)
class Imports:
    """Imports; all pictures of one have the same owner, visibility and three topics."""

    of_image: NDArray[np.int32]
    moment: Floats
    owner: Numbers
    visibility: Numbers
    topics: Numbers


class DatasetSpec:
    """Generator of a library with a given number of pictures."""

    def __init__(self, pictures: int) -> None:
        self.pictures = pictures
        generator = np.random.default_rng(SEED)
        self.parents = _parents(generator)
        self.ancestors = _ancestors(self.parents)
        self._number_of = generator.permutation(LABELS) + 1  # so that ids do not follow the taxonomy
        self._popular = _popularity(generator)
        self._topics = [self._topic(generator) for _ in range(TOPICS)]
        self.counted = 1 + generator.permutation(LABELS)[:COUNTED]
        self._weight = 1 / np.arange(1, TOPICS + 1) ** 0.7
        self.imports = self._imports(generator)

    def chunks(self) -> Iterator[Chunk]:
        for first in range(0, self.pictures, CHUNK):
            yield self._chunk(first, min(first + CHUNK, self.pictures))

    @cached_property
    def label_parents(self) -> list[tuple[int, int]]:
        """Pairs of label id and parent id."""
        pairs = [(label, parent) for label, parents in enumerate(self.parents) for parent in sorted(set(parents))]
        return [(int(self._number_of[label]), int(self._number_of[parent])) for label, parent in pairs]

    @cached_property
    def label_ancestors(self) -> list[tuple[int, int]]:
        """Pairs of label id and ancestor id, as many as the pictures have."""
        pairs = [(label, above) for label in range(LABELS) for above in self.ancestors[label] if above >= 0]
        return [(int(self._number_of[label]), int(self._number_of[above])) for label, above in pairs]

    @cached_property
    def root_of(self) -> dict[int, int]:
        """First root of each label id."""
        roots = [next((a for a in self.ancestors[label] if 0 <= a < ROOTS), label) for label in range(LABELS)]
        return {int(self._number_of[label]): int(root) % ROOTS for label, root in enumerate(roots)}

    def _topic(self, generator: np.random.Generator) -> Floats:
        """Cumulative shares of the labels in a topic."""
        weight = self._popular * np.exp(generator.normal(0, 2.0, LABELS))
        top = np.argsort(-self._popular)[:12]
        weight[top] = self._popular[top] * np.exp(generator.normal(0, 1, 12))
        return np.cumsum(weight) / weight.sum()

    def _imports(self, generator: np.random.Generator) -> Imports:
        number = max(self.pictures // 400, 50)
        shares = np.cumsum(generator.exponential(1, number))
        ends = np.maximum.accumulate((shares / shares[-1] * self.pictures).astype(np.int64))
        moment = BEGIN + np.arange(number) / number * (END - BEGIN)
        is_old = generator.random(number) < 0.4  # scans and archives: newer ids, older pictures
        moment = np.where(is_old, BEGIN + generator.random(number) * (moment - BEGIN), moment)
        owner_weight = 1 / np.arange(1, OWNERS + 1) ** 1.1
        return Imports(
            of_image=np.searchsorted(ends, np.arange(self.pictures), side="right").astype(np.int32),
            moment=moment,
            owner=1 + generator.choice(OWNERS, size=number, p=owner_weight / owner_weight.sum()),
            visibility=generator.choice(3, size=number, p=VISIBILITY),
            topics=generator.choice(TOPICS, size=(number, 3), p=self._weight / self._weight.sum()),
        )

    def _chunk(self, first: int, last: int) -> Chunk:
        generator = np.random.default_rng([SEED, first])
        size = last - first
        batch = self.imports.of_image[first:last]
        added = (self.imports.moment[batch] + generator.exponential(3 * DAY, size)).astype(np.int64)
        is_taken = generator.random(size) < TAKEN
        taken = (added - generator.exponential(30 * DAY, size)).astype(np.int64)
        image = np.arange(first, last, dtype=np.int64) + 1
        phash, thumbnail = _hashes_and_thumbnails(generator, size)
        return Chunk(
            id=image,
            owner=self.imports.owner[batch],
            visibility=self.imports.visibility[batch],
            added=added,
            taken=np.where(is_taken, taken, 0),
            thumbnail=thumbnail,
            scale=generator.choice([0.25, 0.5, 1.0, 1.0, 1.5], size=size),
            camera=generator.integers(12, size=size),
            phash=phash,
            text_words=np.where(generator.random(size) < TEXTS, 1 + generator.poisson(3, size), 0),
            quality=generator.uniform(20, 99, (size, 3)).round(1),
            labels=self._labels(generator, image, self._topics_of(generator, batch)),
            faces=_faces(generator, image),
        )

    def _topics_of(self, generator: np.random.Generator, batch: NDArray[np.int32]) -> Numbers:
        """A topic for each picture: in nine of ten one of its import's topics."""
        draw = generator.random(len(batch))
        topics = self.imports.topics[batch]
        other = generator.choice(TOPICS, len(batch), p=self._weight / self._weight.sum())
        return np.select([draw < 0.6, draw < 0.8, draw < 0.9], [topics[:, 0], topics[:, 1], topics[:, 2]], other)

    def _labels(self, generator: np.random.Generator, image: Numbers, topic: Numbers) -> LabelColumns:
        size = len(image)
        leaf = np.empty((size, MAX_LEAVES), np.int64)
        for number in range(TOPICS):
            rows = np.nonzero(topic == number)[0]
            leaf[rows] = np.searchsorted(self._topics[number], generator.random((len(rows), MAX_LEAVES)))
        number = np.clip(1 + generator.poisson(4.4, size), 1, MAX_LEAVES)
        mask = np.arange(MAX_LEAVES)[None, :] < number[:, None]
        confidences = (5_500 + 4_500 * generator.beta(2.2, 1.0, (size, MAX_LEAVES))).astype(np.int64)
        leaves, image_ids, confidence = leaf[mask], np.repeat(image, number), confidences[mask]
        ancestors = self.ancestors[leaves]
        has = ancestors >= 0
        labels = self._number_of[np.concatenate([leaves, ancestors[has]])]
        images = np.concatenate([image_ids, np.repeat(image_ids, has.sum(1))])
        confidences = np.concatenate([confidence, np.repeat(confidence, has.sum(1))])
        return self._deduplicate(generator, *_with_rare(generator, images, labels, confidences, image))

    def _deduplicate(
        self, generator: np.random.Generator, image: Numbers, label: Numbers, confidence: Numbers
    ) -> LabelColumns:
        """Each label of a picture once, with its highest confidence."""
        width = LABELS + RARE + 1
        # One integer for picture, label and confidence (below 2**14), so that a plain sort finds the highest.
        keys = np.sort((image * width + label) * 16_384 + confidence)
        is_last = np.append(keys[1:] // 16_384 != keys[:-1] // 16_384, True)
        keys = keys[is_last]
        pairs = keys // 16_384
        labels = pairs % width
        is_counted = np.isin(labels, self.counted)
        instances = np.where(is_counted, 1 + generator.poisson(0.8, len(keys)), 0)
        return LabelColumns(pairs // width, labels, keys % 16_384, instances)


def _parents(generator: np.random.Generator) -> list[list[int]]:
    """Parents by position in the taxonomy: roots, then middle levels, then leaves."""
    parents: list[list[int]] = [[] for _ in range(ROOTS)]
    parents += [[int(generator.zipf(1.6)) % ROOTS] for _ in range(MIDDLES)]
    for _ in range(ROOTS + MIDDLES, LABELS):
        number = 1 if generator.random() < 0.7 else 2
        under_middles = generator.random() < 0.85
        parents.append(
            [ROOTS + int(generator.integers(MIDDLES)) for _ in range(number)]
            if under_middles
            else [int(generator.integers(ROOTS))]
        )
    return parents


def _ancestors(parents: list[list[int]]) -> Numbers:
    """Ancestors by position in the taxonomy, padded with -1."""
    ancestors = np.full((LABELS, MAX_ANCESTORS), -1, np.int64)
    for label in range(LABELS):
        seen: list[int] = []
        pending = list(parents[label])
        while pending:
            parent = pending.pop(0)
            if parent not in seen:
                seen.append(parent)
                pending += parents[parent]
        ancestors[label, : min(len(seen), MAX_ANCESTORS)] = seen[:MAX_ANCESTORS]
    return ancestors


def _popularity(generator: np.random.Generator) -> Floats:
    """Zipf's law over the leaves in a random order; inner labels are rare."""
    inner = ROOTS + MIDDLES
    popular = np.zeros(LABELS)
    popular[generator.permutation(np.arange(inner, LABELS))] = 1 / np.arange(1, LABELS - inner + 1)
    popular[:inner] += popular.sum() * 0.05 / inner
    return popular


def _with_rare(
    generator: np.random.Generator, images: Numbers, labels: Numbers, confidences: Numbers, image: Numbers
) -> tuple[Numbers, Numbers, Numbers]:
    """Adds a celebrity or a tag to some pictures."""
    tagged = image[generator.random(len(image)) < RARE_SHARE]
    rare = LABELS + 1 + (RARE * generator.random(len(tagged)) ** 1.5).astype(np.int64)
    return np.append(images, tagged), np.append(labels, rare), np.append(confidences, np.full(len(tagged), 9_800))


def _hashes_and_thumbnails(generator: np.random.Generator, size: int) -> tuple[Numbers, Numbers]:
    """Hashes and thumbnails; near-duplicates differ in up to four bits."""
    hashes = generator.integers(-(2**63), 2**63 - 1, size=size, dtype=np.int64)
    thumbnail = generator.integers(THUMBNAIL_COUNT, size=size)
    duplicates = 1 + np.nonzero(generator.random(max(size - 1, 0)) < DUPLICATES)[0]
    for position in duplicates:
        flips = generator.integers(63, size=int(generator.integers(5)))
        hashes[position] = hashes[position - 1] ^ np.bitwise_or.reduce(
            np.left_shift(1, flips, dtype=np.int64), initial=0
        )
        thumbnail[position] = thumbnail[position - 1]
    return hashes, thumbnail


def _faces(generator: np.random.Generator, image: Numbers) -> Faces:
    number = np.where(generator.random(len(image)) < FACES, generator.integers(1, 4, size=len(image)), 0)
    image_ids = np.repeat(image, number)
    size = len(image_ids)
    return Faces(
        image=image_ids,
        age=np.clip(generator.normal(33, 17, size), 1, 90).astype(np.int64),
        is_female=generator.random(size) < 0.5,
        smiles=generator.random(size) < 0.45,
        has_eyeglasses=generator.random(size) < 0.25,
        emotion=generator.choice(5, size=size, p=[0.45, 0.35, 0.1, 0.06, 0.04]),
        left=generator.uniform(0.05, 0.7, size).round(4),
        top=generator.uniform(0.05, 0.6, size).round(4),
    )
