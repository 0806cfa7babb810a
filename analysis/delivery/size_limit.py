"""Shortens documents about pictures to the maximum size of a service."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from analysis import formatting

LISTS = ("labels", "faces", "celebrities", "text", "moderation", "colors")
"""Lists of a document that may be shortened at their end: they have no order, or the most certain entries first."""
Document = dict[str, Any]


@dataclass(frozen=True)
class Shortened:
    """A document that fits, and the number of omitted entries by list."""

    document: Document
    omitted: Mapping[str, int]

    @property
    def note(self) -> str:
        """A note for the list of messages; empty if nothing was left out."""
        if not self.omitted:
            return ""
        parts = ", ".join(f"{name}: {formatting.count(count)}" for name, count in self.omitted.items())
        return _("Left out because the message would have been too large: %(parts)s.") % {"parts": parts}


def shorten(
    document: Document,
    *,
    limit: int,
    size: Callable[[Document, Mapping[str, int]], int],
    lists: Collection[str] = LISTS,
) -> Shortened | None:
    """The document with as many list entries as the limit allows.

    `size`: bytes of the message for a document and its omitted entries. `lists`: lists that the message has. Returns
    None if it is too large even without entries.
    """
    shortened, omitted = dict(document), dict[str, int]()
    while size(shortened, omitted) > limit:
        name = max(lists, key=lambda name: len(repr(shortened.get(name) or "")))
        entries = shortened.get(name)
        if not entries:
            return None
        # Nine tenths at a time, which takes at most a few dozen rounds, since entries vary little in size.
        shortened[name] = entries[: len(entries) * 9 // 10]
        omitted[name] = omitted.get(name, 0) + len(entries) - len(shortened[name])
    return Shortened(shortened, omitted)
