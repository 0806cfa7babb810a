"""Summarizes a payload as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analysis import formatting

MAX_LABELS = 5


@dataclass(frozen=True)
class Line:
    text: str
    url: str = ""


def title_of(payload: Mapping[str, Any]) -> str:
    """One line: what the message is about."""
    if payload["event"] == "test":
        return _("Test message of “%(name)s”") % {"name": payload["search"]["name"]}
    number = payload["count"]
    text = ngettext("%(number)s new picture in “%(name)s”", "%(number)s new pictures in “%(name)s”", number)
    return text % {"number": formatting.count(number), "name": payload["search"]["name"]}


def lines_of(payload: Mapping[str, Any]) -> Iterator[Line]:
    """A line for each picture, and one for those left out."""
    images = payload.get("images", [])
    for image in images:
        labels = ", ".join(label["name"] for label in image["labels"][:MAX_LABELS])
        yield Line(f"{image['file_name']}: {labels}" if labels else image["file_name"], image["url"] or "")
    if payload["count"] > len(images):
        rest = payload["count"] - len(images)
        text = ngettext("and %(number)s more picture", "and %(number)s more pictures", rest)
        yield Line(formatting.plural(text, rest), payload["search"]["url"] or "")
