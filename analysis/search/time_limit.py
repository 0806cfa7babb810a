"""A limit to the time that the database takes for a search somebody waits for. Work in the background has none."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _
from psycopg.errors import QueryCanceled

from analysis.search.syntax.ranges import InvalidQuery

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


class SearchTooSlow(InvalidQuery):
    """The database did not find the pictures in time."""

    def __init__(self) -> None:
        super().__init__(_("This search takes too long. Use fewer terms, or narrow it by a label or a date."), column=1)


@contextmanager
def time_limit() -> Iterator[None]:
    """Statements within end after SEARCH_SECONDS, and none begins after that. Raises SearchTooSlow.

    In a transaction, so that the limit is the connection's for as long as that lasts, behind a PgBouncer as well.
    """
    seconds = settings.SEARCH_SECONDS
    if not seconds or _deadline.get() is not None:
        yield
        return
    is_within_another = connection.in_atomic_block
    token = _deadline.set(time.monotonic() + seconds)
    try:
        with transaction.atomic(savepoint=False):
            _set_statement_timeout(f"{max(1, round(seconds * 1000))}")  # 0 would be none
            yield
            if is_within_another:
                _set_statement_timeout("DEFAULT")
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise SearchTooSlow from error
        raise
    finally:
        _deadline.reset(token)


def check_deadline() -> None:
    """Called before each statement of a search. Raises SearchTooSlow."""
    deadline = _deadline.get()
    if deadline is not None and time.monotonic() > deadline:
        raise SearchTooSlow


def _set_statement_timeout(value: str) -> None:
    """By psycopg itself: it is no query of a page's, and those are counted."""
    connection.ensure_connection()
    connection.connection.execute(f"SET LOCAL statement_timeout = {value}")
