"""Icons of the sprite analysis/icons.svg."""

from __future__ import annotations

from functools import cache

from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString


@cache  # a page has about 150 icons of 20 kinds
def icon(name: str) -> SafeString:
    """An SVG icon, hidden from screen readers: its control has text or an aria-label."""
    return format_html(
        '<svg class="icon" width="20" height="20" aria-hidden="true"><use href="{}#{}"/></svg>',
        static("analysis/icons.svg"),
        name,
    )
