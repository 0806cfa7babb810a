"""Template tags and filters."""

from __future__ import annotations

from django import template
from django.template import Context
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from analysis.web.icons import icon
from analysis.web.image.row_markup import detection_row, label_row
from analysis.web.library.search_help import EXAMPLES, Example
from analysis.web.navigation import NavigationLink, groups
from analysis.web.script_messages import Message, messages

register = template.Library()
register.simple_tag(icon)
register.simple_tag(label_row)
register.simple_tag(detection_row)


@register.filter
def coded(text: str) -> SafeString:
    """Turn `backticks` into <code>."""
    parts = enumerate(text.split("`"))
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if index % 2 else part,) for index, part in parts)
    )


@register.filter
def stars(number: str) -> str:
    """Star characters for a rating."""
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
