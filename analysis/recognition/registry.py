"""Which recognizer speaks here, and what it is asked by default."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

from django.conf import settings

from analysis.models import Analysis
from analysis.recognition.base import ApiName, Parameters, Recognizer

NAMES = ("local", "rekognition", "simulator")
PAID_BY_DEFAULT = frozenset({"labels"})
"""What a recognizer that charges for each API is asked while RECOGNIZER_APIS is empty: no surprise on the bill."""


def current() -> Recognizer:
    return named(settings.RECOGNIZER)


@cache
def named(name: str) -> Recognizer:
    """The recognizer of that name, made once per process: models load and connections open at its first use."""
    if name == "rekognition":
        from analysis.recognition.rekognition import client  # noqa: PLC0415

        return client.connect(region=settings.AWS_REGION or None, threads=settings.RECOGNITION_THREADS)
    if name == "simulator":
        from analysis.recognition.rekognition import client  # noqa: PLC0415

        return client.simulated(address=settings.SIMULATOR_URL, threads=settings.RECOGNITION_THREADS)
    if name == "local":
        from analysis.recognition.local.recognizer import LocalRecognizer  # noqa: PLC0415

        local: Recognizer = LocalRecognizer()
        return local
    raise ValueError(f"RECOGNIZER is {name!r}; it can be {', '.join(NAMES)}.")


def reset() -> None:
    """Make recognizers anew at their next use: the settings have changed."""
    from analysis.recognition.rekognition import client  # noqa: PLC0415

    named.cache_clear()
    client.reset()


def wanted_apis() -> list[str]:
    """The APIs a new picture is analyzed with, in the order the panel shows them."""
    recognizer = current()
    able = recognizer.apis
    asked = settings.RECOGNIZER_APIS or (able if recognizer.region is None else PAID_BY_DEFAULT)
    return [api for api in Analysis.Api.values if api in able and api in asked]


def parameters(api: str) -> dict[str, Any]:
    """What the settings ask of an API, as Analysis.parameters stores it: only what that API knows."""
    return all_parameters().as_json(cast(ApiName, api))


def all_parameters() -> Parameters:
    """What the settings ask of all the APIs. Raises ValueError with a sentence, which a system check finds first."""
    return Parameters(
        max_labels=settings.MAX_LABELS,
        min_confidence=settings.MIN_CONFIDENCE,
        image_properties=settings.IMAGE_PROPERTIES,
        label_inclusion=tuple(settings.LABEL_INCLUSION),
        label_exclusion=tuple(settings.LABEL_EXCLUSION),
        category_inclusion=tuple(settings.CATEGORY_INCLUSION),
        category_exclusion=tuple(settings.CATEGORY_EXCLUSION),
        moderation_min_confidence=settings.MODERATION_MIN_CONFIDENCE,
    )
