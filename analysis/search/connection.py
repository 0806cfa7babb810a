"""The database that searches read: the primary one, or a replica."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

_alias: ContextVar[str] = ContextVar("alias", default=DEFAULT_DB_ALIAS)


def search_alias() -> str:
    """The alias for `using`."""
    return _alias.get()


def search_connection() -> Any:
    """Django's connection; Any, as only PostgreSQL's has what searches use."""
    return connections[_alias.get()]


@contextmanager
def searching_in(alias: str) -> Iterator[None]:
    """Search in this database; everything else stays in the primary one."""
    token = _alias.set(alias)
    try:
        yield
    finally:
        _alias.reset(token)
