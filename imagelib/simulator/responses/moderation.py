"""Answers of DetectModerationLabels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from imagelib.simulator.errors import RequestRefused
from imagelib.simulator.responses.pseudo_random import Json, percent, pseudo_random

DEFAULT_CONFIDENCE: Final = 50.0
# A part of version 7's taxonomy: the top, what is below it, and a third level where there is one.
TAXONOMY: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "Swimwear or Underwear": {"Female Swimwear or Underwear": (), "Male Swimwear or Underwear": ()},
    "Violence": {"Weapons": (), "Graphic Violence": ("Weapon Violence", "Physical Violence", "Blood & Gore")},
    "Visually Disturbing": {"Crashes": ("Air Crash",)},
    "Drugs & Tobacco": {"Products": ("Pills",), "Drugs & Tobacco Paraphernalia & Use": ("Smoking",)},
    "Alcohol": {"Alcohol Use": ("Drinking",), "Alcoholic Beverages": ()},
    "Rude Gestures": {"Middle Finger": ()},
    "Gambling": {},
}
PATHS: Final = tuple(
    path
    for top, middles in TAXONOMY.items()
    for path in (
        (top,),
        *((top, middle) for middle in middles),
        *((top, middle, last) for middle, lasts in middles.items() for last in lasts),
    )
)
"""Every label with what is above it."""


def answer(digest: bytes, parameters: Json, *, version: str) -> Json:
    """One picture in six has labels. Raises Refused for an adapter: there are none."""
    if "ProjectVersion" in parameters:
        raise RequestRefused("ResourceNotFoundException", "The adapter was not found: the simulator has none.")
    draw = pseudo_random(digest, "moderation")
    shift = pseudo_random(digest, f"moderation of {version}")
    seen: dict[tuple[str, ...], float] = {}
    if draw.random() < 1 / 6:
        for path in draw.choices(PATHS, k=draw.randint(1, 2)):
            confidence = min(100.0, max(1.0, percent(draw) + 6 * (shift.random() - 0.5)))
            for level in range(1, len(path) + 1):
                above = path[:level]
                seen[above] = max(round(confidence, 4), seen.get(above, 0.0))
    minimum = parameters.get("MinConfidence", DEFAULT_CONFIDENCE)
    said: Json = {"ModerationLabels": [_label(path, sure) for path, sure in seen.items() if sure >= minimum]}
    kind = draw.choice((*("",) * 8, "Illustrated", "Animated"))
    said["ContentTypes"] = [{"Name": kind, "Confidence": percent(draw, minimum=50)}] if kind else []
    if "HumanLoopConfig" in parameters:
        said["HumanLoopActivationOutput"] = {"HumanLoopActivationConditionsEvaluationResults": "{}"}
    return said


def _label(path: tuple[str, ...], confidence: float) -> Json:
    parent = path[-2] if len(path) > 1 else ""
    return {"Confidence": confidence, "Name": path[-1], "ParentName": parent, "TaxonomyLevel": len(path)}
