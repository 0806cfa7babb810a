"""Rows and indexes PostgreSQL reads for a statement."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.db import connection


def rows_read(statement: str, values: Any = None) -> int:
    """The maximum number of rows read by a step, including filtered rows."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values)
        [[plan]] = cursor.fetchone()
    if isinstance(plan, str):
        [plan] = json.loads(plan)
    return max(_rows(plan["Plan"]))


def _rows(step: dict[str, Any]) -> Iterator[int]:
    yield step["Actual Loops"] * (step["Actual Rows"] + step.get("Rows Removed by Filter", 0))
    for inner in step.get("Plans", []):
        yield from _rows(inner)
