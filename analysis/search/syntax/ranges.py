"""Numbers, sizes and days as they are written in a search: one, a range, or a comparison."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Generic, TypeVar

T = TypeVar("T", int, float, date)

UNITS = {
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
    "": 1,
    "b": 1,
}
"""Bytes by lower-case unit, the decimal ones and the binary ones."""
LONGEST_AGO = {"day": 36_500, "week": 5_200, "month": 1_200, "year": 100}
"""How far `last N days` may reach."""


class InvalidQuery(ValueError):
    """A text that is no query: what is wrong and at which column, counted from one."""

    def __init__(self, message: str, *, column: int) -> None:
        super().__init__(message)
        self.column = column


class InvalidValue(ValueError):
    """A value that is not of its field's kind; the message is a sentence."""


@dataclass(frozen=True)
class Scale(Generic[T]):
    """How one field's values are read. `span`: the first and last thing that a value means: a month has many days."""

    example: str
    span: Callable[[str], tuple[T, T]]
    after: Callable[[T], T]
    before: Callable[[T], T]


def bounds(scale: Scale[T], sign: str, text: str) -> tuple[T | None, T | None]:
    """Both ends, included, of `20..30`, `20..`, `..30`, `20`, or of a comparison. Raises Unreadable."""
    if ".." in text and sign in {"", "="}:
        return _range(scale, text)
    first, last = scale.span(text)
    match sign:
        case ">=":
            return first, None
        case "<=":
            return None, last
        case ">":
            return scale.after(last), None
        case "<":
            return None, scale.before(first)
    return first, last


def _range(scale: Scale[T], text: str) -> tuple[T | None, T | None]:
    start, _, end = text.partition("..")
    if not (start or end) or ".." in end:
        raise InvalidValue(f"A range has one or two ends, as in {scale.example}.")
    low = scale.span(start)[0] if start else None
    high = scale.span(end)[1] if end else None
    if low is not None and high is not None and low > high:
        raise InvalidValue(f"This range runs backwards; write {end}..{start}.")
    return low, high


def integer(*, name: str, example: str, minimum: int, maximum: int) -> Scale[int]:
    """Whole numbers from `least` to `most`."""

    def within(number: int) -> int:
        if minimum <= number <= maximum:
            return number
        raise InvalidValue(f"{name} is from {minimum:,} to {maximum:,}, as in {example}.")

    def span(text: str) -> tuple[int, int]:
        if not _is_number(text, whole=True):
            raise InvalidValue(f"A whole number belongs here, as in {example}.")
        return within(int(text)), within(int(text))

    return Scale(example, span, lambda number: within(number + 1), lambda number: within(number - 1))


def percent(*, name: str, example: str) -> Scale[float]:
    """0 to 100 with two decimals at most, a percent sign or none."""

    def span(text: str) -> tuple[float, float]:
        number = text.removesuffix("%")
        if not _is_number(number):
            raise InvalidValue(f"A number from 0 to 100 belongs here, as in {example}.")
        if Decimal(number) > 100:
            raise InvalidValue(f"{name} is from 0 to 100, as in {example}.")
        return (found := round(float(number), 2)), found

    def refused(_: float) -> float:
        raise InvalidValue(f"{name} is compared with >= or <=, as in {example}.")

    return Scale(example, span, refused, refused)


def _bytes(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([a-z]*)", text, re.IGNORECASE)
    if not found or found[2].lower() not in UNITS:
        raise InvalidValue("A size belongs here, as in size>5MB or size:500KB..2MiB.")
    size = int(Decimal(found[1]) * UNITS[found[2].lower()]) if len(found[1]) <= 20 else LARGEST + 1
    return _within_largest(size), size


def _within_largest(size: int) -> int:
    if 0 <= size <= LARGEST:
        return size
    raise InvalidValue("A size is from 0 to 1000TB, as in size>5MB.")


LARGEST = 10**15
SIZE = Scale(
    "size:1MB..5MB",
    _bytes,
    lambda size: _within_largest(size + 1),
    lambda size: _within_largest(size - 1),
)


def _days(text: str) -> tuple[date, date]:
    """The first and the last day of a year, a month, a day, today or yesterday (by UTC)."""
    if text.lower() in {"today", "yesterday"}:
        day = datetime.now(UTC).date() - timedelta(days=text.lower() == "yesterday")
        return day, day
    found = re.fullmatch(r"([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2}))?)?", text)
    if not found:
        raise InvalidValue("A day, month or year belongs here, as in 2024-05-31, 2024-05, 2024, today or last-7-days.")
    year, month, day_of_month = (1 if part is None else int(part) for part in found.groups())
    try:
        first = date(year, month, day_of_month)
    except ValueError:
        unit = "day" if found[3] else "month" if found[2] else "year"
        raise InvalidValue(f"There is no such {unit}: {text}.") from None
    if found[3]:
        return first, first
    last_month = month if found[2] else 12
    return first, date(year, last_month, monthrange(year, last_month)[1])


def _moved(day: date, by: int) -> date:
    try:
        return day + timedelta(days=by)
    except OverflowError:
        raise InvalidValue("The calendar here is from 0001 to 9999.") from None


DAYS = Scale("taken:2024-05..2025", _days, lambda day: _moved(day, 1), lambda day: _moved(day, -1))


def relative_period(text: str) -> tuple[int, str] | None:
    """Number and unit of `last 7 days`, `last-7-days` or `today`; None for what is no such thing. Raises Unreadable."""
    if text.lower() in {"today", "yesterday"}:
        return 1, text.lower()
    found = re.fullmatch(r"last[\s-]+([0-9]+)[\s-]+(day|week|month|year)s?", text, re.IGNORECASE)
    if not found:
        return None
    unit = found[2].lower()
    if len(found[1]) > 6 or not 1 <= int(found[1]) <= LONGEST_AGO[unit]:
        raise InvalidValue(f"This reaches from the last 1 to the last {LONGEST_AGO[unit]:,} {unit}s.")
    return int(found[1]), unit


def _is_number(text: str, *, whole: bool = False) -> bool:
    return bool(re.fullmatch(r"[0-9]+" if whole else r"[0-9]+(\.[0-9]+)?", text)) and len(text) <= 300


def plain_number(number: float) -> str:
    """Without exponent or needless zeros."""
    text = f"{Decimal(repr(number)):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def in_bytes(size: float) -> str:
    """The shortest exact way to write a size, with three decimals at most: 5MB, 1.5GB, 2KiB."""
    forms = [(Decimal(int(size)) / factor, unit) for unit, factor in _UNIT_NAMES.items()]
    exact = [f"{value.normalize():f}{unit}" for value, unit in forms if value * 1000 % 1 == 0]
    return min(exact, key=len)


_UNIT_NAMES = {unit.upper().replace("I", "i"): factor for unit, factor in UNITS.items() if unit != "b"}
