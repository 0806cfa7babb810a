"""Pictures by their numbers: `id:17,20..25`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analysis import formatting
from analysis.search.errors import InvalidValue
from analysis.search.sql.expressions import Sql
from analysis.search.terms.base import Candidates, Resolution, Term, Value

FEW_IMAGES = 20_000
"""Up to this many numbers, looking up each of them is cheaper than any other strategy."""
_RANGE = re.compile(r"([0-9]{1,18})(?:\.\.([0-9]{1,18}))?", re.ASCII)
Range = tuple[int, int]


@dataclass(frozen=True)
class IdTerm(Term):
    """Images with these numbers, as in their addresses; ranges include both ends.

    The ranges are in order and do not touch, so that equal searches have one text.
    """

    fields = ("id",)
    ranges: tuple[Range, ...]

    @classmethod
    def parse(cls, field: str, sign: str, value: Value) -> IdTerm:
        matches = [_RANGE.fullmatch(part) for part in value.text.split(",")]
        ranges = [(int(match[1]), int(match[2] or match[1])) for match in matches if match]
        if len(ranges) < len(matches) or any(low > high for low, high in ranges):
            raise InvalidValue(_("Expected picture IDs, for example id:17 or id:17,20..25."))
        return cls(joined(ranges))

    def write(self) -> str:
        return "id:" + ",".join(str(low) if low == high else f"{low}..{high}" for low, high in self.ranges)

    def describe(self) -> str:
        if self.number == 1:
            return _("picture %(number)s") % {"number": self.ranges[0][0]}
        text = ngettext("%(number)s picture by ID", "%(number)s pictures by ID", self.number)
        return formatting.plural(text, self.number)

    @property
    def number(self) -> int:
        return sum(high - low + 1 for low, high in self.ranges)

    def condition(self, resolved: Resolution) -> Sql:
        if self.number <= FEW_IMAGES:
            return Sql("d.image_id = ANY(%s::bigint[])", (self._ids(),))
        tests = " OR ".join("d.image_id BETWEEN %s AND %s" for _range in self.ranges)
        return Sql(f"({tests})", tuple(bound for ends in self.ranges for bound in ends))

    def candidates(self, resolved: Resolution) -> Candidates | None:
        if self.number > FEW_IMAGES:
            return None
        statement = Sql("SELECT unnest(%s::bigint[]) AS image_id", (self._ids(),))
        return Candidates(statement, frozenset([self]), are_few=True)

    def _ids(self) -> list[int]:
        return [number for low, high in self.ranges for number in range(low, high + 1)]


def joined(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """The same numbers in order, with ranges that overlap or touch made one."""
    result: list[Range] = []
    for low, high in sorted(ranges):
        if result and low <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(result[-1][1], high))
        else:
            result.append((low, high))
    return tuple(result)
