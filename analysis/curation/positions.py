"""Positions in an order: texts between any two of which another one fits.

A position is a whole number of ten digits and a fraction in base 62 (`5000000003` or `5000000003V`). Compared byte by
byte they are in order. Appending increments the number; only insertions between neighbors make positions longer.
"""

from __future__ import annotations

# In the order of their ASCII codes, since positions are compared byte by byte.
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
WIDTH = 10
# In the middle, so that there is room for whole numbers before the first position as well as after it.
FIRST = 5 * 10 ** (WIDTH - 1)
MAX_LENGTH = 100
"""Longer positions are renumbered, after some 500 insertions at one place."""


def positions_between(low: str | None, high: str | None, number: int) -> list[str]:
    """Ascending positions after `low` and before `high`; None is an open end."""
    if high is None:
        start = _integer(low) + 1 if low is not None else FIRST
        return [_text(start + step) for step in range(number)]
    if low is None:
        start = _integer(high) - number
        return [_text(start + step) for step in range(number)]
    return _spread(low, high, number)


def _spread(low: str, high: str, number: int) -> list[str]:
    """Positions by repeated halving, so that many at once stay short."""
    if number <= 0:
        return []
    middle = _between(low, high)
    before = (number - 1) // 2
    return [*_spread(low, middle, before), middle, *_spread(middle, high, number - 1 - before)]


def _between(low: str, high: str) -> str:
    whole_low, whole_high = _integer(low), _integer(high)
    if whole_high - whole_low > 1:
        return _text((whole_low + whole_high) // 2)
    if whole_high > whole_low:
        return _text(whole_low) + _fraction_between(low[WIDTH:], None)
    return _text(whole_low) + _fraction_between(low[WIDTH:], high[WIDTH:])


def _fraction_between(low: str, high: str | None) -> str:
    """A fraction between two (None: 1). Fractions never end with 0."""
    if high is not None:
        same = 0
        while same < len(high) and (low[same] if same < len(low) else "0") == high[same]:
            same += 1
        if same:
            return high[:same] + _fraction_between(low[same:], high[same:])
    first = DIGITS.index(low[0]) if low else 0
    last = DIGITS.index(high[0]) if high else len(DIGITS)
    if last - first > 1:
        return DIGITS[(first + last) // 2]
    if high is not None and len(high) > 1:
        return high[0]
    return DIGITS[first] + _fraction_between(low[1:], None)


def _integer(position: str) -> int:
    return int(position[:WIDTH])


def _text(integer: int) -> str:
    return f"{integer:0{WIDTH}d}"
