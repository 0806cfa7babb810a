"""The latest census of a bucket, for the bucket's page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from analysis import formatting
from analysis.census import captions
from analysis.models import Analysis, Bucket, BucketCensus


@dataclass(frozen=True)
class CensusRow:
    """A table row: the name of a group of objects, and its figures."""

    name: str
    pictures: str
    size: str
    duplicates: str
    new: str
    archived: str
    cost: str
    time: str


@dataclass(frozen=True)
class CensusTable:
    title: str
    rows: list[CensusRow]
    more: int


def context(bucket: Bucket) -> dict[str, Any]:
    """Template context: the command that takes a census, and the latest result."""
    values = {"census_command": f"manage.py census s3://…/manifest.json --bucket {bucket}"}
    census = BucketCensus.objects.filter(bucket=bucket).first()
    if census is None:
        return values
    figures = census.figures
    return {
        **values,
        "census": census,
        "census_made": formatting.ago(census.made_at, now=timezone.now()),
        "census_inventory": formatting.exact(census.inventory_at) if census.inventory_at else "",
        "census_totals": _totals(figures),
        "census_costs": _costs(figures),
        "census_warnings": [str(captions.WITHOUT_COLUMN[name]) for name in figures["missing_columns"]],
        "census_missing": figures["missing"],
        "census_tables": [_table(figures, dimension) for dimension in captions.DIMENSIONS],
        "census_prices": {"region": figures["region"], "date": figures["prices_as_of"]},
    }


def _totals(figures: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Label, count and size of each total; zeros only where they are informative."""
    total = figures["total"]
    rows = [
        (_("Pictures"), total["pictures"], total["picture_bytes"]),
        (_("In the library"), total["in_library"], None),
        (_("Duplicates, at least"), total["duplicates"], total["duplicate_bytes"]),
        (_("To analyze"), total["new"], total["new_bytes"]),
    ]
    aside = [
        (_("Too large"), total["too_large"], total["too_large_bytes"]),
        (_("Without extension"), total["unnamed"], total["unnamed_bytes"]),
        (_("Other files"), total["other"], total["other_bytes"]),
        (_("Excluded"), figures["left_out"]["excluded"], figures["left_out"]["excluded_bytes"]),
        (_("Noncurrent versions"), figures["left_out"]["noncurrent"], figures["left_out"]["noncurrent_bytes"]),
        (_("Delete markers"), figures["left_out"]["delete_markers"], None),
    ]
    archived = [
        (_("Archived: %(storage_class)s") % {"storage_class": name}, number, size)
        for name, (number, size) in figures["archived"].items()
    ]
    rows += archived + [row for row in aside if row[1]]
    return [
        (label, formatting.count(number), "" if size is None else formatting.filesize(size))
        for label, number, size in rows
    ]


def _costs(figures: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Label, price and duration of analyzing the bucket, and the price of storage."""
    total, s3 = figures["total"], figures["s3"]
    names = dict(Analysis.Api.choices)
    rows = [
        (str(names[cost["api"]]), _dollars(cost["dollars"]), formatting.duration(cost["seconds"]))
        for cost in figures["apis"]
        if cost["is_enabled"]
    ]
    if len(rows) > 1:
        rows.append((_("All of these"), _dollars(total["dollars"]), formatting.duration(total["seconds"])))
    monthly = _("%(cost)s a month") % {"cost": _dollars(s3["rendition_dollars_a_month"])}
    return [
        *rows,
        (_("S3 requests"), _dollars(s3["request_dollars"]), ""),
        (_("Thumbnails and previews"), monthly, formatting.filesize(s3["rendition_bytes"])),
    ]


def _table(figures: Mapping[str, Any], dimension: str) -> CensusTable:
    groups = figures["groups"][dimension]
    rows = [_row(dimension, group) for group in groups[:20]]
    return CensusTable(str(captions.DIMENSIONS[dimension]), rows, figures["group_counts"][dimension] - len(rows))


def _row(dimension: str, group: Mapping[str, Any]) -> CensusRow:
    return CensusRow(
        name=captions.group_name(dimension, group["name"]),
        pictures=formatting.count(group["pictures"]),
        size=formatting.filesize(group["picture_bytes"]),
        duplicates=formatting.count(group["duplicates"]),
        new=formatting.count(group["new"]),
        archived=formatting.count(group["archived"]),
        cost=_dollars(group["dollars"]),
        time=formatting.duration(group["seconds"]) if group["new"] else "",
    )


def _dollars(amount: str) -> str:
    return formatting.dollars(Decimal(amount))
