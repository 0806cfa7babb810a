"""The words about a picture that programs write into its file or beside it: keywords, title, rating, place, creator."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from analysis.ingest.validation import plain_text

KEYWORDS = 100
KEYWORD_LENGTH = 200
LINE_LENGTH = 200
TEXT_LENGTH = 2_000


@dataclass(frozen=True)
class Description:
    """Plain text, bounded; an empty or None value was not given. `rating` is 1 to 5 stars."""

    keywords: tuple[str, ...] = ()
    title: str = ""
    description: str = ""
    rating: int | None = None
    place: str = ""
    creator: str = ""
    copyright: str = ""

    def or_else(self, other: Description) -> Description:
        """Each value from the other one where this has none."""
        return Description(*(getattr(self, each.name) or getattr(other, each.name) for each in fields(self)))


def keywords_of(values: Iterable[str]) -> tuple[str, ...]:
    """Each once, whatever its case, in their order."""
    found: dict[str, str] = {}
    for value in values:
        keyword = plain_text(value, KEYWORD_LENGTH)
        if keyword:
            found.setdefault(keyword.casefold(), keyword)
        if len(found) == KEYWORDS:
            break
    return tuple(found.values())


def place_of(*names: str) -> str:
    """The names that are given, from the narrowest to the widest."""
    return plain_text(", ".join(dict.fromkeys(name.strip() for name in names if name.strip())), LINE_LENGTH)


def stars_of(text: str) -> int | None:
    """1 to 5; programs write 0 for none, -1 for rejected, and some a decimal."""
    try:
        stars = round(float(text))
    except (ValueError, OverflowError):
        return None
    return stars if 1 <= stars <= 5 else None
