"""Rekognition's quotas in calls a second.

From the setting REKOGNITION_QUOTA, else from Service Quotas if QUOTAS_FROM_AWS is set, else AWS's published defaults.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from django.conf import settings

from analysis.aws.errors import AWSError

logger = logging.getLogger(__name__)

# The part of the quota that is used: evenly sent calls arrive a few hundredths of a second earlier or later.
QUOTA_SHARE = 0.97
FAST_REGIONS = frozenset({"us-east-1", "us-west-2", "eu-west-1"})
# AWS General Reference, "Amazon Rekognition endpoints and quotas": (fast regions, all other regions)
DEFAULTS = {"labels": (50, 5), "faces": (100, 25), "celebrities": (50, 5), "text": (50, 5), "moderation": (50, 5)}
# As IAM and Service Quotas name the APIs. rekognition.client has them too, but importing it would load botocore.
OPERATIONS = {
    "labels": "DetectLabels",
    "faces": "DetectFaces",
    "celebrities": "RecognizeCelebrities",
    "text": "DetectText",
    "moderation": "DetectModerationLabels",
}
# For quotas read from Service Quotas, in each process.
CACHE_SECONDS = 3_600.0
# Until Service Quotas is called again after an error.
RETRY_SECONDS = 300.0


@dataclass(frozen=True)
class Quota:
    per_second: float
    source: str
    """The source of the number, for display."""


def quota(region: str, api: str) -> float:
    """Calls a second that AWS allows."""
    return cached_quota(region, api).per_second


def cached_quota(region: str, api: str) -> Quota:
    """The quota with its source; calls Service Quotas at most once an hour."""
    if api in settings.REKOGNITION_QUOTA:
        return Quota(float(settings.REKOGNITION_QUOTA[api]), "REKOGNITION_QUOTA")
    if settings.QUOTAS_FROM_AWS and api in (applied := _applied(region)):
        return Quota(applied[api], "Service Quotas")
    fast, slow = DEFAULTS[api]
    return Quota(float(fast if region in FAST_REGIONS else slow), "AWS default")


def fetch_quotas(region: str) -> dict[str, float]:
    """Quotas by API, read from Service Quotas now and cached from then on.

    Raises AWSError.
    """
    from analysis.aws import service_quotas  # noqa: PLC0415

    by_operation = service_quotas.applied("rekognition", operations=OPERATIONS.values(), region=region)
    applied = {api: by_operation[operation] for api, operation in OPERATIONS.items() if operation in by_operation}
    logger.info("Service Quotas returned %s for Rekognition in %s", applied or "nothing", region)
    _cache[region] = time.monotonic() + CACHE_SECONDS, applied
    return applied


def reset() -> None:
    """Call Service Quotas again at the next use."""
    with _lock:
        _cache.clear()


_lock = threading.Lock()
# By region: time of expiry by the monotonic clock, calls a second by API.
_cache: dict[str, tuple[float, dict[str, float]]] = {}


def _applied(region: str) -> dict[str, float]:
    with _lock:  # also while calling: one call serves all waiting threads
        expiry, applied = _cache.get(region, (0.0, {}))
        if time.monotonic() < expiry:
            return applied
        try:
            return fetch_quotas(region)
        except AWSError as error:
            logger.warning("Rekognition's quotas could not be read; using the previous ones: %s", error)
        _cache[region] = time.monotonic() + RETRY_SECONDS, applied
        return applied
