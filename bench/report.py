"""Report of a bench, as JSON and as a table, with baselines and targets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

HEADER = ("", "imagelib", "baseline", "", "ratio", "target", "")


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One value with its baseline and target.

    A target bounds the value (at_least, at_most) or the value divided by the baseline (…_ratio).
    """

    name: str
    value: float
    unit: str
    baseline: float | None = None
    at_most: float | None = None
    at_least: float | None = None
    at_most_ratio: float | None = None
    at_least_ratio: float | None = None

    @property
    def ratio(self) -> float | None:
        return self.value / self.baseline if self.baseline else None

    @property
    def is_met(self) -> bool | None:
        """True if the target is met; None without a target."""
        bound = self._bound()
        if bound is None:
            return None
        value, sign, limit, _ = bound
        return value is not None and (value >= limit if sign == "≥" else value <= limit)

    def cells(self) -> tuple[str, ...]:
        verdict = {True: "met", False: "MISSED", None: ""}[self.is_met]
        baseline = "" if self.baseline is None else rounded(self.baseline)
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        return self.name, rounded(self.value), baseline, self.unit, ratio, self._target(), verdict

    def _target(self) -> str:
        bound = self._bound()
        if bound is None:
            return ""
        _, sign, limit, is_ratio = bound
        return f"ratio {sign} {limit:g}" if is_ratio else f"{sign} {limit:g} {self.unit}".rstrip()

    def _bound(self) -> tuple[float | None, str, float, bool] | None:
        """Compared value, sign and limit; True if the value is the ratio."""
        bounds = (
            (self.ratio, "≥", self.at_least_ratio, True),
            (self.ratio, "≤", self.at_most_ratio, True),
            (self.value, "≥", self.at_least, False),
            (self.value, "≤", self.at_most, False),
        )
        return next(
            ((value, sign, limit, is_ratio) for value, sign, limit, is_ratio in bounds if limit is not None), None
        )


@dataclass(frozen=True)
class Report:
    """Results of one bench: measurements, and notes that explain them."""

    title: str
    measurements: Sequence[Measurement]
    notes: Sequence[str] = ()

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Report:
        fields: dict[str, Any] = json.loads(text)
        measurements = [Measurement(**measurement) for measurement in fields["measurements"]]
        return cls(fields["title"], measurements, fields["notes"])

    def table(self) -> str:
        rows = [HEADER, *(measurement.cells() for measurement in self.measurements)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
        lines = [_aligned(row, widths) for row in rows]
        return "\n".join([self.title, *lines, *(f"  {note}" for note in self.notes)])


def rounded(value: float) -> str:
    """Three significant digits: 1,204, 17.3, 0.62."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def percentile(values: Iterable[float], share: float) -> float:
    """Smallest value that at least this share (0 to 1) of all values do not exceed."""
    ordered = sorted(values)
    # Rounded up in integers: in floats 0.95 * 20 is a little more than 19 and would select the next value.
    return ordered[max(0, -(-len(ordered) * round(share * 1000) // 1000) - 1)]


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *numbers, last = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
    return "  " + "   ".join([first.strip().ljust(widths[0]), *numbers, last.strip()]).rstrip()
