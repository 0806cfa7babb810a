"""Responses of DetectModerationLabels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from imagelib.simulator.errors import RequestRefused
from imagelib.simulator.responses.pseudo_random import Json, percent, pseudo_random

DEFAULT_CONFIDENCE: Final = 50.0
# Part of version 7's taxonomy, on all three levels.
TAXONOMY: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "Swimwear or Underwear": {"Female Swimwear or Underwear": (), "Male Swimwear or Underwear": ()},
    "Violence": {"Weapons": (), "Graphic Violence": ("Weapon Violence", "Physical Violence", "Blood & Gore")},
    "Visually Disturbing": {"Crashes": ("Air Crash",)},
    "Drugs & Tobacco": {"Products": ("Pills",), "Drugs & Tobacco Paraphernalia & Use": ("Smoking",)},
    "Alcohol": {"Alcohol Use": ("Drinking",), "Alcoholic Beverages": ()},
    "Rude Gestures": {"Middle Finger": ()},
    "Gambling": {},
}
# All labels, each with its ancestors.
PATHS: Final = tuple(
    path
    for top, middles in TAXONOMY.items()
    for path in (
        (top,),
        *((top, middle) for middle in middles),
        *((top, middle, last) for middle, lasts in middles.items() for last in lasts),
    )
)


def respond(digest: bytes, parameters: Json, *, version: str) -> Json:
    """Response of DetectModerationLabels. Raises RequestRefused for adapters."""
    if "ProjectVersion" in parameters:
        raise RequestRefused("ResourceNotFoundException", "The adapter was not found: the simulator has none.")
    draw = pseudo_random(digest, "moderation")
    shift = pseudo_random(digest, f"moderation of {version}")
    confidences: dict[tuple[str, ...], float] = {}
    if draw.random() < 1 / 6:
        for path in draw.choices(PATHS, k=draw.randint(1, 2)):
            confidence = min(100.0, max(1.0, percent(draw) + 6 * (shift.random() - 0.5)))
            for level in range(1, len(path) + 1):
                ancestor_path = path[:level]
                confidences[ancestor_path] = max(round(confidence, 4), confidences.get(ancestor_path, 0.0))
    minimum = parameters.get("MinConfidence", DEFAULT_CONFIDENCE)
    response: Json = {
        "ModerationLabels": [
            _label(path, confidence) for path, confidence in confidences.items() if confidence >= minimum
        ]
    }
    kind = draw.choice((*("",) * 8, "Illustrated", "Animated"))
    response["ContentTypes"] = [{"Name": kind, "Confidence": percent(draw, minimum=50)}] if kind else []
    if "HumanLoopConfig" in parameters:
        response["HumanLoopActivationOutput"] = {"HumanLoopActivationConditionsEvaluationResults": "{}"}
    return response


def _label(path: tuple[str, ...], confidence: float) -> Json:
    parent = path[-2] if len(path) > 1 else ""
    return {"Confidence": confidence, "Name": path[-1], "ParentName": parent, "TaxonomyLevel": len(path)}
