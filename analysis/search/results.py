"""A query's pictures: page by page, counted, gone through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models.base import ModelState
from django.utils.timezone import now

from analysis.models import Image, Viewer
from analysis.search.pagination import Cursor
from analysis.search.query import Query, StateTerm, leaves
from analysis.search.resolve import resolve
from analysis.search.sql.expressions import Sql, fetch_all
from analysis.search.sql.planner import QueryPlan
from analysis.search.sql.statements import BUDGET

PAGE_SIZE = 60
COUNT_CAP = 10_000
STEP = 1_000


@dataclass(frozen=True)
class Page:
    images: list[Image]
    next: Cursor | None


def page(
    query: Query,
    *,
    viewer: Viewer,
    after: Cursor | None = None,
    size: int = PAGE_SIZE,
    moment: datetime | None = None,
    budget: int = BUDGET,
) -> Page:
    """One page of pictures in the query's order; `moment` is what "the last 7 days" end with.

    `budget`: how far the first walk goes before the pictures are looked for in another way.
    """
    plan = plan_for(query, viewer, moment, budget)
    rows = _found(plan, after=after, limit=size + 1, columns=_COLUMNS)
    images = [_image(zip(_NAMES, row[2:], strict=True)) for row in rows[:size]]
    return Page(images, Cursor(rows[size - 1][1], rows[size - 1][0]) if len(rows) > size else None)


def count(
    query: Query,
    *,
    viewer: Viewer,
    cap: int = COUNT_CAP,
    moment: datetime | None = None,
    budget: int = BUDGET,
) -> int:
    """How many pictures, exact up to `cap`; one more than it means more."""
    plan = plan_for(query.sorted_by("newest"), viewer, moment, budget)
    found, statements = 0, plan.counted(cap=cap + 1)
    with suppress(StopIteration):
        while not plan.is_empty and found <= cap:
            [(found,)] = _fetched(statements.send(found or None))
    if plan.trash and found <= cap:
        found += int(_fetched(plan.trash.counted(cap=cap + 1 - found))[0][0])
    return found


def image_ids(query: Query, *, viewer: Viewer, limit: int) -> list[int]:
    """The first pictures' ids, for what is computed over a result."""
    return [image_id for image_id, _ in _found(plan_for(query, viewer), after=None, limit=limit)]


def sort_keys(query: Query, *, viewer: Viewer, limit: int) -> list[Any]:
    """What the first pictures are ordered by."""
    return [key for _, key in _found(plan_for(query, viewer), after=None, limit=limit)]


def iter_ids(query: Query, *, viewer: Viewer, step: int = STEP) -> Iterator[list[int]]:
    """All hits in bounded steps, newest first, for bulk work; what is done to them meanwhile loses none."""
    steps = _steps(query, viewer=viewer, step=step)
    depends_on_others = any(leaf == StateTerm("duplicate") for part in query.parts for leaf in leaves(part))
    # The last of like pictures is no duplicate once the others are in the trash: all are found before any is changed.
    yield from list(steps) if depends_on_others else steps


def ids_page(
    query: Query, *, viewer: Viewer, after: Cursor | None, size: int, moment: datetime
) -> tuple[list[int], Cursor | None]:
    """The next hits' ids, newest first, and the place to go on from; None when these were the last.

    For work that goes through a library over hours: what it needs to remember is a place and the moment it began.
    """
    keys = _found(plan_for(query.sorted_by("newest"), viewer, moment), after=after, limit=size)
    return [image_id for image_id, _ in keys], Cursor(keys[-1][1], keys[-1][0]) if len(keys) == size else None


def _steps(query: Query, *, viewer: Viewer, step: int) -> Iterator[list[int]]:
    plan, after = plan_for(query.sorted_by("newest"), viewer), None
    while keys := _found(plan, after=after, limit=step):
        yield [image_id for image_id, _ in keys]
        if len(keys) < step:
            return
        after = Cursor(keys[-1][1], keys[-1][0])


def cursor_of(image_id: int, query: Query, *, viewer: Viewer, is_before: bool = False) -> Cursor | None:
    """A picture's place in the order of a query, or the one just before it; None where the order gives it none."""
    plan = plan_for(query, viewer)
    if plan.sort == "confidence":
        return None
    visible = Image.objects.visible_to(viewer).filter(pk=image_id)
    if not visible.exists():
        return None
    [(key,)] = _fetched(Sql(f"SELECT {plan.order.key} FROM analysis_image i WHERE i.id = %s", (image_id,)))  # noqa: S608
    step = (-1 if plan.order.is_ascending else 1) if is_before else 0
    return Cursor(key, image_id + step)


def plan_for(query: Query, viewer: Viewer, moment: datetime | None = None, budget: int = BUDGET) -> QueryPlan:
    return QueryPlan(resolve(query, viewer=viewer, moment=moment or now()), budget=budget)


def _found(plan: QueryPlan, *, after: Cursor | None, limit: int, columns: str = "") -> list[Any]:
    """Rows of image id, key and these columns of `analysis_image i`, by the first statement that finds enough."""
    rows: list[Any] = []
    if after and not isinstance(after.key, plan.order.kind):
        after = None
    attempts = plan.attempts(after=after, limit=limit)
    with suppress(StopIteration):
        while not plan.is_empty and len(rows) < limit:
            statement, adds = attempts.send(rows or None)
            found = _fetched(_with(columns, statement, plan.order.direction) if columns else statement)
            rows = [*rows, *found] if adds else found
    if plan.trash:
        both = plan.trash.with_others([row[0] for row in rows], after=after, limit=limit)
        return _fetched(_with(columns, both, plan.order.direction) if columns else both)
    return rows


def _with(columns: str, found: Sql, direction: str) -> Sql:
    """The pictures' rows in the same statement: each further one costs a third of a millisecond."""
    text = f"""
        SELECT k.image_id, k.key, {columns} FROM ({found.text}) k JOIN analysis_image i ON i.id = k.image_id
        ORDER BY k.key {direction}, k.image_id {direction}
    """  # noqa: S608
    return Sql(text, found.values)


_NAMES = [field.attname for field in Image._meta.concrete_fields]
_COLUMNS = ", ".join(f'i."{field.column}"' for field in Image._meta.concrete_fields)


def _image(values: Iterable[tuple[str, Any]]) -> Image:
    """As Model.from_db makes it, at a fifth of the time: nothing listens to the making of pictures."""
    image = Image.__new__(Image)
    image._state = ModelState()
    image._state.adding, image._state.db = False, DEFAULT_DB_ALIAS
    image.__dict__.update(values)
    return image


def _fetched(statement: Sql) -> list[Any]:
    return fetch_all(statement.text, statement.values)
