"""The price of a call, by region and by the number of calls this month.

The numbers are in prices.toml.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

from analysis.models import Analysis

PRICES = Path(__file__).with_name("prices.toml")


@dataclass(frozen=True)
class Tier:
    """US dollars per picture, up to a month's picture number `up_to` (None: no end)."""

    up_to: int | None
    dollars: Decimal


@dataclass(frozen=True)
class PriceList:
    """Prices of a region; those of IMAGE_PROPERTIES are added to a labels call."""

    as_of: date
    source: str
    calls: tuple[Tier, ...]
    image_properties: tuple[Tier, ...]

    def price(self, api: str, parameters: dict[str, Any], *, already: int = 0) -> Decimal:
        """US dollars of one call, after `already` calls this month."""
        price = _at(self.calls, already)
        if api == Analysis.Api.LABELS and parameters.get("image_properties"):
            price += _at(self.image_properties, already)
        return price

    def price_of_many(self, api: str, parameters: dict[str, Any], *, count: int, already: int = 0) -> Decimal:
        """US dollars of `count` calls, after `already` calls this month."""
        total = _sum(self.calls, count, already)
        if api == Analysis.Api.LABELS and parameters.get("image_properties"):
            total += _sum(self.image_properties, count, already)
        return total


def price_list(region: str) -> PriceList:
    """The prices of a region.

    A region missing from the file gets the highest prices, so that no estimate is too low.
    """
    return _read(Path(settings.PRICES_FILE or PRICES), region)


@cache
def _read(path: Path, region: str) -> PriceList:
    content = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    regions: dict[str, Any] = content["regions"]
    prices = regions.get(region) or max(regions.values(), key=lambda prices: Decimal(prices["calls"][0]["dollars"]))
    return PriceList(content["as_of"], content["source"], _tiers(prices["calls"]), _tiers(prices["image_properties"]))


def _tiers(rows: list[dict[str, Any]]) -> tuple[Tier, ...]:
    return tuple(Tier(row.get("up_to"), Decimal(row["dollars"])) for row in rows)


def _at(tiers: tuple[Tier, ...], already: int) -> Decimal:
    return next(tier.dollars for tier in tiers if tier.up_to is None or already < tier.up_to)


def _sum(tiers: tuple[Tier, ...], count: int, already: int) -> Decimal:
    total, start, end = Decimal(0), already, already + count
    for tier in tiers:
        upper = end if tier.up_to is None else min(end, tier.up_to)
        if upper > start:
            total += tier.dollars * (upper - start)
            start = upper
    return total
