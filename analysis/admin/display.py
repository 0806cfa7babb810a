"""How things look in the admin: thumbs, links, answers, states."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from analysis.models import Image

Shows = Callable[[Any, Any], tuple[str, str]]

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
"""Which badge a state wears."""


def badge(description: str) -> Callable[[Shows], Callable[[Any, Any], SafeString]]:
    """A column that answers a state and its words, in its color; the same in lists and on pages."""

    def decorate(method: Shows) -> Callable[[Any, Any], SafeString]:
        @admin.display(description=description)
        @wraps(method)
        def shown(model_admin: Any, row: Any) -> SafeString:
            state, words = method(model_admin, row)
            return format_html('<span class="badge {}">{}</span>', STATES.get(state, "plain"), words)

        return shown

    return decorate


def number(field: str, description: str, *, places: int = 1, unit: str = "") -> Callable[[Any, Any], str]:
    """A column of a measured figure, to as many places as say anything."""

    @admin.display(description=description)
    def shown(_: Any, row: Any) -> str:
        value = getattr(row, field)
        return EMPTY if value is None else f"{value:,.{places}f}{unit}"

    return shown


def picture(image: Image | None, name: str = "thumb", *, height: int = 56) -> SafeString | str:
    """Its rendition at a height that is known before the bytes are, so that no row jumps."""
    if image is None:
        return EMPTY
    source = reverse("rendition", args=[image.pk, name])
    width = max(1, min(round(height * image.width / image.height), height * 3))
    return format_html(
        '<img class="thumbnail" src="{}?v={}" alt="" width="{}" height="{}" loading="lazy">',
        source,
        image.renditions_id.hex[:12],
        width,
        height,
    )


def link(row: Model | None, text: str = "") -> SafeString | str:
    """To a row's own page here."""
    if row is None:
        return EMPTY
    meta = row._meta
    address = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
    return format_html('<a class="link" href="{}">{}</a>', address, text or str(row))


def rows_link(model: type[Model], text: str, **asked: Any) -> SafeString:
    """To the list of another table, filtered."""
    meta = model._meta
    address = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
    return format_html('<a class="link" href="{}?{}">{}</a>', address, urlencode(asked), text)


def comma_list(items: Any) -> SafeString | str:
    return format_html(
        '<ul class="value-list">{}</ul>', format_html_join("", "<li>{}</li>", ((item,) for item in items))
    )


def json_block(value: Any, *, summary: str = "As received") -> SafeString | str:
    """JSON to be read, folded away: answers are long."""
    if value in (None, {}, []):
        return EMPTY
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return format_html('<details class="json-block"><summary>{}</summary><pre>{}</pre></details>', summary, text)
