"""Confidence bars: the template's values for a confidence in percent."""

from __future__ import annotations

from dataclasses import dataclass

from analysis import formatting
from analysis.web import links


@dataclass(frozen=True)
class Bar:
    width: str
    percent: str
    step: str
    value: str


def bar(confidence: float) -> Bar:
    return Bar(
        f"{confidence:.1f}", formatting.percent(confidence), links.confidence_level(confidence), f"{confidence:.2f}"
    )
