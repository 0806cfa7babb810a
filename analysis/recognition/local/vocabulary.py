"""Labels of the local models in Rekognition's words.

`vocabulary.csv` has a row per label: its nearest parents, category, aliases, and COCO's class of the same meaning.
`imagenet.csv` has a row per ImageNet class, in the order of the classifier's outputs, with the labels it stands for.
Both files are meant to be edited by people; tests/recognition/local/test_vocabulary.py checks that they agree.

Rekognition's own list cannot be redistributed, so the names were collected by hand from its documented responses.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from analysis.recognition.local.inferred_labels import LabelInfo
from analysis.recognition.local.model_description import NewLabel

FOLDER = Path(__file__).parent
FILES = ("vocabulary.csv", "imagenet.csv")
SEPARATOR = "; "


def labels() -> Mapping[str, LabelInfo]:
    """All labels by name, each with all its ancestors."""
    return labels_with(_new_labels)


@lru_cache(maxsize=4)
def labels_with(new_labels: tuple[NewLabel, ...]) -> Mapping[str, LabelInfo]:
    """The labels of the table and these new ones, by name."""
    rows = {row["label"]: row for row in [*_rows("vocabulary.csv"), *map(_row, new_labels)]}
    parents = {name: _items(row["parents"]) for name, row in rows.items()}
    return MappingProxyType(
        {
            name: LabelInfo(tuple(sorted(_ancestors(name, parents))), _items(row["aliases"]), row["category"])
            for name, row in rows.items()
        }
    )


_new_labels: tuple[NewLabel, ...] = ()


def set_custom_labels(new_labels: tuple[NewLabel, ...]) -> None:
    """Add the labels of a user's own models, replacing those added before."""
    global _new_labels
    _new_labels = new_labels


def digest() -> str:
    """A hash that changes with the table."""
    return hashlib.sha256(b"".join((FOLDER / name).read_bytes() for name in FILES)).hexdigest()


@cache
def coco_labels() -> Mapping[str, str]:
    """Label by COCO's class name."""
    return MappingProxyType({row["coco"]: row["label"] for row in _rows("vocabulary.csv") if row["coco"]})


@cache
def imagenet_labels() -> tuple[tuple[str, ...], ...]:
    """The labels of each ImageNet class, in the order of the classifier's outputs."""
    return tuple(_items(row["labels"]) for row in _rows("imagenet.csv"))


def object_label(class_name: str) -> str | None:
    """The label of a detector's class.

    A user's own detector may use COCO's names or those of the labels.
    """
    return coco_labels().get(class_name) or (class_name if class_name in labels() else None)


def is_a(name: str, ancestor: str) -> bool:
    """True if a label is the other one or descends from it."""
    return name == ancestor or ancestor in labels()[name].parents


def probabilities_by_label(probabilities: NDArray[np.float32]) -> dict[str, float]:
    """Probability by label: the sum over the classes of it and its descendants."""
    return {name: min(1.0, float(probabilities[indexes].sum(dtype=np.float64))) for name, indexes in _classes().items()}


def class_share(name: str) -> float:
    """The part of the ImageNet classes that a label and its descendants stand for."""
    return len(_classes().get(name, ())) / len(imagenet_labels())


def is_classified(name: str) -> bool:
    """True if the classifier knows the label or one below it."""
    return name in _classes()


@cache
def _class_names() -> frozenset[str]:
    return frozenset(name for names in imagenet_labels() for name in names)


def is_group(name: str) -> bool:
    """True if ImageNet classes stand for labels below this one only, as for Animal."""
    return name in _classes() and name not in _class_names()


@cache
def _classes() -> Mapping[str, NDArray[np.intp]]:
    """Numbers of the ImageNet classes of each label and of its descendants."""
    numbers: dict[str, set[int]] = {}
    for number, names in enumerate(imagenet_labels()):
        for name in names:
            for label in (name, *labels()[name].parents):
                numbers.setdefault(label, set()).add(number)
    return MappingProxyType({name: np.array(sorted(indexes), dtype=np.intp) for name, indexes in numbers.items()})


def _ancestors(name: str, parents: Mapping[str, tuple[str, ...]]) -> set[str]:
    """All ancestors of a label. A cycle ends the walk; a test rejects cycles."""
    ancestors: set[str] = set()
    waiting = list(parents[name])
    while waiting:
        parent = waiting.pop()
        if parent not in ancestors:
            ancestors.add(parent)
            waiting.extend(parents[parent])
    return ancestors


def _rows(file_name: str) -> Iterator[dict[str, str]]:
    with (FOLDER / file_name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _row(label: NewLabel) -> dict[str, str]:
    parents, aliases = SEPARATOR.join(label.parents), SEPARATOR.join(label.aliases)
    return {"label": label.name, "parents": parents, "category": label.category, "aliases": aliases, "coco": ""}


def _items(text: str) -> tuple[str, ...]:
    return tuple(text.split(SEPARATOR)) if text else ()
