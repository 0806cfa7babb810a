"""Columns and read-only fields of the admin: thumbnails, links, badges, JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Model
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from analysis.models import Image, Label

StateColumn = Callable[[Any, Any], tuple[str, str]]

EMPTY = "–"
STATES = {
    "queued": "info",
    "running": "info",
    "waiting": "info",
    "issued": "info",
    "arrived": "info",
    "paused": "warning",
    "stopped": "warning",
    "done": "success",
    "present": "success",
    "taken": "success",
    "answered": "success",
    "confirmed": "success",
    "added": "success",
    "failed": "danger",
    "refused": "danger",
    "rejected": "danger",
    "unknown": "danger",
    "throttled": "warning",
    "gone": "warning",
    "dropped": "warning",
}
"""The badge color of each state."""


def badge(description: str | Promise) -> Callable[[StateColumn], Callable[[Any, Any], SafeString]]:
    """Show the (state, text) that a column method returns as a colored badge."""

    def decorate(method: StateColumn) -> Callable[[Any, Any], SafeString]:
        @admin.display(description=cast(str, description))  # also accepts lazy strings
        @wraps(method)
        def column(model_admin: Any, row: Any) -> SafeString:
            state, text = method(model_admin, row)
            # format_html escapes every argument, since filenames and labels are untrusted.
            return format_html('<span class="badge {}">{}</span>', STATES.get(state, "plain"), text)

        return column

    return decorate


def number(field: str, description: str | Promise, *, places: int = 1, unit: str = "") -> Callable[[Any, Any], str]:
    """A column with a float rounded to `places`, with its unit."""

    @admin.display(description=cast(str, description))  # also accepts lazy strings
    def column(_model_admin: Any, row: Any) -> str:
        value = getattr(row, field)
        return EMPTY if value is None else f"{number_format(value, decimal_pos=places, force_grouping=True)}{unit}"

    return column


def picture(image: Image | None, name: str = "thumb", *, height: int = 56) -> SafeString | str:
    """The rendition as <img>."""
    if image is None:
        return EMPTY
    # With width and height in the HTML, rows do not move while thumbnails load.
    source = reverse("rendition", args=[image.pk, name])
    width = max(1, min(round(height * image.shown_size[0] / image.shown_size[1]), height * 3))
    return format_html(
        '<img class="thumbnail" src="{}?v={}" alt="{}" width="{}" height="{}" loading="lazy">',
        source,
        image.renditions_id.hex[:12],
        image,  # in lists the picture is the link's only content
        width,
        height,
    )


def link(row: Model | None, text: str = "") -> SafeString | str:
    """A link to the row's admin page."""
    if row is None:
        return EMPTY
    meta = row._meta
    address = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
    return format_html('<a class="link" href="{}">{}</a>', address, text or str(row))


def rows_link(model: type[Model], text: str, **filters: Any) -> SafeString:
    """A link to the filtered admin list of another table."""
    meta = model._meta
    address = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
    return format_html('<a class="link" href="{}?{}">{}</a>', address, urlencode(filters), text)


def value_list(items: Iterable[Any]) -> SafeString | str:
    items = list(items)
    if not items:
        return EMPTY
    return format_html(
        '<ul class="value-list">{}</ul>', format_html_join("", "<li>{}</li>", ((item,) for item in items))
    )


def label_text(label: Label, percent: float) -> SafeString:
    """A label with its confidence, linked to its admin page."""
    return format_html("{} {}", link(label), f"{percent:.1f} %")


def json_block(value: Any, *, summary: str = "") -> SafeString | str:
    """Indented JSON that opens by a click, since responses are long."""
    if value in (None, {}, []):
        return EMPTY
    # Unescaped, so that names in other scripts are readable.
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return format_html(
        '<details class="json-block"><summary>{}</summary><pre tabindex="0">{}</pre></details>',
        summary or _("Raw response"),
        text,
    )
