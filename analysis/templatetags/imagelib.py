"""What templates need beside their values."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple
from urllib.parse import urlencode

from django import template
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from analysis.web.script_messages import Message, messages

register = template.Library()


@register.simple_tag
@cache  # a page has a hundred and fifty of them, of twenty kinds
def icon(name: str) -> SafeString:
    """One of our own icons, silent to those who listen: the words stand beside it or in the control's label."""
    return format_html(
        '<svg class="icon" width="20" height="20" aria-hidden="true"><use href="{}#{}"/></svg>',
        static("analysis/icons.svg"),
        name,
    )


@register.filter
def coded(text: str) -> SafeString:
    """A sentence in which what stands between backticks is to be typed."""
    parts = enumerate(text.split("`"))
    return format_html_join("", "{}", ((format_html("<code>{}</code>", part) if n % 2 else part,) for n, part in parts))


@register.simple_tag
def script_messages() -> dict[str, Message]:
    """Sentences for the scripts of a page."""
    return messages()


class Example(NamedTuple):
    query: str
    words: str

    @property
    def url(self) -> str:
        return f"{reverse('library')}?{urlencode({'q': self.query})}"


EXAMPLES = (
    Example("dog beach", "both of these"),
    Example("dog OR cat", "one of these, or both"),
    Example("beach -person", "a beach without people"),
    Example('"fire truck"', "a name of several words"),
    Example("dog*", "whatever begins so"),
    Example("dog>=90", "dogs the recognizer is sure of"),
    Example("count(person)>=3", "three people or more"),
    Example("face(smile age:20..30)", "one face with all of this"),
    Example('text:"no parking"', "written in the picture"),
    Example("color:red", "mostly red"),
    Example("taken:2024-05", "taken in May 2024"),
    Example("added:last-7-days", "brought in lately"),
    Example("is:favorite rating>=4", "your favorites with four stars"),
    Example("has:faces orientation:portrait", "upright, with faces"),
    Example("size>5MB sort:size", "the largest first"),
)


@register.simple_tag
def search_examples() -> tuple[Example, ...]:
    """What the search box understands, by examples that are links."""
    return EXAMPLES
