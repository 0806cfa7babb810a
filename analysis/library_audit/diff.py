"""Comparison of stored keys with image rows, by the database in temporary tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from itertools import islice

from django.db import connection

from analysis.storage import blobs

FOLDERS = ("originals", "renditions")
STEP = 1_000
"""Keys or differences in memory at once."""

_RENDITION = "'renditions/' || left(hex, 2) || '/' || hex || '-{name}.{extension}'"


class Difference(StrEnum):
    """Kinds of differences, in processing order.

    Originals without image come first, since restoring one may resolve a missing one.
    """

    ORIGINAL_UNOWNED = "original without a picture"
    ORIGINAL_MISSING = "picture without its original"
    RENDITION_UNOWNED = "rendition without a picture"
    RENDITION_MISSING = "picture without a rendition"


@contextmanager
def stored_keys() -> Iterator[Iterator[int]]:
    """A table of stored keys for the duration of the block.

    Yields numbers of keys while it is filled.

    Iterating raises StorageError.
    """
    with connection.cursor() as cursor:
        # In the database, since ten million keys in a Python set take gigabytes. Temporary tables write no WAL and are
        # dropped with the connection, even after a crash.
        cursor.execute("CREATE TEMPORARY TABLE audit_blob (key text NOT NULL)")
        cursor.execute("CREATE TEMPORARY TABLE audit_difference (id bigserial, kind text, key text, image_id bigint)")
    try:
        yield _read()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE audit_blob, audit_difference")


def _read() -> Iterator[int]:
    for folder in FOLDERS:
        keys = blobs.list_keys(folder)
        while step := list(islice(keys, STEP)):
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO audit_blob SELECT unnest(%s::text[])", [step])
            yield len(step)


def compare() -> dict[Difference, int]:
    """Save the differences between stored keys and current rows.

    Returns their number by kind.
    """
    with connection.cursor() as cursor:
        # The index is created after the rows, which is faster. ANALYZE, since autovacuum cannot analyze temporary
        # tables (PostgreSQL, CREATE TABLE).
        cursor.execute("CREATE INDEX ON audit_blob (key); ANALYZE audit_blob")
        for kind, query in _DIFFERENCES.items():
            insert = f"INSERT INTO audit_difference (kind, key, image_id) SELECT %s, * FROM ({query}) rows"
            cursor.execute(insert, [kind])
        cursor.execute("SELECT kind, count(*) FROM audit_difference GROUP BY kind")
        return {Difference(kind): number for kind, number in cursor.fetchall()}


def differences() -> Iterator[list[tuple[Difference, str, int | None]]]:
    """Kind, key and image id of the differences, in bounded steps."""
    last = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, kind, key, image_id FROM audit_difference WHERE id > %s ORDER BY id LIMIT %s", [last, STEP]
            )
            rows = cursor.fetchall()
        if not rows:
            return
        last = rows[-1][0]
        yield [(Difference(kind), key, image_id) for _, kind, key, image_id in rows]


def _unowned(folder: str, owned: str) -> str:
    # Not LIKE: the underscore and the percent sign of a key would be wildcards.
    return f"""
        SELECT key, NULL::bigint FROM audit_blob blob
        WHERE starts_with(key, '{folder}/')
          AND NOT EXISTS (SELECT FROM ({owned}) owned WHERE owned.key = blob.key)
          AND NOT EXISTS (SELECT FROM analysis_pendingblob pending WHERE pending.key = blob.key)
          AND NOT EXISTS (SELECT FROM analysis_upload upload WHERE upload.key = blob.key)
        ORDER BY key"""


_ORIGINALS = "SELECT key, id AS image_id FROM analysis_image WHERE bucket_id IS NULL"


def _rendition_keys(names: Iterable[str]) -> str:
    return " UNION ALL ".join(
        f"""SELECT {_RENDITION.format(name=name, extension=blobs.EXTENSIONS[name])} AS key, id AS image_id
        FROM (SELECT id, replace(renditions_id::text, '-', '') AS hex FROM analysis_image) named"""
        for name in names
    )


_RENDITIONS = _rendition_keys(blobs.RENDITIONS)
_OWNED_RENDITIONS = _rendition_keys([*blobs.RENDITIONS, *blobs.ON_DEMAND])
_DIFFERENCES = {
    Difference.ORIGINAL_UNOWNED: _unowned("originals", _ORIGINALS),
    Difference.ORIGINAL_MISSING: f"""
        SELECT key, image_id FROM ({_ORIGINALS}) expected
        WHERE NOT EXISTS (SELECT FROM audit_blob blob WHERE blob.key = expected.key) ORDER BY image_id""",
    Difference.RENDITION_UNOWNED: _unowned("renditions", _OWNED_RENDITIONS),
    Difference.RENDITION_MISSING: f"""
        SELECT min(key), image_id FROM ({_RENDITIONS}) expected
        WHERE NOT EXISTS (SELECT FROM audit_blob blob WHERE blob.key = expected.key)
        GROUP BY image_id ORDER BY image_id""",
}
