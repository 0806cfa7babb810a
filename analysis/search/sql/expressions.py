"""SQL conditions with their parameters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Sql:
    """SQL with `%s` placeholders and their values.

    `inline_text` is the same condition, with the same values, for rows that have the image's own columns.
    """

    text: str
    values: tuple[Any, ...] = ()
    inline_text: str = ""

    @property
    def inline(self) -> Sql:
        return Sql(self.inline_text or self.text, self.values)


TRUE, FALSE = Sql("true"), Sql("false")


def all_of(conditions: Iterable[Sql]) -> Sql:
    return joined(" AND ", conditions)


def any_of(conditions: Iterable[Sql]) -> Sql:
    return joined(" OR ", conditions)


def negated(condition: Sql) -> Sql:
    return Sql(f"NOT ({condition.text})", condition.values, f"NOT ({condition.inline.text})")


def joined(operator: str, conditions: Iterable[Sql]) -> Sql:
    """The conditions in parentheses with an operator between them; true for none."""
    parts = list(conditions)
    if not parts:
        return TRUE
    text = operator.join(f"({part.text})" for part in parts)
    inline_text = operator.join(f"({part.inline.text})" for part in parts)
    return Sql(text, tuple(value for part in parts for value in part.values), inline_text)


def counting(hits: Sql) -> Sql:
    return Sql(f"SELECT count(*) FROM ({hits.text}) hits", hits.values)
