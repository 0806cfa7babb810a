"""The recognizers, and the options of a request as the settings give them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, cast

from django.conf import settings

from analysis.models import Analysis
from analysis.recognition.base import ApiName, Parameters, Recognizer
from analysis.recognition.local import configuration

NAMES = ("local", "rekognition", "simulator")
# APIs of a billed recognizer while RECOGNIZER_APIS is empty, since each further one costs as much again.
PAID_DEFAULT_APIS = frozenset({"labels"})


def current() -> Recognizer:
    """The recognizer of the setting RECOGNIZER."""
    return get(settings.RECOGNIZER)


@cache
def get(name: str) -> Recognizer:
    """The recognizer of that name, one per process.

    Models are loaded and connections opened at the first use. Raises ValueError for an unknown name.
    """
    # Imported here, since boto3, OpenCV and onnxruntime take seconds and megabytes that most processes need not spend.
    if name == "rekognition":
        from analysis.recognition.rekognition import client

        return client.connect(region=settings.AWS_REGION or None, threads=settings.RECOGNITION_THREADS)
    if name == "simulator":
        from analysis.recognition.rekognition import client

        return client.simulated(address=settings.SIMULATOR_URL, threads=settings.RECOGNITION_THREADS)
    if name == "local":
        configure_local()
        from analysis.recognition.local.recognizer import LocalRecognizer

        local: Recognizer = LocalRecognizer()
        return local
    raise ValueError(f"Unknown RECOGNIZER {name!r}. Choose one of {', '.join(NAMES)}.")


def reset() -> None:
    """Create the recognizers again at their next use, because the settings changed."""
    from analysis.recognition.rekognition import client

    get.cache_clear()
    client.reset()


def configure_local() -> None:
    """Configure the local recognizer's models from the settings."""
    configuration.configure(
        configuration.Configuration(
            folder=settings.LOCAL_MODELS,
            detector=Path(settings.LOCAL_DETECTOR) if settings.LOCAL_DETECTOR else None,
            classifier=Path(settings.LOCAL_CLASSIFIER) if settings.LOCAL_CLASSIFIER else None,
            has_face_traits=settings.LOCAL_FACE_TRAITS,
            has_moderation=settings.LOCAL_MODERATION,
        )
    )


def enabled_apis() -> list[str]:
    """The APIs that analyze a new picture, in the order of the panel."""
    recognizer = current()
    default = recognizer.apis if recognizer.region is None else PAID_DEFAULT_APIS
    enabled = settings.RECOGNIZER_APIS or default
    return [api for api in Analysis.Api.values if api in recognizer.apis and api in enabled]


def parameters(api: str) -> dict[str, Any]:
    """The options of an API by the settings, in the form of Analysis.parameters."""
    return all_parameters().as_json(cast(ApiName, api))


def all_parameters() -> Parameters:
    """The options of all APIs by the settings.

    Raises ValueError for an invalid setting, which a system check reports at startup.
    """
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
