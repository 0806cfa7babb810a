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

from analysis.models import Audience, Image
from analysis.search.meaning import meaning_of
from analysis.search.places import Place
from analysis.search.plan import Plan
from analysis.search.sql import Sql, fetched
from analysis.search.statements import BUDGET
from analysis.search.tree import Is, Query, leaves

PAGE_SIZE = 60
COUNT_CAP = 10_000
STEP = 1_000


@dataclass(frozen=True)
class Page:
    images: list[Image]
    next: Place | None


def page(
    query: Query,
    *,
    audience: Audience,
    after: Place | None = None,
    size: int = PAGE_SIZE,
    moment: datetime | None = None,
    budget: int = BUDGET,
) -> Page:
    """One page of pictures in the query's order; `moment` is what "the last 7 days" end with.

    `budget`: how far the first walk goes before the pictures are looked for in another way.
    """
    plan = plan_of(query, audience, moment, budget)
    rows = _found(plan, after=after, limit=size + 1, columns=_COLUMNS)
    images = [_image(zip(_NAMES, row[2:], strict=True)) for row in rows[:size]]
    return Page(images, Place(rows[size - 1][1], rows[size - 1][0]) if len(rows) > size else None)


def count(
    query: Query,
    *,
    audience: Audience,
    cap: int = COUNT_CAP,
    moment: datetime | None = None,
    budget: int = BUDGET,
) -> int:
    """How many pictures, exact up to `cap`; one more than it means more."""
    plan = plan_of(query.sorted_by("newest"), audience, moment, budget)
    found, statements = 0, plan.counted(cap=cap + 1)
    with suppress(StopIteration):
        while not plan.is_empty and found <= cap:
            [(found,)] = _fetched(statements.send(found or None))
    if plan.trash and found <= cap:
        found += int(_fetched(plan.trash.counted(cap=cap + 1 - found))[0][0])
    return found


def image_ids(query: Query, *, audience: Audience, limit: int) -> list[int]:
    """The first pictures' ids, for what is computed over a result."""
    return [image_id for image_id, _ in _found(plan_of(query, audience), after=None, limit=limit)]


def keys(query: Query, *, audience: Audience, limit: int) -> list[Any]:
    """What the first pictures are ordered by."""
    return [key for _, key in _found(plan_of(query, audience), after=None, limit=limit)]


def every_id(query: Query, *, audience: Audience, step: int = STEP) -> Iterator[list[int]]:
    """All hits in bounded steps, newest first, for bulk work; what is done to them meanwhile loses none."""
    steps = _steps(query, audience=audience, step=step)
    depends_on_others = any(leaf == Is("duplicate") for part in query.parts for leaf in leaves(part))
    # The last of like pictures is no duplicate once the others are in the trash: all are found before any is changed.
    yield from list(steps) if depends_on_others else steps


def step(
    query: Query, *, audience: Audience, after: Place | None, size: int, moment: datetime
) -> tuple[list[int], Place | None]:
    """The next hits' ids, newest first, and the place to go on from; None when these were the last.

    For work that goes through a library over hours: what it needs to remember is a place and the moment it began.
    """
    keys = _found(plan_of(query.sorted_by("newest"), audience, moment), after=after, limit=size)
    return [image_id for image_id, _ in keys], Place(keys[-1][1], keys[-1][0]) if len(keys) == size else None


def _steps(query: Query, *, audience: Audience, step: int) -> Iterator[list[int]]:
    plan, after = plan_of(query.sorted_by("newest"), audience), None
    while keys := _found(plan, after=after, limit=step):
        yield [image_id for image_id, _ in keys]
        if len(keys) < step:
            return
        after = Place(keys[-1][1], keys[-1][0])


def place_of(image_id: int, query: Query, *, audience: Audience, is_before: bool = False) -> Place | None:
    """A picture's place in the order of a query, or the one just before it; None where the order gives it none."""
    plan = plan_of(query, audience)
    if plan.sort == "confidence":
        return None
    visible = Image.objects.visible_to(audience).filter(pk=image_id)
    if not visible.exists():
        return None
    [(key,)] = _fetched(Sql(f"SELECT {plan.order.key} FROM analysis_image i WHERE i.id = %s", (image_id,)))  # noqa: S608
    step = (-1 if plan.order.is_ascending else 1) if is_before else 0
    return Place(key, image_id + step)


def plan_of(query: Query, audience: Audience, moment: datetime | None = None, budget: int = BUDGET) -> Plan:
    return Plan(meaning_of(query, audience=audience, moment=moment or now()), budget=budget)


def _found(plan: Plan, *, after: Place | None, limit: int, columns: str = "") -> list[Any]:
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
    return fetched(statement.text, statement.values)
