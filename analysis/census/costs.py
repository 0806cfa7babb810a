"""Price and duration of analyzing the new pictures of a census; costs of S3."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from django.conf import settings

from analysis.census.counts import CensusGroup
from analysis.models import Analysis
from analysis.recognition import aws_quotas, ledger, registry
from analysis.recognition.prices import price_list

S3_PRICES = Path(__file__).with_name("s3_prices.toml")
RENDITION_BYTES = 150_000
"""Thumbnail and preview of a photograph together, on average."""
DEFAULT_REGION = "us-east-1"
_GB = Decimal(10**9)


@dataclass(frozen=True)
class ApiCost:
    """Cost of one API for all new pictures. `is_enabled`: it would run on import."""

    api: str
    calls: int
    dollars: Decimal
    seconds: float
    is_enabled: bool


@dataclass(frozen=True)
class S3Cost:
    """Cost of reading the pictures once and storing their renditions."""

    requests: int
    request_dollars: Decimal
    rendition_bytes: int
    rendition_dollars_a_month: Decimal


def region() -> str:
    return str(settings.AWS_REGION or DEFAULT_REGION)


def enabled_apis(chosen: Sequence[str]) -> list[str]:
    """The APIs of a bucket, or those of the settings, as Rekognition would run them."""
    named = chosen or settings.RECOGNIZER_APIS or registry.PAID_DEFAULT_APIS
    return [api for api in Analysis.Api.values if api in named]


def api_costs(count: int, *, enabled: Sequence[str]) -> list[ApiCost]:
    """Costs by API of Rekognition, enabled ones first, since price tiers add up."""
    apis = [*enabled, *(api for api in Analysis.Api.values if api not in enabled)]
    parameters = {api: registry.parameters(api) for api in apis}
    prices, already = price_list(region()), ledger.calls_this_month("rekognition")
    costs = []
    for api in apis:
        dollars = prices.price_of_many(api, parameters[api], count=count, already=already)
        costs.append(ApiCost(api, count, dollars, count / aws_quotas.quota(region(), api), api in enabled))
        already += count if api in enabled else 0
    return costs


def group_dollars(group: CensusGroup, *, enabled: Sequence[str]) -> Decimal:
    """Price of only a group's new pictures, starting at this month's tier."""
    return sum((cost.dollars for cost in api_costs(group.new, enabled=enabled) if cost.is_enabled), Decimal(0))


def group_seconds(group: CensusGroup, *, enabled: Sequence[str]) -> float:
    """Duration of the slowest API: all are called in parallel."""
    return max((group.new / aws_quotas.quota(region(), api) for api in enabled), default=0.0)


def s3_cost(classes: Iterable[CensusGroup]) -> S3Cost:
    """Costs of S3: each new picture is read once, also those that may be duplicates."""
    prices = _s3_prices()
    requests, dollars, new = 0, Decimal(0), 0
    for group in classes:
        # Objects without an extension are read as well, since only their bytes say whether they are pictures.
        count = group.pictures - group.in_library + group.unnamed
        size = group.new_bytes + group.duplicate_bytes + group.unnamed_bytes
        # Groups of archived tiers are named by class and tier, such as INTELLIGENT_TIERING ARCHIVE_ACCESS.
        get, gb = prices.classes.get(group.name.partition(" ")[0], prices.classes["STANDARD"])
        requests, new = requests + count, new + group.new
        dollars += get * count / 1_000 + gb * size / _GB
    size = new * RENDITION_BYTES
    return S3Cost(requests, dollars, size, prices.storage_gb_month * size / _GB)


@dataclass(frozen=True)
class _S3Prices:
    storage_gb_month: Decimal
    classes: dict[str, tuple[Decimal, Decimal]]


@cache
def _s3_prices() -> _S3Prices:
    content = tomllib.loads(S3_PRICES.read_text(encoding="utf-8"))
    classes = {name: (Decimal(row["get"]), Decimal(row["gb"])) for name, row in content["classes"].items()}
    return _S3Prices(Decimal(content["storage_gb_month"]), classes)
