"""The table of embeddings, which needs the PostgreSQL extension pgvector.

It contains derived rows only. Without the extension there is no table, and everything but similarity works.
"""

from __future__ import annotations

import logging
from enum import Enum, auto

from django.db import DatabaseError, connection, transaction

from analysis.models import ImageEmbedding

logger = logging.getLogger(__name__)

TABLE = ImageEmbedding._meta.db_table
MIN_VERSION = (0, 8)
"""The first pgvector whose index scans continue until enough rows pass a filter (hnsw.iterative_scan)."""


class PgvectorStatus(Enum):
    """State of the extension and the table."""

    READY = auto()
    MISSING = auto()  # not installed on the server
    OLD = auto()
    NOT_CREATED = auto()  # installed, but only a superuser may create it in this database
    HIDDEN = auto()  # in a schema outside the search_path
    NO_TABLE = auto()


def exists() -> bool:
    """True if the table exists."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [TABLE])
        return bool(cursor.fetchone()[0])


def status() -> PgvectorStatus:
    """Check the extension and the table."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT default_version, installed_version, to_regclass(%s) IS NOT NULL, to_regtype('halfvec') IS NULL
               FROM pg_available_extensions WHERE name = 'vector'""",
            [TABLE],
        )
        row = cursor.fetchone()
    if row is None:
        return PgvectorStatus.MISSING
    available, installed, has_table, is_hidden = row
    if _parsed(installed or available) < MIN_VERSION:
        return PgvectorStatus.OLD
    if has_table:
        return PgvectorStatus.READY
    if not installed:
        return PgvectorStatus.NOT_CREATED
    return PgvectorStatus.HIDDEN if is_hidden else PgvectorStatus.NO_TABLE


def create() -> PgvectorStatus:
    """Create the extension and the table, unless they exist or the server forbids it."""
    before = status()
    if before not in {PgvectorStatus.NOT_CREATED, PgvectorStatus.NO_TABLE}:
        return before
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            # pgvector is not a trusted extension: the owner of the database may not create it.
            cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")
    except DatabaseError as error:
        logger.warning("The pgvector extension cannot be created: %s", error)
        return PgvectorStatus.NOT_CREATED
    with connection.schema_editor() as editor:
        editor.create_model(ImageEmbedding)
        editor.execute(
            f"ALTER TABLE {TABLE} ADD FOREIGN KEY (image_id) REFERENCES analysis_image (id) ON DELETE CASCADE"
        )
    return PgvectorStatus.READY


def _parsed(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split(".") if number.isdecimal())
