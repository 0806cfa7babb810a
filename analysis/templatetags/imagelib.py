"""What templates need beside their values."""

from __future__ import annotations

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def icon(name: str) -> SafeString:
    """One of our own icons, silent to those who listen: the words stand beside it or in the control's label."""
    return format_html(
        '<svg class="icon" width="20" height="20" aria-hidden="true"><use href="{}#{}"/></svg>',
        static("analysis/icons.svg"),
        name,
    )
