"""Counts of a census: the whole, and by prefix, type, age and storage class."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.census.classification import ObjectTable

DIMENSIONS = {"prefix": "prefix", "type": "type", "age": "age", "storage-class": "storage_class"}
"""By name of the option --by: the column."""


@dataclass(frozen=True, kw_only=True)
class CensusGroup:
    """Current objects of a group, without excluded keys.

    `pictures`: those with the extension of an accepted format that are not archived and not too large. Of these,
    `in_library` were imported already, `duplicates` have the ETag and size of another one, and `new` remain to be
    analyzed.
    """

    name: str
    objects: int
    bytes: int
    pictures: int
    picture_bytes: int
    in_library: int
    duplicates: int
    duplicate_bytes: int
    new: int
    new_bytes: int
    archived: int
    archived_bytes: int
    too_large: int
    too_large_bytes: int
    unnamed: int
    unnamed_bytes: int
    other: int
    other_bytes: int


@dataclass(frozen=True)
class SkippedRows:
    """Numbers of rows that are not current objects or have excluded keys."""

    noncurrent: int
    noncurrent_bytes: int
    delete_markers: int
    excluded: int
    excluded_bytes: int


# Grouped by fingerprint first, since such a grouping can spill to the disk, unlike count(DISTINCT).
_GROUPS = """
WITH fingerprints AS (
    SELECT {column} AS name, kind, fingerprint, count(*) AS objects, sum(size) AS bytes, any_value(size) AS size
    FROM objects WHERE kind NOT IN ('noncurrent', 'delete marker', 'excluded') GROUP BY ALL
), groups AS (
    SELECT name, sum(objects) AS objects, sum(bytes) AS bytes,
           sum(objects) FILTER (kind IN ('picture', 'copy', 'library')) AS pictures,
           sum(bytes) FILTER (kind IN ('picture', 'copy', 'library')) AS picture_bytes,
           sum(objects) FILTER (kind = 'library') AS in_library,
           sum(CASE kind WHEN 'copy' THEN objects WHEN 'picture' THEN objects - 1 ELSE 0 END) AS duplicates,
           sum(CASE kind WHEN 'copy' THEN bytes WHEN 'picture' THEN bytes - size ELSE 0 END) AS duplicate_bytes,
           count(*) FILTER (kind = 'picture') AS new, sum(size) FILTER (kind = 'picture') AS new_bytes,
           {other_kinds}
    FROM fingerprints GROUP BY name
)
SELECT {names}, name FROM groups ORDER BY pictures DESC NULLS LAST, bytes DESC, name LIMIT ?
"""
_OTHER_KINDS = {"archived": "archived", "too large": "too_large", "unnamed": "unnamed", "other": "other"}


def count_groups(table: ObjectTable, dimension: str, *, limit: int) -> list[CensusGroup]:
    """The groups with most pictures."""
    return _count(table, DIMENSIONS[dimension], limit=limit)


def count_names(table: ObjectTable, dimension: str) -> int:
    """The number of groups."""
    column = DIMENSIONS[dimension]
    query = f"SELECT count(*) FROM (SELECT DISTINCT {column} FROM objects WHERE kind NOT IN ({_SKIPPED_KINDS}))"
    return int(table.rows(query)[0][0])


def count_all(table: ObjectTable) -> CensusGroup:
    return next(iter(_count(table, "''", limit=1)), _NOTHING)


def count_archived(table: ObjectTable) -> dict[str, tuple[int, int]]:
    """Number and bytes of pictures that have to be restored first, by storage class."""
    query = "SELECT storage_class, count(*), sum(size) FROM objects WHERE kind = 'archived' GROUP BY ALL ORDER BY ALL"
    return {name: (int(objects), int(size)) for name, objects, size in table.rows(query)}


def count_skipped(table: ObjectTable) -> SkippedRows:
    query = f"SELECT kind, count(*), sum(size) FROM objects WHERE kind IN ({_SKIPPED_KINDS}) GROUP BY kind"
    kinds = {kind: (int(objects), int(size)) for kind, objects, size in table.rows(query)}
    markers, _no_bytes = kinds.get("delete marker", (0, 0))
    return SkippedRows(*kinds.get("noncurrent", (0, 0)), markers, *kinds.get("excluded", (0, 0)))


def _count(table: ObjectTable, column: str, *, limit: int) -> list[CensusGroup]:
    sums = ", ".join(
        f"sum(objects) FILTER (kind = '{kind}') AS {name}, sum(bytes) FILTER (kind = '{kind}') AS {name}_bytes"
        for kind, name in _OTHER_KINDS.items()
    )
    names = list(_NOTHING.__dataclass_fields__)[1:]
    rows = table.rows(_GROUPS.format(column=column, other_kinds=sums, names=", ".join(names)), [limit])
    return [
        # In SQL, the sum of no rows is NULL and not 0.
        CensusGroup(name=row[-1], **{name: int(number or 0) for name, number in zip(names, row[:-1], strict=True)})
        for row in rows
    ]


_SKIPPED_KINDS = "'noncurrent', 'delete marker', 'excluded'"
_NOTHING = CensusGroup(
    name="", **dict.fromkeys([name for name in CensusGroup.__dataclass_fields__ if name != "name"], 0)
)
