"""Confidence bars: a confidence in percent as an SVG."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString

from analysis import formatting
from analysis.web import links

_SVG = """\
<svg class="confidence-bar{step}" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
  <rect class="confidence-bar-fill" width="{width}" height="4" />{marks}
</svg>"""
_MARKS = SafeString('\n  <path class="confidence-bar-step" d="M69.5 0h1v4h-1zM89.5 0h1v4h-1z" />')


@dataclass(frozen=True)
class Bar:
    width: str
    percent: str
    step: str
    value: str

    # Not a template, which takes ten times as long: a picture has up to a hundred bars.
    @property
    def svg(self) -> SafeString:
        """The bar with a mark at the start of each confidence level."""
        return format_html(_SVG, step=f" {self.step}", width=self.width, marks=_MARKS)

    @property
    def plain_svg(self) -> SafeString:
        """The bar of a value without confidence levels."""
        return format_html(_SVG, step="", width=self.width, marks="")


def bar(confidence: float) -> Bar:
    return Bar(
        f"{confidence:.1f}", formatting.percent(confidence), links.confidence_level(confidence), f"{confidence:.2f}"
    )
