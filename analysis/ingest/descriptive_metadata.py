"""Descriptive metadata in a file or its sidecar.

Keywords, title, rating, place, creator.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from analysis.ingest.validation import plain_text

MAX_KEYWORDS = 100
KEYWORD_LENGTH = 200
LINE_LENGTH = 200
TEXT_LENGTH = 2_000


@dataclass(frozen=True)
class DescriptiveMetadata:
    """Keywords, title, rating and so on, empty or None if absent.

    Text is plain and of limited length. `rating`: 1 to 5 stars.
    """

    keywords: tuple[str, ...] = ()
    title: str = ""
    description: str = ""
    rating: int | None = None
    place: str = ""
    creator: str = ""
    copyright: str = ""

    def or_else(self, other: DescriptiveMetadata) -> DescriptiveMetadata:
        """Fill absent values from `other`."""
        return DescriptiveMetadata(*(getattr(self, field.name) or getattr(other, field.name) for field in fields(self)))


def clean_keywords(values: Iterable[str]) -> tuple[str, ...]:
    """Keywords in their order, without duplicates regardless of case."""
    by_folded_name: dict[str, str] = {}
    for value in values:
        keyword = plain_text(value, KEYWORD_LENGTH)
        if keyword:
            by_folded_name.setdefault(keyword.casefold(), keyword)
        if len(by_folded_name) == MAX_KEYWORDS:
            break
    return tuple(by_folded_name.values())


def join_place(*names: str) -> str:
    """Place names joined from the most to the least specific."""
    return plain_text(", ".join(dict.fromkeys(name.strip() for name in names if name.strip())), LINE_LENGTH)


def parse_rating(text: str) -> int | None:
    """1 to 5 stars, or None.

    Programs write 0 for none, -1 for rejected, and some write decimals.
    """
    try:
        stars = round(float(text))
    except (ValueError, OverflowError):
        return None
    return stars if 1 <= stars <= 5 else None
