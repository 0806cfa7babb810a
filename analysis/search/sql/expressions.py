"""Statements as values, and their rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connection
from psycopg.pq import Format

from analysis.search.time_limit import check_deadline


@dataclass(frozen=True)
class Sql:
    """`own`: the same with the same values, where the picture's own columns are at hand."""

    text: str
    values: tuple[Any, ...] = ()
    own: str = ""

    @property
    def at_hand(self) -> Sql:
        return Sql(self.own or self.text, self.values)


TRUE, FALSE = Sql("true"), Sql("false")


def all_of(conditions: Iterable[Sql]) -> Sql:
    return joined(" AND ", conditions)


def any_of(conditions: Iterable[Sql]) -> Sql:
    return joined(" OR ", conditions)


def negated(inner: Sql) -> Sql:
    return Sql(f"NOT ({inner.text})", inner.values, f"NOT ({inner.at_hand.text})")


def joined(word: str, conditions: Iterable[Sql]) -> Sql:
    several = list(conditions)
    if not several:
        return TRUE
    texts = ([each.text for each in several], [each.at_hand.text for each in several])
    text, own = (word.join(f"({each})" for each in side) for side in texts)
    return Sql(text, tuple(value for each in several for value in each.values), own)


def counting(hits: Sql) -> Sql:
    return Sql(f"SELECT count(*) FROM ({hits.text}) hits", hits.values)  # noqa: S608


def fetch_all(text: str, values: Iterable[Any] = ()) -> list[Any]:
    """Rows in the server's own format, of a statement that it keeps prepared once it was asked a few times.

    Django's cursors send texts to be parsed and planned anew, and read each moment by a regular expression: for a page
    of sixty pictures that is two thirds of the time.
    """
    check_deadline()
    connection.ensure_connection()
    bound = psycopg.Cursor(connection.connection)
    bound.format = Format.BINARY
    with connection._prepare_cursor(bound) as cursor:  # type: ignore[attr-defined] # counted and logged like any other
        cursor.execute(text, list(values))
        rows: list[Any] = cursor.fetchall()
    return rows
