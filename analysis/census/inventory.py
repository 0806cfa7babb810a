"""S3 Inventory manifests: format, columns and parts of an inventory."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from analysis.messages import MessageError, gettext_noop

MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 50 * 2**20
"""One part has about 200 bytes in it; inventories have a few thousand parts at most."""
Format = Literal["CSV", "Parquet"]


class InvalidInventory(MessageError):
    """An inventory that cannot be counted, with the reason."""


@dataclass(frozen=True)
class Part:
    """A file of an inventory; `size` and `md5` only where a manifest names them."""

    key: str
    size: int | None = None
    md5: str = ""


@dataclass(frozen=True)
class Inventory:
    """`columns`: of CSV files, in normal form; Parquet files contain theirs.

    `bucket` is empty without a manifest.
    """

    bucket: str
    format: Format
    columns: tuple[str, ...]
    parts: tuple[Part, ...]
    created_at: datetime | None = None


def column_name(name: str) -> str:
    """The normal form of a column's name: `lastmodifieddate`.

    CSV files have LastModifiedDate, Parquet files last_modified_date.
    """
    return re.sub(r"[^a-z0-9]", "", name.lower())


def parse_manifest(content: bytes) -> Inventory:
    """The inventory of a manifest.json. Raises InvalidInventory."""
    try:
        manifest = json.loads(content)
        file_format = str(manifest["fileFormat"])
        inventory_format = _format(file_format)
        return Inventory(
            bucket=str(manifest["sourceBucket"]),
            format=inventory_format,
            columns=_columns(str(manifest["fileSchema"])) if inventory_format == "CSV" else (),
            parts=tuple(_part(file) for file in manifest["files"]),
            created_at=_created_at(manifest.get("creationTimestamp")),
        )
    # Files are untrusted. AttributeError: an entry that is no object. RecursionError: deeply nested JSON.
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidInventory(
            gettext_noop("This is not an S3 Inventory manifest. Pass the manifest.json of an inventory.")
        ) from error


def without_manifest(keys: Sequence[str]) -> Inventory:
    """An export of Parquet files without a manifest, as of an S3 Metadata table."""
    return Inventory("", "Parquet", (), tuple(Part(key) for key in keys))


def _format(name: str) -> Format:
    if name.upper() == "ORC":
        raise InvalidInventory(
            gettext_noop("ORC inventories are not supported. Set the inventory's output format to CSV or Parquet.")
        )
    if name.upper() == "CSV":
        return "CSV"
    if name.upper() == "PARQUET":
        return "Parquet"
    raise InvalidInventory(gettext_noop("Unknown inventory format %(format)s. Use CSV or Parquet."), format=name)


def _columns(schema: str) -> tuple[str, ...]:
    """Normalized, unique names, since they become columns of a table."""
    names = [column_name(name) for name in schema.split(",")]
    if "key" not in names:
        raise InvalidInventory(gettext_noop("The inventory has no Key column, so nothing can be counted."))
    return tuple(
        name if name and name not in names[:position] else f"column{position}" for position, name in enumerate(names)
    )


def _part(file: dict[str, Any]) -> Part:
    size = file.get("size")
    return Part(str(file["key"]), None if size is None else int(size), str(file.get("MD5checksum") or "").lower())


def _created_at(timestamp: object) -> datetime | None:
    """Milliseconds since 1970, as a string."""
    if timestamp is None:
        return None
    try:
        return datetime.fromtimestamp(int(str(timestamp)) / 1_000, tz=UTC)
    except (OSError, OverflowError) as error:  # outside the years that the platform knows
        raise ValueError(timestamp) from error
