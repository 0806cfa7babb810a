"""How many calls a second AWS allows by default, by region and API. Settings and Service Quotas override it."""

from __future__ import annotations

from django.conf import settings

FAST_REGIONS = frozenset({"us-east-1", "us-west-2", "eu-west-1"})
# AWS General Reference, "Amazon Rekognition endpoints and quotas": (fast regions, every other one)
DEFAULTS = {"labels": (50, 5), "faces": (100, 25), "celebrities": (50, 5), "text": (50, 5), "moderation": (50, 5)}


def quota(region: str, api: str) -> float:
    """Calls a second. REKOGNITION_QUOTA, for example `labels=20,faces=40`, wins."""
    if api in settings.REKOGNITION_QUOTA:
        return float(settings.REKOGNITION_QUOTA[api])
    fast, slow = DEFAULTS[api]
    return float(fast if region in FAST_REGIONS else slow)
