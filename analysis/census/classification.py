"""The objects of an inventory as a DuckDB table on disk, classified.

DuckDB spills to the folder beyond its memory limit, so ten million rows take no more memory than a thousand.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from analysis.census.inventory import InvalidInventory, Inventory, Part, column_name
from analysis.ingest.exclusions import PREVIEWS, SYSTEM_FOLDERS
from analysis.ingest.file_types import EXTENSIONS
from analysis.messages import gettext_noop

MEMORY_LIMIT = "200MB"
ARCHIVED = ("GLACIER", "DEEP_ARCHIVE")
"""Storage classes that must be restored before a GET. GLACIER_IR can be read directly."""
ARCHIVED_TIERS = ("ARCHIVE", "ARCHIVE_ACCESS", "DEEP_ARCHIVE", "DEEP_ARCHIVE_ACCESS")
"""Archived tiers of Intelligent-Tiering."""
OPTIONAL_COLUMNS = {
    "size": "Size",
    "lastmodifieddate": "LastModifiedDate",
    "etag": "ETag",
    "storageclass": "StorageClass",
}
"""By normal name: what the census lacks without the column."""
_NUMBER_OF_DAYS = (30, 90, 365, 3 * 365)
AGES = ("days30", "days90", "year1", "years3", "older", "unknown")
_SCHEMA = (
    "CREATE TABLE objects (prefix VARCHAR, type VARCHAR, age VARCHAR, storage_class VARCHAR, kind VARCHAR,"
    " size BIGINT, fingerprint UBIGINT)"
)


@dataclass(frozen=True)
class Rules:
    """The keys that would be imported, by prefix, patterns and exclusions."""

    prefix: str = ""
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    own_keys: Sequence[str] = ()
    """Key prefixes of imagelib's own files."""
    max_bytes: int = 0
    depth: int = 1


