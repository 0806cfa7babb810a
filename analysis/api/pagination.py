"""Cursors of the API's lists: opaque, signed, and bound to their list."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from django.core import signing
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _
from ninja import Query

from analysis.api.errors import ApiError

SALT = "api cursor"
MAX_LIMIT = 200
CursorParam = Annotated[
    str, Query("", max_length=2_000, description="`next` of the previous page; empty for the first.")
]
LimitParam = Annotated[int, Query(50, ge=1, le=MAX_LIMIT, description="Entries per page.")]
Row = TypeVar("Row", bound=Model)


def encode(position: str | int, *, of: str) -> str:
    """The cursor of a position in the list `of`."""
    # Signed, so that callers cannot build cursors and their format can change.
    return signing.dumps([position, _digest(of)], salt=SALT)


def decode(cursor: str, *, of: str) -> Any:
    """The position in a cursor, None for an empty one.

    Raises ApiError for a cursor that was changed or belongs to another list.
    """
    if not cursor:
        return None
    try:
        position, list_of = signing.loads(cursor, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        raise ApiError(422, _("The cursor is invalid. Start again without one."), field="cursor") from None
    if list_of != _digest(of):
        raise ApiError(422, _("The cursor belongs to another list. Start again without one."), field="cursor")
    return position


def _digest(of: str) -> str:
    """The list's name in few letters, since it may be a search of thousands."""
    return hashlib.sha256(of.encode()).hexdigest()[:16]


def page_by_id(rows: QuerySet[Row], *, cursor: str, limit: int, of: str) -> tuple[Sequence[Row], str]:
    """A page of rows, the newest id first, and the next cursor; "" on the last page."""
    before = decode(cursor, of=of)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    # By id instead of offset, so that new rows do not shift pages, and page 1,000 is as fast as page 1.
    items = list(rows.order_by("-pk")[: limit + 1])
    page = items[:limit]
    return page, encode(page[-1].pk, of=of) if len(items) > limit else ""
