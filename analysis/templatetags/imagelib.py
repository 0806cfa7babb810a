"""Template tags and filters."""

from __future__ import annotations

from functools import cache

from django import template
from django.template import Context
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from analysis.web.library.search_help import EXAMPLES, Example
from analysis.web.navigation import NavigationLink, groups
from analysis.web.script_messages import Message, messages

register = template.Library()


@register.simple_tag
@cache  # a page has about 150 icons of 20 kinds
def icon(name: str) -> SafeString:
    """An SVG icon, hidden from screen readers; its control has text or aria-label."""
    return format_html(
        '<svg class="icon" width="20" height="20" aria-hidden="true"><use href="{}#{}"/></svg>',
        static("analysis/icons.svg"),
        name,
    )


@register.filter
def coded(text: str) -> SafeString:
    """Turn `backticks` into <code>."""
    parts = enumerate(text.split("`"))
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if index % 2 else part,) for index, part in parts)
    )


@register.filter
def stars(number: str) -> str:
    """As many stars."""
    return "★" * int(number)


@register.simple_tag
def script_messages() -> dict[str, Message]:
    """Messages for scripts, embedded by includes/messages.html."""
    return messages()


@register.simple_tag(takes_context=True)
def navigation(context: Context) -> list[list[NavigationLink]]:
    """Links to the main pages, in groups."""
    return groups(context["request"], context["may"])


@register.simple_tag
def search_examples() -> tuple[Example, ...]:
    """Example searches for the help menu, as links."""
    return EXAMPLES
