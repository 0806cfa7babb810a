"""A pause of all deletions of stored files, for a backup."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connection, transaction

LOCK = 0x62_6C_6F_62_73  # "blobs", of PostgreSQL's advisory locks


@contextmanager
def allowed() -> Iterator[bool]:
    """True if files may be deleted within the block, for whose end a pause waits."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock_shared(%s)", [LOCK])
            is_allowed = bool(cursor.fetchone()[0])
        yield is_allowed


def pause(connection: psycopg.Connection) -> None:
    """Wait for deletions in progress, and block others until the connection ends."""
    connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
