"""Confidence bars: the template's values for a confidence in percent."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString

from analysis import formatting
from analysis.web import links

_PLAIN = """\
<svg class="confidence-bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
  <rect class="confidence-bar-fill" width="{}" height="4" />
</svg>"""
_MARKED = """\
<svg class="confidence-bar {}" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
  <rect class="confidence-bar-fill" width="{}" height="4" />
  <path class="confidence-bar-step" d="M69.5 0h1v4h-1zM89.5 0h1v4h-1z" />
</svg>"""


@dataclass(frozen=True)
class Bar:
    width: str
    percent: str
    step: str
    value: str

    # Not by a template, which takes ten times as long: pictures have up to a hundred bars.
    @property
    def svg(self) -> SafeString:
        """The bar with marks where the steps begin."""
        return format_html(_MARKED, self.step, self.width)

    @property
    def plain_svg(self) -> SafeString:
        """The bar of a value that has no steps."""
        return format_html(_PLAIN, self.width)


def bar(confidence: float) -> Bar:
    return Bar(
        f"{confidence:.1f}", formatting.percent(confidence), links.confidence_level(confidence), f"{confidence:.2f}"
    )
