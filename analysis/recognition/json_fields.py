"""Reads one field of JSON as received; what is missing or of the wrong type is None, "" or empty, never an error."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any


def names(entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """The names in a list of {"Name": …}; AWS's guide shows bare strings in one place, so those count too."""
    found = (text({"Name": item} if isinstance(item, str) else item, "Name") for item in listed(entry, key))
    return tuple(dict.fromkeys(name for name in found if name))


def entries(content: object, key: str) -> Iterator[Mapping[str, Any]]:
    return (item for item in listed(content, key) if isinstance(item, Mapping))


def listed(content: object, key: str) -> list[Any]:
    value = content.get(key) if isinstance(content, Mapping) else None
    return value if isinstance(value, list) else []


def part(content: object, key: str) -> Mapping[str, Any]:
    value = content.get(key) if isinstance(content, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def text(entry: object, key: str) -> str:
    value = entry.get(key) if isinstance(entry, Mapping) else None
    # PostgreSQL stores neither NUL nor half a surrogate pair, and JSON can spell both.
    return value.replace("\0", "").encode(errors="ignore").decode().strip() if isinstance(value, str) else ""


def number(entry: Mapping[str, Any], key: str) -> float | None:
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # JSON knows integers that no float can hold
        return None


def percent(entry: Mapping[str, Any], key: str) -> float | None:
    value = number(entry, key)
    return None if value is None else min(max(value, 0.0), 100.0)


def whole(entry: Mapping[str, Any], key: str) -> int | None:
    value = number(entry, key)
    return None if value is None else round(value)


def channel(entry: Mapping[str, Any], key: str) -> int | None:
    value = whole(entry, key)
    return value if value is not None and 0 <= value <= 255 else None
