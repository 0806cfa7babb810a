"""Times, money and numbers with their nouns, as the staff's pages say them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

CENT = Decimal("0.01")


def lasting(span: timedelta | float | None) -> str:
    """40 seconds, 12 minutes, 56 hours, and never less than a second; empty for what is not known."""
    if span is None:
        return ""
    seconds = max(1, round(span.total_seconds() if isinstance(span, timedelta) else span))
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size:,} {unit}s"
    return many(seconds, "second")


def many(number: int, one: str, several: str = "") -> str:
    """A number with its noun."""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def dollars(amount: Decimal) -> str:
    """With cents; less than that is not nothing."""
    if 0 < amount < CENT:
        return "less than $0.01"
    return f"${amount:,.2f}"
