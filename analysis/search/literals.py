"""Values as they are written in a search: names, numbers, sizes and dates."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

BYTE_UNITS = {
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
    "": 1,
    "B": 1,
}
MAX_FRACTION = 10**9
QUOTES = "\u201c\u201d\u201e\u201f\u00ab\u00bb"
"""Curly and angle quotation marks, which the parser reads as straight ones."""
DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d"
"""Dashes, which the parser reads as a minus sign before a term."""
INVISIBLE = "\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"
"""Marks of direction and width, as a range of a regular expression, which the parser reads as spaces around words."""
UNQUOTED = re.compile(
    rf'(?!OR$|NOT$|AND$|\.\.)[^\s"()<>=:*{QUOTES}{DASHES}{INVISIBLE}-][^\s"()<>=:*{QUOTES}{INVISIBLE}]*'
)


def quoted(name: str) -> str:
    """A name as a word of a search, in quotes if the grammar needs them."""
    return name if UNQUOTED.fullmatch(name) else always_quoted(name)


def always_quoted(name: str) -> str:
    return '"{}"'.format(re.sub(r'(["\\])', r"\\\1", name))


def seconds_literal(seconds: float) -> str:
    """An exposure time as photographers write it: 1/250, 2.5."""
    if 0 < seconds < 1 and (fraction := round(1 / seconds)) < MAX_FRACTION and 1 / fraction == seconds:
        return f"1/{fraction}"
    return number_literal(seconds)


def number_literal(number: float) -> str:
    """Decimal notation without exponent or trailing zeros."""
    text = f"{Decimal(repr(number)):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def byte_literal(size: float) -> str:
    """The shortest exact form of a size with at most three decimals: 1.5GB, 2KiB."""
    values = [(Decimal(int(size)) / factor, unit) for unit, factor in BYTE_UNITS.items() if unit != "B"]
    exact = [f"{value.normalize():f}{unit}" for value, unit in values if value * 1000 % 1 == 0]
    return min(exact, key=len)


def range_literal(low: Any, high: Any, write: Callable[[Any], str], *, equals: str = ":") -> str:
    """`>=1`, `<=2`, `:1..2` or `:1`; None is an open end."""
    if high is None:
        return f">={write(low)}"
    if low is None:
        return f"<={write(high)}"
    return f"{equals}{write(low)}" if low == high else f"{equals}{write(low)}..{write(high)}"


def byte_range_literal(low: float | None, high: float | None) -> str:
    """`>5MB` rather than `>=5000001`."""
    if low is not None and high is not None:
        return range_literal(low, high, byte_literal)
    bound, beyond, sign = (low, low - 1, ">") if low is not None else (high or 0, (high or 0) + 1, "<")
    is_rounder = beyond > 0 and byte_literal(beyond).endswith("B") and not byte_literal(bound).endswith("B")
    return f"{sign}{byte_literal(beyond)}" if is_rounder else f"{sign}={byte_literal(bound)}"


def date_range_literal(first: date | None, last: date | None) -> str:
    """`:2024`, `:2024..2025-03`, `>=2024-05` or `<=2024-05-03`; None is an open end."""
    if first and last:
        if first == last:
            return f":{first.isoformat()}"
        start, end = _longest_period_from(first), _longest_period_to(last)
        return f":{start}" if start == end else f":{start}..{end}"
    return f">={_longest_period_from(first)}" if first else f"<={_longest_period_to(last or date.max)}"


def _longest_period_from(day: date) -> str:
    """The year, month or day that begins on this day."""
    return day.isoformat()[: 4 if (day.month, day.day) == (1, 1) else 7 if day.day == 1 else 10]


def _longest_period_to(day: date) -> str:
    if (day.month, day.day) == (12, 31):
        return day.isoformat()[:4]
    return day.isoformat()[: 7 if day.day == monthrange(day.year, day.month)[1] else 10]
