"""Values in search terms: numbers, sizes and dates, single, in ranges or compared."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Generic, TypeVar

from django.utils.translation import gettext as _

from analysis import formatting
from analysis.search.errors import InvalidValue
from analysis.search.literals import BYTE_UNITS

T = TypeVar("T", int, float, date)

MAX_BYTES = 10**15
MAX_PERIODS = {"day": 36_500, "week": 5_200, "month": 1_200, "year": 100}
"""The maximum of `last N days` by unit."""
# Python refuses to convert integers of more than 4,300 digits, and a search has up to 4,000 characters.
MAX_DIGITS = 300
MIN_POSITIVE, MAX_POSITIVE = 1e-9, 1e9
_BYTES_BY_UNIT = {unit.lower(): factor for unit, factor in BYTE_UNITS.items()}


@dataclass(frozen=True)
class Scale(Generic[T]):
    """The values of a field; `span` is the first and last one of a text (a month)."""

    example: str
    span: Callable[[str], tuple[T, T]]
    after: Callable[[T], T]
    before: Callable[[T], T]


def bounds(scale: Scale[T], sign: str, text: str) -> tuple[T | None, T | None]:
    """Both ends, included, of `20..30`, `20..`, `20` or `>20`. Raises InvalidValue."""
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
    start, _dots, end = text.partition("..")
    if not (start or end) or ".." in end:
        raise InvalidValue(
            _("A range needs a start, an end or both, for example %(example)s.") % {"example": scale.example}
        )
    low = scale.span(start)[0] if start else None
    high = scale.span(end)[1] if end else None
    if low is not None and high is not None and low > high:
        raise InvalidValue(_("This range is reversed; write %(range)s.") % {"range": f"{end}..{start}"})
    return low, high


def described_range(low: Any, high: Any, write: Callable[[Any], str]) -> str:
    """The bounds in the reader's language: "20–30", or one number if they are equal."""
    return write(low) if low == high else f"{write(low)}–{write(high)}"


def integer(*, example: str, minimum: int, maximum: int) -> Scale[int]:
    """Whole numbers from `minimum` to `maximum`."""

    def within(number: int) -> int:
        if minimum <= number <= maximum:
            return number
        raise _out_of_range(minimum, maximum, example)

    def span(text: str) -> tuple[int, int]:
        # Not isdigit(), which is true for "²", and int("²") raises ValueError.
        if not re.fullmatch(r"[0-9]+", text) or len(text) > MAX_DIGITS:
            raise InvalidValue(_("Expected a whole number, for example %(example)s.") % {"example": example})
        return within(int(text)), within(int(text))

    return Scale(example, span, lambda number: within(number + 1), lambda number: within(number - 1))


def percent(*, example: str) -> Scale[float]:
    """Numbers from 0 to 100, rounded to two decimals, with or without a percent sign."""

    def span(text: str) -> tuple[float, float]:
        number = text.removesuffix("%")
        is_number = re.fullmatch(r"[0-9]+(\.[0-9]+)?", number) and len(number) <= MAX_DIGITS
        if not is_number or Decimal(number) > 100:
            raise _out_of_range(0, 100, example)
        return (value := round(float(number), 2)), value

    return _without_neighbors(example, span)


def _without_neighbors(example: str, span: Callable[[str], tuple[float, float]]) -> Scale[float]:
    """A scale without > and <.

    They need the number after or before another one, which decimal numbers do not have.
    """

    def refuse(_value: float) -> float:
        raise InvalidValue(_("Use >= or <= here, for example %(example)s.") % {"example": example})

    return Scale(example, span, refuse, refuse)


def positive(pattern: str, *, example: str) -> Scale[float]:
    """Positive decimal numbers, alone or within a pattern such as "f/2.8".

    The pattern's group is the number. A number after "1/" is a fraction.
    """

    def span(text: str) -> tuple[float, float]:
        match = re.fullmatch(pattern, text.strip(), re.IGNORECASE)
        number = float(match[1]) if match and len(match[1]) <= MAX_DIGITS else 0.0
        if not MIN_POSITIVE <= number <= MAX_POSITIVE:
            raise InvalidValue(_("Expected a number above 0, for example %(example)s.") % {"example": example})
        number = 1 / number if text.strip().startswith("1/") else number
        return number, number

    return _without_neighbors(example, span)


