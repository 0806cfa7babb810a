"""How many calls a second AWS allows: by REKOGNITION_QUOTA, by Service Quotas if asked, else by AWS's own defaults."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from django.conf import settings

from analysis.aws.errors import AWSError

logger = logging.getLogger(__name__)

FAST_REGIONS = frozenset({"us-east-1", "us-west-2", "eu-west-1"})
# AWS General Reference, "Amazon Rekognition endpoints and quotas": (fast regions, every other one)
DEFAULTS = {"labels": (50, 5), "faces": (100, 25), "celebrities": (50, 5), "text": (50, 5), "moderation": (50, 5)}
# The APIs as IAM and Service Quotas name them; the client's module has them too, but also the weight of boto3.
OPERATIONS = {
    "labels": "DetectLabels",
    "faces": "DetectFaces",
    "celebrities": "RecognizeCelebrities",
    "text": "DetectText",
    "moderation": "DetectModerationLabels",
}
KEPT = 3_600.0
"""Seconds for which an answer of Service Quotas holds in this process."""
KEPT_AFTER_FAILURE = 300.0


@dataclass(frozen=True)
class Quota:
    per_second: float
    source: str


def quota(region: str, api: str) -> float:
    """Calls a second."""
    return cached_quota(region, api).per_second


def cached_quota(region: str, api: str) -> Quota:
    """Calls a second, and who says so."""
    if api in settings.REKOGNITION_QUOTA:
        return Quota(float(settings.REKOGNITION_QUOTA[api]), "REKOGNITION_QUOTA")
    if settings.QUOTAS_FROM_AWS and api in (applied := _applied(region)):
        return Quota(applied[api], "Service Quotas")
    fast, slow = DEFAULTS[api]
    return Quota(float(fast if region in FAST_REGIONS else slow), "AWS's default")


def fetch_quotas(region: str) -> dict[str, float]:
    """By API, as Service Quotas tells now; known for an hour from then on. Raises Refused."""
    from analysis.aws import service_quotas  # noqa: PLC0415

    told = service_quotas.applied("rekognition", operations=OPERATIONS.values(), region=region)
    applied = {api: told[operation] for api, operation in OPERATIONS.items() if operation in told}
    logger.info("Service Quotas tells %s for Rekognition in %s", applied or "nothing", region)
    _read[region] = time.monotonic() + KEPT, applied
    return applied


def reset() -> None:
    """Ask Service Quotas anew at the next use."""
    with _reading:
        _read.clear()


_reading = threading.Lock()
_read: dict[str, tuple[float, dict[str, float]]] = {}
"""By region: until when it holds, and the calls a second by API."""


def _applied(region: str) -> dict[str, float]:
    with _reading:
        until, applied = _read.get(region, (0.0, {}))
        if time.monotonic() < until:
            return applied
        try:
            return fetch_quotas(region)
        except AWSError as refusal:
            logger.warning("Rekognition's quotas cannot be read, what was known before holds: %s", refusal)
        _read[region] = time.monotonic() + KEPT_AFTER_FAILURE, applied
        return applied