class ObjectTable:
    """Objects by prefix, type, age and storage class, in a folder."""

    def __init__(self, folder: Path, *, inventory: Inventory, rules: Rules, now: datetime) -> None:
        self._inventory, self._rules = inventory, rules
        # DuckDB's TIMESTAMP has no time zone.
        self._now = (inventory.created_at or now).replace(tzinfo=None)
        self._db = duckdb.connect(
            str(folder / "objects.duckdb"),
            config={
                "memory_limit": MEMORY_LIMIT,
                "threads": 2,
                "temp_directory": str(folder / "spill"),
                # Keeping the order would need more memory.
                "preserve_insertion_order": False,
                # DuckDB would otherwise download extensions from its own server.
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )
        self._db.execute(_SCHEMA)
        self._db.execute("CREATE TABLE library (object UBIGINT, fingerprint UBIGINT)")
        self.missing_columns: set[str] = set()

    def close(self) -> None:
        self._db.close()

    def add_library(self, path: Path) -> None:
        """Objects in the library already, from a CSV file of key, ETag and size."""
        self._db.execute(
            "INSERT INTO library SELECT hash(key, etag), hash(etag, size) FROM read_csv(?, auto_detect = false,"
            " header = false, delim = ',', quote = '\"', escape = '\"',"
            " columns = {'key': 'VARCHAR', 'etag': 'VARCHAR', 'size': 'BIGINT'})",
            [str(path)],
        )

    def add_part(self, path: Path, part: Part) -> None:
        """Add the rows of a part, all or none. Raises InvalidInventory."""
        try:
            source, columns = self._source(path)
            if "key" not in columns:
                raise InvalidInventory(gettext_noop("%(part)s has no Key column."), part=part.key)
            self._check_bucket(source, columns, path)
            self.missing_columns |= OPTIONAL_COLUMNS.keys() - columns.keys()
            self._db.execute(self._insert(source, columns), self._parameters(path))
        except duckdb.Error as error:
            # Without DuckDB's message, which quotes the row, with an object's key, and options of the reader.
            raise InvalidInventory(
                gettext_noop("%(part)s cannot be read: it is damaged, or not a %(format)s file of this inventory."),
                part=part.key,
                format=self._inventory.format,
            ) from error

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._db.execute(query, list(parameters)).fetchall()

    def _source(self, path: Path) -> tuple[str, dict[str, str]]:
        """SQL that reads a part, and its columns by normal name, with their types."""
        if self._inventory.format == "CSV":
            columns = dict.fromkeys(self._inventory.columns, "VARCHAR")
            types = ", ".join(f"'{name}': 'VARCHAR'" for name in columns)
            # Keys have up to 1,024 bytes, three times as many when encoded. Small buffers save memory.
            return (
                "read_csv($path, auto_detect = false, header = false, delim = ',', quote = '\"', escape = '\"',"
                f" compression = 'gzip', max_line_size = 1000000, buffer_size = 8000000, columns = {{{types}}})"
            ), columns
        described = self.rows("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)])
        columns = {column_name(name): kind for name, kind, *_ in described if re.fullmatch(r"\w+", name)}
        renamed = ", ".join(
            f'"{name}" AS {column_name(name)}'
            for name, *_ in described
            if re.fullmatch(r"\w+", name) and column_name(name) in _USED
        )
        return f"(SELECT {renamed or '1 AS nothing'} FROM read_parquet($path))", columns

    def _check_bucket(self, source: str, columns: dict[str, str], path: Path) -> None:
        """Reject rows of another bucket, by the first row."""
        if "bucket" not in columns or not self._inventory.bucket:
            return
        first = self._db.execute(f"SELECT bucket FROM {source} LIMIT 1", {"path": str(path)}).fetchone()
        if first and first[0] != self._inventory.bucket:
            template = gettext_noop("A part lists the bucket %(other)s, but the manifest is for %(bucket)s.")
            raise InvalidInventory(template, other=first[0], bucket=self._inventory.bucket)

    def _parameters(self, path: Path) -> dict[str, Any]:
        rules = self._rules
        return {
            "path": str(path),
            "prefix": rules.prefix,
            "max_bytes": rules.max_bytes,
            "now": self._now,
            "own": list(rules.own_keys),
            "include": [pattern.lower() for pattern in rules.include],
            "exclude": [pattern.lower() for pattern in rules.exclude],
            "folders": rf"^(?:[^/]*/){{0,{rules.depth}}}",
            "hidden": _hidden(),
            "accepted": list(EXTENSIONS),
            "formats": [EXTENSIONS[extension].title for extension in EXTENSIONS],
        }

    def _insert(self, source: str, columns: dict[str, str]) -> str:
        return _INSERT.format(
            source=source,
            # Keys are URL-encoded in CSV (S3 user guide, "Amazon S3 Inventory list"), but not in Parquet.
            key="coalesce(try(url_decode(replace(key, '+', '%20'))), key)"
            if self._inventory.format == "CSV"
            else "key",
            **{name: _value(name, columns) for name in _DEFAULTS},
        )


_DEFAULTS = {
    "size": "NULL",
    "etag": "''",
    "storageclass": "''",
    "lastmodifieddate": "NULL",
    "islatest": "true",
    "isdeletemarker": "false",
    "intelligenttieringaccesstier": "''",
}
_USED = {"bucket", "key", *_DEFAULTS}


def _value(name: str, columns: dict[str, str]) -> str:
    """SQL of a column of any type; a default if it is missing."""
    if name not in columns:
        return _DEFAULTS[name]
    if name == "size":
        return "try_cast(size AS BIGINT)"
    if name in {"islatest", "isdeletemarker"}:
        return f"coalesce(try_cast({name} AS BOOLEAN), {_DEFAULTS[name]})"
    if name == "lastmodifieddate":
        if columns[name] in {"BIGINT", "HUGEINT", "UBIGINT"}:
            return "epoch_ms(lastmodifieddate)"
        return "try_cast(CAST(lastmodifieddate AS VARCHAR) AS TIMESTAMP)"
    return f"coalesce(CAST({name} AS VARCHAR), '')"


def _hidden() -> str:
    """Names and folders that imports skip, see ingest.exclusions."""
    # RE2 rejects an escaped space.
    names = "|".join(re.escape(name).replace("\\ ", " ") for name in SYSTEM_FOLDERS)
    return rf"(?i)(^|/)(\.[^/]+$|\.[^/]*[^/.][^/]*/|({names}|[^/]*{re.escape(PREVIEWS)})/)"


_AGE = "CASE " + " ".join(
    f"WHEN modified >= CAST($now AS TIMESTAMP) - INTERVAL {days} DAY THEN '{age}'"
    for days, age in zip(_NUMBER_OF_DAYS, AGES, strict=False)
)
# Each row gets a kind; of rows other than current objects only the kind is kept. Only a hash of the ETag is kept: among
# ten million objects, the chance that two different ones have the same is below one in a hundred thousand.
_INSERT = f"""
INSERT INTO objects
WITH listed AS (
    SELECT {{key}} AS key, {{size}} AS size, trim({{etag}}, '"') AS etag, {{islatest}} AS is_latest,
           {{isdeletemarker}} AS is_delete_marker, {{lastmodifieddate}} AS modified,
           upper({{storageclass}}) AS storage_class, upper({{intelligenttieringaccesstier}}) AS tier
    FROM {{source}}
), named AS (
    SELECT *, substr(key, length($prefix) + 1) AS rest,
           lower(regexp_extract(key, '\\.([A-Za-z0-9]{{{{1,10}}}})\\s*$', 1)) AS extension
    FROM listed WHERE starts_with(key, $prefix)
), classified AS (
    SELECT *, CASE
        WHEN is_delete_marker THEN 'delete marker'
        WHEN NOT is_latest THEN 'noncurrent'
        WHEN key LIKE '%/' OR regexp_matches(rest, $hidden)
             OR list_bool_or(list_transform($own, lambda beginning: starts_with(key, beginning)))
             OR list_bool_or(list_transform($exclude, lambda pattern: lower(key) GLOB pattern))
             OR NOT coalesce(list_bool_or(list_transform($include, lambda pattern: lower(key) GLOB pattern)), true)
             THEN 'excluded'
        WHEN extension <> '' AND NOT list_contains($accepted, extension) THEN 'other'
        WHEN storage_class IN {ARCHIVED} OR tier IN {ARCHIVED_TIERS} THEN 'archived'
        WHEN size = 0 THEN 'other'
        WHEN size > $max_bytes THEN 'too large'
        WHEN extension = '' THEN 'unnamed'
        WHEN etag <> '' AND hash(key, etag) IN (SELECT object FROM library) THEN 'library'
        WHEN etag <> '' AND hash(etag, size) IN (SELECT fingerprint FROM library) THEN 'copy'
        ELSE 'picture' END AS kind
    FROM named
)
SELECT $prefix || regexp_extract(rest, $folders),
       coalesce($formats[list_position($accepted, extension)], upper(extension)),
       {_AGE} WHEN modified IS NOT NULL THEN '{AGES[-2]}' ELSE '{AGES[-1]}' END,
       CASE WHEN storage_class = '' THEN 'unknown'
            WHEN tier IN {ARCHIVED_TIERS} THEN storage_class || ' ' || tier ELSE storage_class END,
       kind, coalesce(size, 0),
       CASE WHEN kind <> 'picture' THEN 0 WHEN etag = '' THEN hash(key) ELSE hash(etag, size) END
FROM classified
"""
