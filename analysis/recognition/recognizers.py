"""Which recognizer speaks here, and what it is asked by default."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

from django.conf import settings

from analysis.models import Analysis
from analysis.recognition.recognizer import ApiName, Parameters, Recognizer

NAMES = ("local", "rekognition")


def current() -> Recognizer:
    return named(settings.RECOGNIZER)


@cache
def named(name: str) -> Recognizer:
    """The recognizer of that name, made once per process: models load and connections open at its first use."""
    if name == "rekognition":
        from analysis.recognition import rekognition  # noqa: PLC0415

        return rekognition.connect(region=settings.AWS_REGION or None, threads=settings.RECOGNITION_THREADS)
    if name == "local":
        from analysis.recognition.local import Local  # noqa: PLC0415

        local: Recognizer = Local()
        return local
    raise ValueError(f"RECOGNIZER is {name!r}; it can be {' or '.join(NAMES)}.")


def forget() -> None:
    """Make recognizers anew at their next use: the settings have changed."""
    from analysis.recognition import rekognition  # noqa: PLC0415

    named.cache_clear()
    rekognition.forget()


def wanted_apis() -> list[str]:
    """The APIs a new picture is analyzed with, in the order the panel shows them."""
    able = current().apis
    asked = settings.RECOGNIZER_APIS or able
    return [api for api in Analysis.Api.values if api in able and api in asked]


def parameters(api: str) -> dict[str, Any]:
    """What the settings ask of an API, as Analysis.parameters stores it: only what that API knows."""
    asked = Parameters(
        max_labels=settings.MAX_LABELS,
        min_confidence=settings.MIN_CONFIDENCE,
        image_properties=settings.IMAGE_PROPERTIES,
    )
    return asked.as_json(cast(ApiName, api))
