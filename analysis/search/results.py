"""Results of a query: a page, a count, or all ids in steps."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS
from django.db.models.base import ModelState
from django.utils.timezone import now

from analysis.metrics.counters import timed_search
from analysis.models import Image, Viewer
from analysis.search.connection import search_alias
from analysis.search.database import fetch_all
from analysis.search.pagination import PAGE_SIZE, Cursor
from analysis.search.plans.costs import BUDGET
from analysis.search.plans.execution import QueryPlan
from analysis.search.plans.statements import Scan, fetch_candidates
from analysis.search.query import Query, StateTerm, leaves
from analysis.search.resolve import NamedLabels, ResolvedQuery, resolve
from analysis.search.sql.expressions import Sql
from analysis.search.terms.base import Candidates

COUNT_CAP = 10_000
STEP = 1_000


class Columns(NamedTuple):
    """Columns of `analysis_image i`, and the fields of Image for their values."""

    names: list[str]
    sql: str


@dataclass(frozen=True)
class Page:
    images: list[Image]
    next: Cursor | None
    following: list[Image] = field(default_factory=list)
    """The first images of the next page."""


class Search:
    """A query of one viewer, resolved once for its page, count and facets."""

    def __init__(
        self,
        query: Query,
        viewer: Viewer,
        *,
        moment: datetime | None = None,
        budget: int = BUDGET,
        names: NamedLabels | None = None,
    ) -> None:
        """`moment`: the end of relative dates; `budget`: entries of the first trial.

        `names`: as in `resolve`.
        """
        self.query, self.viewer = query, viewer
        self._moment, self._budget, self._names = moment, budget, names

    @cached_property
    def resolved(self) -> ResolvedQuery:
        """The query as it is searched, with the labels that its words stand for."""
        return resolve(self.query, viewer=self.viewer, moment=self._moment or now(), names=self._names)

    @cached_property
    def plan(self) -> QueryPlan:
        return QueryPlan(self.resolved, budget=self._budget)

    def page(
        self, *, after: Cursor | None = None, size: int = PAGE_SIZE, following: int = 1, columns: Columns | None = None
    ) -> Page:
        """One page of images in the query's order, and `following` ones of the next page.

        `columns`: those to read, by default CARD_COLUMNS; each other one that is used costs a query.
        """
        columns = columns or CARD_COLUMNS
        with timed_search("page"):
            rows = self.plan.rows(after=after, limit=size + following, columns=columns.sql)
        images = [_image(zip(columns.names, row[2:], strict=True)) for row in rows]
        return Page(images[:size], _cursor(rows[size - 1]) if len(rows) > size else None, images[size:])

    def page_until(self, end: Cursor, *, size: int = PAGE_SIZE) -> tuple[Cursor | None, int]:
        """The cursor before the page that ends at a cursor, and the page's size.

        The cursor is None for the first page.
        """
        # The image at the cursor is the last one of the page.
        beyond = Cursor(end.key, end.image_id + (1 if self.plan.ordering.is_ascending else -1))
        with timed_search("page"):
            rows = self.keys(after=beyond, limit=size + 1, is_backward=True)
        return _cursor(rows[size]) if len(rows) > size else None, min(len(rows), size)

    def count(self, *, cap: int = COUNT_CAP) -> int:
        """The number of images, exact up to `cap`; `cap` + 1 means more."""
        with timed_search("count"):
            return self.plan.count(cap=cap + 1)

    def keys(self, *, limit: int, after: Cursor | None = None, is_backward: bool = False) -> list[tuple[int, Any]]:
        """The ids and sort keys of the first images after a cursor.

        `is_backward`: of those before the cursor, the nearest first.
        """
        return [(row[0], row[1]) for row in self.plan.rows(after=after, limit=limit, is_backward=is_backward)]

    def image_ids(self, *, limit: int) -> list[int]:
        """The ids of the first images."""
        return [image_id for image_id, _ in self.keys(limit=limit)]

    def matching(self, image_ids: Collection[int]) -> set[int]:
        """The images, of those given, that match and are not in the trash."""
        if self.plan.is_empty or not image_ids:
            return set()
        candidates = Candidates(Sql("SELECT unnest(%s::bigint[]) AS image_id", (list(image_ids),)))
        statement = fetch_candidates(self.plan.parts, Scan(limit=len(image_ids)), candidates)
        return {row[0] for row in fetch_all(statement.text, statement.values)}

    def cursor_of(self, image_id: int, *, is_before: bool = False) -> Cursor | None:
        """The position of an image in the order of the query, or just before it.

        None for invisible images, and for the orders by confidence and similarity, in which not all images have a
        position.
        """
        ordering = self.plan.ordering
        visible = Image.objects.using(search_alias()).visible_to(self.viewer)
        if not ordering.key or not visible.filter(pk=image_id).exists():
            return None
        [(key,)] = fetch_all(f"SELECT {ordering.key} FROM analysis_image i WHERE i.id = %s", (image_id,))
        # Ids break ties, so the position just before the image has the adjacent id.
        step = (-1 if ordering.is_ascending else 1) if is_before else 0
        return Cursor(key, image_id + step)


def page(
    query: Query,
    *,
    viewer: Viewer,
    after: Cursor | None = None,
    size: int = PAGE_SIZE,
    moment: datetime | None = None,
    budget: int = BUDGET,
) -> Page:
    """One page of images in the order of the query."""
    return Search(query, viewer, moment=moment, budget=budget).page(after=after, size=size)


def count(
    query: Query,
    *,
    viewer: Viewer,
    cap: int = COUNT_CAP,
    moment: datetime | None = None,
    budget: int = BUDGET,
) -> int:
    """The number of images, exact up to `cap`; `cap` + 1 means more."""
    return Search(query, viewer, moment=moment, budget=budget).count(cap=cap)


def image_ids(query: Query, *, viewer: Viewer, limit: int) -> list[int]:
    """The ids of the first images."""
    return Search(query, viewer).image_ids(limit=limit)


def images_by_id(ids: Collection[int]) -> dict[int, Image]:
    """The existing images with these ids, regardless of visibility."""
    rows = fetch_all(f"SELECT {ALL_COLUMNS.sql} FROM analysis_image i WHERE i.id = ANY(%s)", [list(ids)])
    return {image.pk: image for image in (_image(zip(ALL_COLUMNS.names, row, strict=True)) for row in rows)}


def iter_ids(query: Query, *, viewer: Viewer, step: int = STEP) -> Iterator[list[int]]:
    """All ids in steps, newest first; the images may change between steps."""
    steps = _steps(query, viewer=viewer, step=step)
    depends_on_others = any(leaf == StateTerm("duplicate") for part in query.parts for leaf in leaves(part))
    # All ids are read before any image changes: moving duplicates to the trash makes the last one of them no duplicate.
    yield from list(steps) if depends_on_others else steps


def ids_page(
    query: Query, *, viewer: Viewer, after: Cursor | None, size: int, moment: datetime
) -> tuple[list[int], Cursor | None]:
    """The next ids, newest first, and the cursor after them (None after the last).

    For jobs that take hours and continue from a stored cursor. `moment`: the start of the job.
    """
    keys = Search(query.sorted_by("newest"), viewer, moment=moment).keys(limit=size, after=after)
    return [image_id for image_id, _ in keys], _cursor(keys[-1]) if len(keys) == size else None


def _steps(query: Query, *, viewer: Viewer, step: int) -> Iterator[list[int]]:
    # By the date added, which never changes: a job that changes other dates gets no image twice.
    search, after = Search(query.sorted_by("newest"), viewer), None
    while keys := search.keys(limit=step, after=after):
        yield [image_id for image_id, _ in keys]
        if len(keys) < step:
            return
        after = _cursor(keys[-1])


def _cursor(row: tuple[Any, ...]) -> Cursor:
    return Cursor(row[1], row[0])


def _columns(*, without: Collection[str] = ()) -> Columns:
    fields = [field for field in Image._meta.concrete_fields if field.name not in without]
    return Columns([field.attname for field in fields], ", ".join(f'i."{field.column}"' for field in fields))


ALL_COLUMNS = _columns()
CARD_COLUMNS = _columns(
    without={
        *("bucket", "key", "version_id", "etag", "sequencer", "original_replaced_at", "sha256", "public_id"),
        *("phash", "phash_chunks", "signature", "file_values", "description", "creator", "copyright", "place", "city"),
        *("camera_make", "camera_model", "lens", "exposure", "aperture", "iso", "focal_length"),
        *("exposure_seconds", "f_number", "focal_millimeters", "latitude", "longitude"),
    }
)
"""What cards of images show: half of the columns, without the long texts."""


def _image(values: Iterable[tuple[str, Any]]) -> Image:
    # Model.from_db takes five times as long, since it sends signals, which have no receivers here.
    image = Image.__new__(Image)
    image._state = ModelState()
    image._state.adding, image._state.db = False, DEFAULT_DB_ALIAS
    image.__dict__.update(values)
    return image
