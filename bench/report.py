"""What a bench hands over, and how it is printed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

HEAD = ("", "ours", "rival", "", "ratio", "target", "")


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One line. A target is a bound on our figure (at_least, at_most) or on ours divided by the rival's (…_ratio)."""

    what: str
    ours: float
    unit: str
    rival: float | None = None
    at_most: float | None = None
    at_least: float | None = None
    at_most_ratio: float | None = None
    at_least_ratio: float | None = None

    @property
    def ratio(self) -> float | None:
        return self.ours / self.rival if self.rival else None

    @property
    def is_met(self) -> bool | None:
        """None without a target."""
        bound = self._bound()
        if bound is None:
            return None
        value, sign, limit, _ = bound
        return value is not None and (value >= limit if sign == "≥" else value <= limit)

    def cells(self) -> tuple[str, ...]:
        met = {True: "met", False: "MISSED", None: ""}[self.is_met]
        rival = "" if self.rival is None else rounded(self.rival)
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        return self.what, rounded(self.ours), rival, self.unit, ratio, self._target(), met

    def _target(self) -> str:
        bound = self._bound()
        if bound is None:
            return ""
        _, sign, limit, is_ratio = bound
        return f"ratio {sign} {limit:g}" if is_ratio else f"{sign} {limit:g} {self.unit}"

    def _bound(self) -> tuple[float | None, str, float, bool] | None:
        """What is compared, how, with what, and whether it is the ratio."""
        bounds = (
            (self.ratio, "≥", self.at_least_ratio, True),
            (self.ratio, "≤", self.at_most_ratio, True),
            (self.ours, "≥", self.at_least, False),
            (self.ours, "≤", self.at_most, False),
        )
        return next(
            ((value, sign, limit, is_ratio) for value, sign, limit, is_ratio in bounds if limit is not None), None
        )


@dataclass(frozen=True)
class Report:
    """The outcome of one bench: what was compared, its lines, and what else the reader should know."""

    title: str
    figures: Sequence[Measurement]
    notes: Sequence[str] = ()

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Report:
        fields: dict[str, Any] = json.loads(text)
        return cls(fields["title"], [Measurement(**each) for each in fields["figures"]], fields["notes"])

    def table(self) -> str:
        rows = [HEAD, *(figure.cells() for figure in self.figures)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
        lines = [_aligned(row, widths) for row in rows]
        return "\n".join([self.title, *lines, *(f"  {note}" for note in self.notes)])


def rounded(value: float) -> str:
    """Three digits that tell: 1,204, 17.3, 0.62."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least this share (0 to 1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(share * 1000) // 1000) - 1)]


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *numbers, last = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
    return "  " + "   ".join([first.strip().ljust(widths[0]), *numbers, last.strip()]).rstrip()
