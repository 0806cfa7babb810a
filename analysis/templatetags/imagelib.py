"""Template tags and filters."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple
from urllib.parse import urlencode

from django import template
from django.templatetags.static import static
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

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


@register.simple_tag
def script_messages() -> dict[str, Message]:
    """Messages for scripts, embedded by includes/messages.html."""
    return messages()


class Example(NamedTuple):
    query: str
    meaning: str | Promise

    @property
    def url(self) -> str:
        return f"{reverse('library')}?{urlencode({'q': self.query})}"


EXAMPLES = (
    Example("dog beach", _("both of these")),
    Example("dog OR cat", _("one of these, or both")),
    Example("beach -person", _("a beach without people")),
    Example('"fire truck"', _("a label of several words")),
    Example("dog*", _("labels that start with “dog”")),
    Example("dog>=90", _("dogs with at least 90% confidence")),
    Example("count(person)>=3", _("three people or more")),
    Example("face(smile age:20..30)", _("one face with all of these attributes")),
    Example('text:"no parking"', _("text in the picture")),
    Example("folder:2019", _("from a folder with this in its path")),
    Example("near:48.85,2.35,5km", _("taken near these coordinates")),
    Example("iso>=1600 aperture<=2.8", _("taken in little light")),
    Example("color:red", _("mostly red")),
    Example("taken:2024-05", _("taken in May 2024")),
    Example("day:today", _("taken on this day in any year")),
    Example("added:last-7-days", _("added in the last 7 days")),
    Example("is:favorite rating>=4", _("favorites with 4 stars or more")),
    Example("has:faces orientation:portrait", _("portrait format, with faces")),
    Example("size>5MB sort:size", _("larger than 5 MB, largest first")),
)


@register.simple_tag
def search_examples() -> tuple[Example, ...]:
    """Example searches for the help menu, as links."""
    return EXAMPLES
