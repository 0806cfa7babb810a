"""Execution of a search's SQL."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg.pq import Format

from analysis.search.connection import search_connection
from analysis.search.time_limit import check_deadline


def fetch_all(text: str, values: Iterable[Any] = ()) -> list[Any]:
    """All rows of a statement with `%s` placeholders. Raises SearchTooSlow."""
    # Django's cursors bind parameters on the client, so that PostgreSQL parses and plans every statement again, and
    # read each timestamp from text. Server-side parameters and binary rows save two thirds of the time for a page of 60
    # images.
    check_deadline()
    connection = search_connection()
    connection.ensure_connection()
    cursor = psycopg.Cursor(connection.connection)
    cursor.format = Format.BINARY
    # _prepare_cursor wraps a cursor as connection.cursor() does, so that queries are counted and logged.
    with connection._prepare_cursor(cursor) as wrapped:
        wrapped.execute(text, list(values))
        rows: list[Any] = wrapped.fetchall()
    return rows
