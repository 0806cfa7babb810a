"""The storage's keys beside the rows, in temporary tables: the database compares, however many there are."""

from __future__ import annotations

from collections.abc import Iterator
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
    """Of what kind, in the order in which they are gone through: what is found again may end what is missing."""

    ORIGINAL_UNOWNED = "original without a picture"
    ORIGINAL_MISSING = "picture without its original"
    RENDITION_UNOWNED = "rendition without a picture"
    RENDITION_MISSING = "picture without a rendition"


@contextmanager
def listed() -> Iterator[Iterator[int]]:
    """While the block runs there is a list of what is stored; yields, as it is read, how many keys more there are.

    Raises blobs.StorageFailed.
    """
    with connection.cursor() as cursor:
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
    """Note down what differs between the list and the rows as they are now; how many of each kind."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX ON audit_blob (key); ANALYZE audit_blob")
        for kind, query in _DIFFERENCES.items():
            noted = f"INSERT INTO audit_difference (kind, key, image_id) SELECT %s, * FROM ({query}) found"  # noqa: S608
            cursor.execute(noted, [kind])
        cursor.execute("SELECT kind, count(*) FROM audit_difference GROUP BY kind")
        return {Difference(kind): number for kind, number in cursor.fetchall()}


def differences() -> Iterator[list[tuple[Difference, str, int | None]]]:
    """Kind, key and picture of each, in bounded steps."""
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
    return f"""
        SELECT key, NULL::bigint FROM audit_blob blob
        WHERE starts_with(key, '{folder}/')
          AND NOT EXISTS (SELECT FROM ({owned}) owned WHERE owned.key = blob.key)
          AND NOT EXISTS (SELECT FROM analysis_pendingblob announced WHERE announced.key = blob.key)
          AND NOT EXISTS (SELECT FROM analysis_upload ticket WHERE ticket.key = blob.key)
        ORDER BY key"""  # noqa: S608


_ORIGINALS = "SELECT key, id AS image_id FROM analysis_image WHERE bucket_id IS NULL"
_RENDITIONS = " UNION ALL ".join(
    f"""SELECT {_RENDITION.format(name=name, extension=kind.removeprefix("image/"))} AS key, id AS image_id
    FROM (SELECT id, replace(renditions_id::text, '-', '') AS hex FROM analysis_image) named"""  # noqa: S608
    for name, kind in blobs.RENDITIONS.items()
)
_DIFFERENCES = {
    Difference.ORIGINAL_UNOWNED: _unowned("originals", _ORIGINALS),
    Difference.ORIGINAL_MISSING: f"""
        SELECT key, image_id FROM ({_ORIGINALS}) wanted
        WHERE NOT EXISTS (SELECT FROM audit_blob blob WHERE blob.key = wanted.key) ORDER BY image_id""",  # noqa: S608
    Difference.RENDITION_UNOWNED: _unowned("renditions", _RENDITIONS),
    Difference.RENDITION_MISSING: f"""
        SELECT min(key), image_id FROM ({_RENDITIONS}) wanted
        WHERE NOT EXISTS (SELECT FROM audit_blob blob WHERE blob.key = wanted.key)
        GROUP BY image_id ORDER BY image_id""",  # noqa: S608
}
