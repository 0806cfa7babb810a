"""A time limit for the searches of a page; background work has none."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings
from django.db import OperationalError, transaction
from django.utils.translation import gettext as _
from psycopg.errors import QueryCanceled

from analysis.search.connection import search_alias, search_connection
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
    is_nested = search_connection().in_atomic_block
    token = _deadline.set(time.monotonic() + seconds)
    try:
        # SET LOCAL ends with the transaction, so the limit never reaches another client of PgBouncer.
        with transaction.atomic(using=search_alias(), savepoint=False):
            _set_statement_timeout(_milliseconds(seconds))
            yield
            if is_nested:
                # The limit would otherwise last until the enclosing transaction ends.
                _set_statement_timeout("DEFAULT")
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise SearchTooSlow from error
        raise
    finally:
        _deadline.reset(token)


class TimeBudget:
    """Time that a page may spend on optional counts."""

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds

    @contextmanager
    def part(self) -> Iterator[None]:
        """Stop statements when the time is up. Raises SearchTooSlow.

        The transaction of an enclosing `time_limit` remains usable.
        """
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise SearchTooSlow
        outer = _deadline.get()
        token = _deadline.set(min(self._deadline, outer or self._deadline))
        try:
            with transaction.atomic(using=search_alias()):
                _set_statement_timeout(_milliseconds(remaining))
                yield
                # After an error, the savepoint restores it.
                _set_statement_timeout("DEFAULT" if outer is None else _milliseconds(settings.SEARCH_SECONDS))
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


def _milliseconds(seconds: float) -> str:
    return f"{max(1, round(seconds * 1000))}"  # PostgreSQL reads 0 as no limit


def _set_statement_timeout(value: str) -> None:
    # Through psycopg itself: Django would count it among the queries of the page.
    connection = search_connection()
    connection.ensure_connection()
    connection.connection.execute(f"SET LOCAL statement_timeout = {value}")
