"""Reads fields of JSON as received.

A field that is missing or has the wrong type is read as None, "" or empty, never as an error.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any


def names(entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Distinct names in a list of {"Name": …}.

    AWS's guide shows plain strings in one example, so these count too.
    """
    texts = (text({"Name": item} if isinstance(item, str) else item, "Name") for item in items(entry, key))
    return tuple(dict.fromkeys(name for name in texts if name))


def entries(content: object, key: str) -> Iterator[Mapping[str, Any]]:
    return (item for item in items(content, key) if isinstance(item, Mapping))


def items(content: object, key: str) -> list[Any]:
    value = content.get(key) if isinstance(content, Mapping) else None
    return value if isinstance(value, list) else []


def mapping(content: object, key: str) -> Mapping[str, Any]:
    value = content.get(key) if isinstance(content, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def text(entry: object, key: str) -> str:
    value = entry.get(key) if isinstance(entry, Mapping) else None
    # JSON can contain NUL and lone surrogates, which PostgreSQL cannot store.
    return value.replace("\0", "").encode(errors="ignore").decode().strip() if isinstance(value, str) else ""


def number(entry: Mapping[str, Any], key: str) -> float | None:
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # JSON has integers that are too large for a float
        return None


def percent(entry: Mapping[str, Any], key: str) -> float | None:
    value = number(entry, key)
    return None if value is None else min(max(value, 0.0), 100.0)


def integer(entry: Mapping[str, Any], key: str) -> int | None:
    value = number(entry, key)
    return None if value is None else round(value)


def color_channel(entry: Mapping[str, Any], key: str) -> int | None:
    value = integer(entry, key)
    return value if value is not None and 0 <= value <= 255 else None
