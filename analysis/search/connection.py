"""The database that searches read: the primary one, or a replica."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

_alias: ContextVar[str] = ContextVar("alias", default=DEFAULT_DB_ALIAS)


def search_alias() -> str:
    """The database alias for `using`."""
    return _alias.get()


def search_connection() -> Any:
    """Django's connection; Any, since not all backends have what searches use."""
    return connections[_alias.get()]


@contextmanager
def searching_in(alias: str) -> Iterator[None]:
    """Run searches in this database; all other queries use the primary one."""
    token = _alias.set(alias)
    try:
        yield
    finally:
        _alias.reset(token)
