"""Makes a census: reads an inventory part by part, counts, prices, and saves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.db import connection

from analysis.bucket_sync import object_queue
from analysis.census import costs, counts
from analysis.census.classification import ObjectTable, Rules
from analysis.census.costs import ApiCost, S3Cost
from analysis.census.counts import DIMENSIONS, CensusGroup, SkippedRows
from analysis.census.inventory import InvalidInventory, Inventory, Part
from analysis.census.inventory_files import Source, has_checksum
from analysis.messages import gettext_noop
from analysis.models import Bucket, BucketCensus
from analysis.recognition.prices import price_list
from analysis.storage import blobs

SHOWN_GROUPS = 20
_MISSING = gettext_noop(
    "Parts of the inventory are missing: %(parts)s. Wait for the next inventory, or pass --allow-missing to count"
    " without them."
)
_DAMAGED = gettext_noop(
    "Parts of the inventory don't match the manifest's MD5 checksums: %(parts)s. Copy them again, or pass"
    " --allow-missing to count without them."
)


@dataclass(frozen=True, kw_only=True)
class PricedGroup(CensusGroup):
    """A group with price and duration of analyzing its new pictures."""

    dollars: Decimal
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Census:
    """Figures of an inventory; `missing`: parts that were not counted."""

    bucket: str
    prefix: str
    inventory_at: datetime | None
    parts: int
    missing: list[str]
    missing_columns: list[str]
    total: PricedGroup
    left_out: SkippedRows
    archived: dict[str, tuple[int, int]]
    groups: dict[str, list[PricedGroup]]
    group_counts: dict[str, int]
    apis: list[ApiCost]
    s3: S3Cost
    region: str
    prices_as_of: str

    @property
    def is_complete(self) -> bool:
        return not self.missing

    def as_json(self) -> dict[str, Any]:
        """Plain JSON; dollars as strings."""
        document: dict[str, Any] = json.loads(json.dumps(asdict(self), default=_json_value))
        return {**document, "is_complete": self.is_complete}


@dataclass(frozen=True, kw_only=True)
class CensusOptions:
    """Prefix and patterns of keys, the depth of prefixes, and the APIs to price."""

    bucket: str = ""
    prefix: str = ""
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    apis: Sequence[str] = ()
    depth: int = 1
    groups: int = SHOWN_GROUPS
    allow_missing: bool = False
    folder: Path | None = None
    """Folder of the temporary table; by default the system's folder for temporary files."""


def check_bucket(inventory: Inventory, bucket: str) -> None:
    """Reject an inventory of another bucket. Raises InvalidInventory."""
    if bucket and inventory.bucket and inventory.bucket != bucket:
        template = gettext_noop("This is an inventory of %(other)s, not of %(bucket)s.")
        raise InvalidInventory(template, other=inventory.bucket, bucket=bucket)


def make_census(
    source: Source,
    inventory: Inventory,
    *,
    options: CensusOptions,
    now: datetime,
    on_part: Callable[[Part], None] = lambda _part: None,
) -> Census:
    """Count and price. Raises InvalidInventory, AWSError, OSError.

    All parts are checked first, so that a missing one is reported before hours of reading.
    """
    check_bucket(inventory, options.bucket)
    missing = [part.key for part in inventory.parts if not source.has(part)]
    if missing and not options.allow_missing:
        raise InvalidInventory(_MISSING, parts=", ".join(missing))
    with TemporaryDirectory(prefix="imagelib-census-", dir=options.folder) as name:
        folder, bucket = Path(name), options.bucket or inventory.bucket
        rules = _rules(bucket, options)
        with closing(ObjectTable(folder, inventory=inventory, rules=rules, now=now)) as table:
            # Before the parts: their rows are compared with the library's objects when they are added.
            with _library_objects(bucket, folder) as path:
                table.add_library(path)
            for part in inventory.parts:
                if part.key not in missing and not _add(table, source, part, folder):
                    if not options.allow_missing:
                        raise InvalidInventory(_DAMAGED, parts=part.key)
                    missing.append(part.key)
                on_part(part)
            return _summary(table, inventory, bucket=bucket, options=options, missing=missing)


def save(bucket: Bucket, census: Census, *, location: str, now: datetime) -> None:
    """Save a census as the latest one of its bucket."""
    BucketCensus.objects.update_or_create(
        bucket=bucket,
        defaults={
            "made_at": now,
            "inventory_at": census.inventory_at,
            "location": location[:2_048],
            "is_complete": census.is_complete,
            "figures": census.as_json(),
        },
    )


def _add(table: ObjectTable, source: Source, part: Part, folder: Path) -> bool:
    """False if the part's checksum is wrong."""
    with source.open(part, folder) as path:
        # Checked first, since the rows of a damaged part could not be told from others in the table.
        if not has_checksum(path, part):
            return False
        table.add_part(path, part)
    return True


def _rules(bucket: str, options: CensusOptions) -> Rules:
    is_own = bucket == blobs.bucket_name()
    return Rules(
        prefix=options.prefix,
        include=options.include,
        exclude=options.exclude,
        own_keys=[blobs.full_key(key) for key in object_queue.INTERNAL_KEYS] if is_own else (),
        max_bytes=settings.MAX_UPLOAD_BYTES,
        depth=options.depth,
    )


@contextmanager
def _library_objects(bucket: str, folder: Path) -> Iterator[Path]:
    """A CSV file of the bucket's objects whose pictures are in the library."""
    path = folder / "library.csv"
    # COPY streams the rows into a file. A bucket may have too many objects for the memory.
    query = """
        COPY (SELECT seen.key, seen.etag, seen.size FROM analysis_bucketobject seen
              JOIN analysis_bucket bucket ON bucket.id = seen.bucket_id
              WHERE bucket.name = %s AND seen.state = 'present') TO STDOUT (FORMAT csv, FORCE_QUOTE *)
    """
    # connection.connection is None until Django's first query.
    connection.ensure_connection()
    with path.open("wb") as file, connection.connection.cursor() as cursor, cursor.copy(query, [bucket]) as rows:
        for block in rows:
            file.write(block)
    yield path
    path.unlink()


def _summary(
    table: ObjectTable, inventory: Inventory, *, bucket: str, options: CensusOptions, missing: list[str]
) -> Census:
    enabled = costs.enabled_apis(options.apis)
    total = counts.count_all(table)
    # All storage classes, since they are few and S3's prices depend on them.
    classes = counts.count_groups(table, "storage-class", limit=1_000)
    groups = {name: counts.count_groups(table, name, limit=options.groups) for name in DIMENSIONS}
    return Census(
        bucket=bucket,
        prefix=options.prefix,
        inventory_at=inventory.created_at,
        parts=len(inventory.parts),
        missing=missing,
        missing_columns=sorted(table.missing_columns),
        total=_priced(total, enabled),
        left_out=counts.count_skipped(table),
        archived=counts.count_archived(table),
        groups={name: [_priced(group, enabled) for group in rows] for name, rows in groups.items()},
        group_counts={name: counts.count_names(table, name) for name in DIMENSIONS},
        apis=costs.api_costs(total.new, enabled=enabled),
        s3=costs.s3_cost(classes),
        region=costs.region(),
        prices_as_of=price_list(costs.region()).as_of.isoformat(),
    )


def _priced(group: CensusGroup, enabled: Sequence[str]) -> PricedGroup:
    return PricedGroup(
        **asdict(group),
        dollars=costs.group_dollars(group, enabled=enabled),
        seconds=costs.group_seconds(group, enabled=enabled),
    )


def _json_value(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
