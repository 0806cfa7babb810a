"""A time limit for the searches of a page; background work has none."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _
from psycopg.errors import QueryCanceled

from analysis.search.errors import InvalidQuery

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


class SearchTooSlow(InvalidQuery):
    def __init__(self) -> None:
        super().__init__(_("This search takes too long. Use fewer terms, or add a label or a date."), column=1)


@contextmanager
def time_limit() -> Iterator[None]:
    """Stop statements after SEARCH_SECONDS (0: never). Raises SearchTooSlow."""
    seconds = settings.SEARCH_SECONDS
    if not seconds or _deadline.get() is not None:
        yield
        return
    is_nested = connection.in_atomic_block
    token = _deadline.set(time.monotonic() + seconds)
    try:
        # SET LOCAL ends with the transaction, so the limit never reaches another client of PgBouncer.
        with transaction.atomic(savepoint=False):
            _set_statement_timeout(f"{max(1, round(seconds * 1000))}")  # PostgreSQL reads 0 as no limit
            yield
            if is_nested:
                _set_statement_timeout("DEFAULT")
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise SearchTooSlow from error
        raise
    finally:
        _deadline.reset(token)


def check_deadline() -> None:
    """Raises SearchTooSlow if the time of the enclosing `time_limit` is up."""
    deadline = _deadline.get()
    if deadline is not None and time.monotonic() > deadline:
        raise SearchTooSlow


def _set_statement_timeout(value: str) -> None:
    # Through psycopg itself: Django would count it among the queries of the page.
    connection.ensure_connection()
    connection.connection.execute(f"SET LOCAL statement_timeout = {value}")
