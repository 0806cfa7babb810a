"""Results of a query: a page, a count, or all ids in steps."""

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
from analysis.search.database import fetch_all
from analysis.search.pagination import Cursor
from analysis.search.plans.planner import QueryPlan
from analysis.search.plans.query_parts import BUDGET
from analysis.search.query import Query, StateTerm, leaves
from analysis.search.resolve import resolve
from analysis.search.sql.expressions import Sql

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
    """One page of images in the order of the query.

    `moment` is the end of relative dates. `budget` is the number of index entries of the first scan.
    """
    plan = plan_for(query, viewer, moment, budget)
    rows = _rows(plan, after=after, limit=size + 1, columns=_COLUMNS)
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
    """The number of images, exact up to `cap`; `cap` + 1 means more."""
    plan = plan_for(query.sorted_by("newest"), viewer, moment, budget)
    number, statements = 0, plan.count_statements(cap=cap + 1)
    with suppress(StopIteration):
        while not plan.is_empty and number <= cap:
            [(number,)] = _fetch(statements.send(number or None))
    if plan.trash and number <= cap:
        number += int(_fetch(plan.trash.count_statement(cap=cap + 1 - number))[0][0])
    return number


def image_ids(query: Query, *, viewer: Viewer, limit: int) -> list[int]:
    """The ids of the first images."""
    return [image_id for image_id, _ in _rows(plan_for(query, viewer), after=None, limit=limit)]


def sort_keys(query: Query, *, viewer: Viewer, limit: int) -> list[Any]:
    """The sort keys of the first images."""
    return [key for _, key in _rows(plan_for(query, viewer), after=None, limit=limit)]


def iter_ids(query: Query, *, viewer: Viewer, step: int = STEP) -> Iterator[list[int]]:
    """All ids in steps, newest first; the images may change between steps."""
    steps = _steps(query, viewer=viewer, step=step)
    depends_on_others = any(leaf == StateTerm("duplicate") for part in query.parts for leaf in leaves(part))
    # Once its duplicates are in the trash, the last of them is no duplicate: read all ids before any image changes.
    yield from list(steps) if depends_on_others else steps


def ids_page(
    query: Query, *, viewer: Viewer, after: Cursor | None, size: int, moment: datetime
) -> tuple[list[int], Cursor | None]:
    """The next ids, newest first, and the cursor after them (None after the last).

    For jobs that take hours and continue from a stored cursor; `moment` is when they began.
    """
    rows = _rows(plan_for(query.sorted_by("newest"), viewer, moment), after=after, limit=size)
    return [image_id for image_id, _ in rows], Cursor(rows[-1][1], rows[-1][0]) if len(rows) == size else None


def _steps(query: Query, *, viewer: Viewer, step: int) -> Iterator[list[int]]:
    plan, after = plan_for(query.sorted_by("newest"), viewer), None
    while rows := _rows(plan, after=after, limit=step):
        yield [image_id for image_id, _ in rows]
        if len(rows) < step:
            return
        after = Cursor(rows[-1][1], rows[-1][0])


def cursor_of(image_id: int, query: Query, *, viewer: Viewer, is_before: bool = False) -> Cursor | None:
    """The position of an image in the order of a query, or just before it.

    None for the order by confidence, which images without the label have no position in, likewise for images that are
    not similar in the order by similarity, and for invisible images.
    """
    plan = plan_for(query, viewer)
    if plan.sort == "confidence":
        return None
    visible = Image.objects.visible_to(viewer).filter(pk=image_id)
    if not visible.exists():
        return None
    [(key,)] = _fetch(plan.key_of(image_id))
    if key is None:
        return None
    step = (-1 if plan.order.is_ascending else 1) if is_before else 0
    return Cursor(key, image_id + step)


def plan_for(query: Query, viewer: Viewer, moment: datetime | None = None, budget: int = BUDGET) -> QueryPlan:
    return QueryPlan(resolve(query, viewer=viewer, moment=moment or now()), budget=budget)


def _rows(plan: QueryPlan, *, after: Cursor | None, limit: int, columns: str = "") -> list[Any]:
    """Rows of image id, sort key and these columns of `analysis_image i`."""
    rows: list[Any] = []
    # A cursor of another sort order, for example from an edited link.
    if after and not isinstance(after.key, plan.order.kind):
        after = None
    attempts = plan.attempts(after=after, limit=limit)
    with suppress(StopIteration):
        while not plan.is_empty and len(rows) < limit:
            statement, appends = attempts.send(rows or None)
            matches = _fetch(_with_columns(columns, statement, plan.order.direction))
            rows = [*rows, *matches] if appends else matches
    if plan.trash:
        merged = plan.trash.merged_with([row[0] for row in rows], after=after, limit=limit)
        return _fetch(_with_columns(columns, merged, plan.order.direction))
    return rows


def _with_columns(columns: str, statement: Sql, direction: str) -> Sql:
    """The statement joined with columns of the images."""
    if not columns:
        return statement
    # A statement of its own for the images would cost a third of a millisecond.
    text = f"""
        SELECT k.image_id, k.key, {columns} FROM ({statement.text}) k JOIN analysis_image i ON i.id = k.image_id
        ORDER BY k.key {direction}, k.image_id {direction}
    """  # noqa: S608
    return Sql(text, statement.values)


_NAMES = [field.attname for field in Image._meta.concrete_fields]
_COLUMNS = ", ".join(f'i."{field.column}"' for field in Image._meta.concrete_fields)


def _image(values: Iterable[tuple[str, Any]]) -> Image:
    # Model.from_db takes five times as long, since it also sends signals, which have no receivers here.
    image = Image.__new__(Image)
    image._state = ModelState()
    image._state.adding, image._state.db = False, DEFAULT_DB_ALIAS
    image.__dict__.update(values)
    return image


def _fetch(statement: Sql) -> list[Any]:
    return fetch_all(statement.text, statement.values)