_NUMBER = r"([0-9]+(?:\.[0-9]+)?)"
F_NUMBERS = positive(rf"(?:f/?)?{_NUMBER}", example="aperture<=2.8")
SECONDS = positive(rf"(?:1/)?{_NUMBER} ?s?", example="exposure>=1/60")
MILLIMETERS = positive(rf"{_NUMBER} ?(?:mm)?", example="focal:24..70")


def _out_of_range(minimum: int, maximum: int, example: str) -> InvalidValue:
    return InvalidValue(
        _("Expected a number from %(minimum)s to %(maximum)s, for example %(example)s.")
        % {"minimum": formatting.count(minimum), "maximum": formatting.count(maximum), "example": example}
    )


def _bytes(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([a-z]*)", text, re.IGNORECASE)
    if not match or match[2].lower() not in _BYTES_BY_UNIT:
        raise InvalidValue(_("Expected a size, for example size>5MB or size:500KB..2MiB."))
    if len(match[1]) > 20:
        raise _size_out_of_range()
    # Decimal, since 2.01 * 1000 is 2009.99… as floats, and int() would make it 2009.
    size = _valid_size(int(Decimal(match[1]) * _BYTES_BY_UNIT[match[2].lower()]))
    return size, size


def _valid_size(size: int) -> int:
    if 0 <= size <= MAX_BYTES:
        return size
    raise _size_out_of_range()


def _size_out_of_range() -> InvalidValue:
    return InvalidValue(_("Expected a size from 0 to 1000TB, for example size>5MB."))


SIZE = Scale("size:1MB..5MB", _bytes, lambda size: _valid_size(size + 1), lambda size: _valid_size(size - 1))


def _days(text: str) -> tuple[date, date]:
    """The first and last day of a year, a month, a day, today or yesterday in UTC."""
    if text.lower() in {"today", "yesterday"}:
        day = datetime.now(UTC).date() - timedelta(days=text.lower() == "yesterday")
        return day, day
    match = re.fullmatch(r"([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2}))?)?", text)
    if not match:
        raise InvalidValue(_("Expected a date, for example 2024-05-31, 2024-05, 2024, today or last-7-days."))
    year, month, day_of_month = (1 if part is None else int(part) for part in match.groups())
    try:
        first = date(year, month, day_of_month)
    except ValueError:
        raise InvalidValue(_("%(date)s is not a valid date.") % {"date": text}) from None
    if match[3]:
        return first, first
    last_month = month if match[2] else 12
    return first, date(year, last_month, monthrange(year, last_month)[1])


def _moved(day: date, by: int) -> date:
    try:
        return day + timedelta(days=by)
    except OverflowError:
        raise InvalidValue(_("Dates must be in the years 0001 to 9999.")) from None


DAYS = Scale("taken:2024-05..2025", _days, lambda day: _moved(day, 1), lambda day: _moved(day, -1))


def relative_period(text: str) -> tuple[int, str] | None:
    """Number and unit of `last 7 days` or `today`; None for other texts.

    Raises InvalidValue.
    """
    if text.lower() in {"today", "yesterday"}:
        return 1, text.lower()
    match = re.fullmatch(r"last[\s-]+([0-9]+)[\s-]+(day|week|month|year)s?", text, re.IGNORECASE)
    if not match:
        return None
    unit = match[2].lower()
    if len(match[1]) > 6 or not 1 <= int(match[1]) <= MAX_PERIODS[unit]:
        raise InvalidValue(_period_message(unit) % {"maximum": formatting.count(MAX_PERIODS[unit])})
    return int(match[1]), unit


def _period_message(unit: str) -> str:
    return {
        "day": _("Expected 1 to %(maximum)s days."),
        "week": _("Expected 1 to %(maximum)s weeks."),
        "month": _("Expected 1 to %(maximum)s months."),
        "year": _("Expected 1 to %(maximum)s years."),
    }[unit]
