"""Mistakes in the configuration, found before they cost anything. Each has an id and says what to do."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register

from analysis.models import Analysis
from analysis.recognition.recognizers import NAMES


@register(Tags.security)
def recognizer_known(**_: Any) -> list[CheckMessage]:
    if settings.RECOGNIZER in NAMES:
        return []
    return [
        Error(
            f"RECOGNIZER is {settings.RECOGNIZER!r}, which is none.",
            hint=f"Set it to {' or '.join(NAMES)}.",
            id="imagelib.E001",
        )
    ]


@register(Tags.security)
def apis_known(**_: Any) -> list[CheckMessage]:
    unknown = sorted(set(settings.RECOGNIZER_APIS) - set(Analysis.Api.values))
    if not unknown:
        return []
    return [
        Error(
            f"RECOGNIZER_APIS names {', '.join(unknown)}, which no recognizer has.",
            hint=f"Name some of {', '.join(Analysis.Api.values)}, or leave it empty for all.",
            id="imagelib.E002",
        )
    ]


@register(Tags.security)
def region_known(**_: Any) -> list[CheckMessage]:
    if settings.RECOGNIZER != "rekognition" or settings.AWS_REGION:
        return []
    return [
        Error(
            "RECOGNIZER is rekognition, but no region is set.",
            hint="Set AWS_REGION to the region of your bucket, for example eu-central-1.",
            id="imagelib.E003",
        )
    ]


@register(Tags.security)
def limits_sensible(**_: Any) -> list[CheckMessage]:
    wrong = [
        Error(f"{name} is {value}.", hint=f"It must lie between {low:,} and {high:,}.", id="imagelib.E004")
        for name, value, low, high in (
            ("MAX_UPLOAD_BYTES", settings.MAX_UPLOAD_BYTES, 1, 2**40),
            ("MAX_PIXELS", settings.MAX_PIXELS, 1, 2**31),
            ("MAX_LABELS", settings.MAX_LABELS, 1, 1_000),
            ("MIN_CONFIDENCE", settings.MIN_CONFIDENCE, 0, 100),
            ("RECOGNITION_LONG_SIDE", settings.RECOGNITION_LONG_SIDE, 80, 10_000),
        )
        if not low <= value <= high
    ]
    return list(wrong)


@register(Tags.security, deploy=True)
def services_of_its_own(**_: Any) -> list[CheckMessage]:
    if not settings.EMBEDDED:
        return []
    return [
        checks.Warning(
            f"imagelib runs {' and '.join(sorted(settings.EMBEDDED))} itself, on this machine alone.",
            hint="Set DATABASE_URL and REDIS_URL to servers that every web and worker process reaches.",
            id="imagelib.W001",
        )
    ]
