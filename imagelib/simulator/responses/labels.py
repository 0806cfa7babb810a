"""Answers of DetectLabels."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterable
from typing import Final

from imagelib.simulator.responses import colors, faces
from imagelib.simulator.responses.label_catalog import CATALOG, FREQUENT, NEIGHBORS, WEIGHTS, CatalogLabel
from imagelib.simulator.responses.pseudo_random import Json, box, percent, pseudo_random

DEFAULT_CONFIDENCE: Final = 55.0
MOST_LABELS: Final = 1000
MOST_COLORS: Final = 10
LABELS, PROPERTIES = "GENERAL_LABELS", "IMAGE_PROPERTIES"
# How the service model spells a setting: (of labels, of categories).
INCLUSION: Final = ("LabelInclusionFilters", "LabelCategoryInclusionFilters")
EXCLUSION: Final = ("LabelExclusionFilters", "LabelCategoryExclusionFilters")

Seen = dict[str, float]
"""Label to confidence."""


def answer(digest: bytes, parameters: Json, *, version: str) -> Json:
    """`version` shifts some labels and all confidences a little, the same way every time."""
    features = parameters.get("Features") or [LABELS]
    settings = parameters.get("Settings") or {}
    said: Json = {"Labels": []}
    if LABELS in features:
        with_colors = PROPERTIES in features
        labels = _chosen(seen(digest, version=version), parameters, settings.get("GeneralLabels") or {})
        draw = pseudo_random(digest, "instances")
        said["Labels"] = [_label(CATALOG[name], sure, draw, with_colors=with_colors) for name, sure in labels]
    if PROPERTIES in features:
        maximum = (settings.get("ImageProperties") or {}).get("MaxDominantColors", MOST_COLORS)
        said["ImageProperties"] = colors.properties(pseudo_random(digest, f"colors {version}"), maximum)
    return said


def seen(digest: bytes, *, version: str) -> Seen:
    """Every label of a picture, ancestors at least as sure as what is below them."""
    labels: Seen = {}
    for word, confidence in (*_drawn(digest, version), *_of_people(digest)):
        for name in (word.name, *word.parents):
            labels[name] = max(confidence, labels.get(name, 0.0))
    return labels


def _drawn(digest: bytes, version: str) -> Iterable[tuple[CatalogLabel, float]]:
    draw = pseudo_random(digest, "labels")
    shift = pseudo_random(digest, f"labels of {version}")
    for word in draw.choices(FREQUENT, cum_weights=WEIGHTS, k=draw.randint(2, 8)):
        confidence = percent(draw)
        confidence = round(min(100.0, max(1.0, confidence + 4 * (shift.random() - 0.5))), 4)
        yield _as_seen_by(version, word, shift), confidence


def _as_seen_by(version: str, word: CatalogLabel, shift: random.Random) -> CatalogLabel:
    """A version takes every eighth word for its neighbor in half of the pictures: counts rise and fall with it."""
    is_shifted = zlib.crc32(f"{version} {word.name}".encode()) % 8 == 0
    return NEIGHBORS[word.name] if shift.random() < 0.5 and is_shifted else word


def _of_people(digest: bytes) -> Iterable[tuple[CatalogLabel, float]]:
    """A picture in which DetectFaces finds somebody shows a person."""
    if faces.count(digest):
        yield CATALOG["Face"], 99.0


def _chosen(labels: Seen, parameters: Json, filters: Json) -> list[tuple[str, float]]:
    minimum = parameters.get("MinConfidence", DEFAULT_CONFIDENCE)
    passing = [(name, sure) for name, sure in labels.items() if sure >= minimum and _passes(CATALOG[name], filters)]
    # Ancestors before what is below them, so that a cut leaves no label without its ancestors.
    passing.sort(key=lambda label: (-label[1], len(CATALOG[label[0]].parents), label[0]))
    return passing[: parameters.get("MaxLabels", MOST_LABELS)]


def _passes(word: CatalogLabel, filters: Json) -> bool:
    if _is_named(word, filters, EXCLUSION):
        return False
    return not any(filters.get(name) for name in INCLUSION) or _is_named(word, filters, INCLUSION)


def _is_named(word: CatalogLabel, filters: Json, names: tuple[str, str]) -> bool:
    of_labels, of_categories = names
    return word.name in (filters.get(of_labels) or ()) or word.category in (filters.get(of_categories) or ())


def _label(word: CatalogLabel, confidence: float, draw: random.Random, *, with_colors: bool) -> Json:
    instances = [_instance(confidence, draw, with_colors) for _ in range(_amount(word, draw))]
    return {
        "Name": word.name,
        "Confidence": confidence,
        "Instances": instances,
        "Parents": [{"Name": name} for name in word.parents],
        "Aliases": [{"Name": name} for name in word.aliases],
        "Categories": [{"Name": word.category}],
    }


def _amount(word: CatalogLabel, draw: random.Random) -> int:
    return draw.choice((0, 1, 1, 1, 2, 3, 5)) if word.has_instances else 0


def _instance(confidence: float, draw: random.Random, with_colors: bool) -> Json:
    made: Json = {"BoundingBox": box(draw), "Confidence": round(confidence * (0.8 + 0.2 * draw.random()), 4)}
    if with_colors:
        made["DominantColors"] = colors.dominant(draw, 5)
    return made
