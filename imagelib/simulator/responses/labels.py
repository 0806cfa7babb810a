"""Responses of DetectLabels."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterable
from typing import Final

from imagelib.simulator.responses import colors, faces
from imagelib.simulator.responses.label_catalog import BY_FREQUENCY, CATALOG, NEIGHBORS, WEIGHTS, CatalogLabel
from imagelib.simulator.responses.pseudo_random import Json, box, percent, pseudo_random

DEFAULT_CONFIDENCE: Final = 55.0
MAX_LABELS: Final = 1000
MAX_COLORS: Final = 10
LABELS, PROPERTIES = "GENERAL_LABELS", "IMAGE_PROPERTIES"
# Keys in the service model, for labels and for categories.
INCLUSION: Final = ("LabelInclusionFilters", "LabelCategoryInclusionFilters")
EXCLUSION: Final = ("LabelExclusionFilters", "LabelCategoryExclusionFilters")

Confidences = dict[str, float]  # by label


def respond(digest: bytes, parameters: Json, *, version: str) -> Json:
    """Response of DetectLabels; `version` changes a few labels and confidences."""
    features = parameters.get("Features") or [LABELS]
    settings = parameters.get("Settings") or {}
    response: Json = {"Labels": []}
    if LABELS in features:
        with_colors = PROPERTIES in features
        labels = _select(detected(digest, version=version), parameters, settings.get("GeneralLabels") or {})
        draw = pseudo_random(digest, "instances")
        response["Labels"] = [
            _label(CATALOG[name], confidence, draw, with_colors=with_colors) for name, confidence in labels
        ]
    if PROPERTIES in features:
        maximum = (settings.get("ImageProperties") or {}).get("MaxDominantColors", MAX_COLORS)
        response["ImageProperties"] = colors.properties(pseudo_random(digest, f"colors {version}"), maximum)
    return response


def detected(digest: bytes, *, version: str) -> Confidences:
    """All labels; an ancestor has at least the confidence of its descendants."""
    labels: Confidences = {}
    for label, confidence in (*_draw_labels(digest, version), *_person_labels(digest)):
        for name in (label.name, *label.parents):
            labels[name] = max(confidence, labels.get(name, 0.0))
    return labels


def _draw_labels(digest: bytes, version: str) -> Iterable[tuple[CatalogLabel, float]]:
    draw = pseudo_random(digest, "labels")
    shift = pseudo_random(digest, f"labels of {version}")
    for label in draw.choices(BY_FREQUENCY, cum_weights=WEIGHTS, k=draw.randint(2, 8)):
        confidence = percent(draw)
        confidence = round(min(100.0, max(1.0, confidence + 4 * (shift.random() - 0.5))), 4)
        yield _for_version(version, label, shift), confidence


def _for_version(version: str, label: CatalogLabel, shift: random.Random) -> CatalogLabel:
    """Replace some labels by their neighbors, so that counts differ by version."""
    is_shifted = zlib.crc32(f"{version} {label.name}".encode()) % 8 == 0
    return NEIGHBORS[label.name] if shift.random() < 0.5 and is_shifted else label


def _person_labels(digest: bytes) -> Iterable[tuple[CatalogLabel, float]]:
    """A face label, with Person as its ancestor, if DetectFaces finds faces."""
    if faces.count(digest):
        yield CATALOG["Face"], 99.0


def _select(labels: Confidences, parameters: Json, filters: Json) -> list[tuple[str, float]]:
    minimum = parameters.get("MinConfidence", DEFAULT_CONFIDENCE)
    selected = [
        (name, confidence)
        for name, confidence in labels.items()
        if confidence >= minimum and _is_selected(CATALOG[name], filters)
    ]
    # Ancestors come before their descendants, so that MaxLabels never cuts off the ancestors of a label.
    selected.sort(key=lambda label: (-label[1], len(CATALOG[label[0]].parents), label[0]))
    return selected[: parameters.get("MaxLabels", MAX_LABELS)]


def _is_selected(label: CatalogLabel, filters: Json) -> bool:
    if _matches(label, filters, EXCLUSION):
        return False
    return not any(filters.get(name) for name in INCLUSION) or _matches(label, filters, INCLUSION)


def _matches(label: CatalogLabel, filters: Json, names: tuple[str, str]) -> bool:
    label_key, category_key = names
    return label.name in (filters.get(label_key) or ()) or label.category in (filters.get(category_key) or ())


def _label(label: CatalogLabel, confidence: float, draw: random.Random, *, with_colors: bool) -> Json:
    instances = [_instance(confidence, draw, with_colors) for _ in range(_instance_count(label, draw))]
    return {
        "Name": label.name,
        "Confidence": confidence,
        "Instances": instances,
        "Parents": [{"Name": name} for name in label.parents],
        "Aliases": [{"Name": name} for name in label.aliases],
        "Categories": [{"Name": label.category}],
    }


def _instance_count(label: CatalogLabel, draw: random.Random) -> int:
    return draw.choice((0, 1, 1, 1, 2, 3, 5)) if label.has_instances else 0


def _instance(confidence: float, draw: random.Random, with_colors: bool) -> Json:
    instance: Json = {"BoundingBox": box(draw), "Confidence": round(confidence * (0.8 + 0.2 * draw.random()), 4)}
    if with_colors:
        instance["DominantColors"] = colors.dominant(draw, 5)
    return instance
