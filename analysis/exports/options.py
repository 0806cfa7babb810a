"""Validates options of exports from pages, programs and commands."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any, get_args

from django.utils.translation import gettext as _

from analysis.exports.annotated_picture import PALETTES, Position, Style
from analysis.exports.csv_table import CSV_COLUMNS
from analysis.exports.image_rows import SOURCES, Options
from analysis.models import Label

MAX_LINE_WIDTH = 20
MAX_CONFIDENCE = 100
POSITIONS: tuple[Position, ...] = get_args(Position)
CHOICES: Mapping[str, Collection[str]] = {
    "labels": SOURCES,
    "kinds": Label.Kind.values,
    "columns": CSV_COLUMNS,
    "position": POSITIONS,
    "palette": PALETTES,
}
RANGES: Mapping[str, tuple[float, float]] = {"min_confidence": (0, MAX_CONFIDENCE), "line_width": (1, MAX_LINE_WIDTH)}


class InvalidOption(Exception):
    """An option of an export has an invalid value."""

    def __init__(self, option: str, message: str) -> None:
        super().__init__(message)
        self.option = option


def stored_options(values: Mapping[str, Any]) -> dict[str, Any]:
    """The options as stored in an Export, with defaults for empty and missing ones.

    `values` may have labels, min_confidence, kinds, columns, line_width, position, palette and blurs_sensitive. Raises
    InvalidOption.
    """
    chosen = {name: values[name] for name in (*CHOICES, *RANGES) if values.get(name)}
    for name, value in chosen.items():
        _check(name, value)
    lists = {name: list(chosen[name]) for name in ("kinds", "columns") if name in chosen}
    # Colors instead of the palette's name, so that a dataset's next version looks the same if the palette changes.
    colors = {"palette": list(PALETTES[chosen["palette"]][1])} if "palette" in chosen else {}
    blur = {"blurs_sensitive": True} if values.get("blurs_sensitive") else {}
    return chosen | lists | colors | blur


def label_options(stored: Mapping[str, Any]) -> Options:
    """The options of an export's labels."""
    return Options(
        stored.get("labels", "effective"),
        stored.get("min_confidence", 0),
        frozenset(stored.get("kinds") or ()),
        blurs_sensitive=bool(stored.get("blurs_sensitive")),
    )


def style_of(stored: Mapping[str, Any]) -> Style:
    """The look of boxes in annotated pictures."""
    names = {field.name for field in fields(Style)}
    values = {name: value for name, value in stored.items() if name in names}
    return Style(**{**values, "palette": tuple(values.get("palette") or Style.palette)})


def _check(name: str, value: Any) -> None:
    """Raises InvalidOption."""
    if name in RANGES:
        minimum, maximum = RANGES[name]
        if not minimum <= value <= maximum:
            message = _("%(option)s must be a number from %(minimum)s to %(maximum)s.")
            raise InvalidOption(name, message % {"option": name, "minimum": minimum, "maximum": maximum})
        return
    unknown = [part for part in ([value] if isinstance(value, str) else value) if part not in CHOICES[name]]
    if unknown:
        message = _("%(option)s: “%(value)s” is unknown. Choose from: %(choices)s.")
        raise InvalidOption(
            name, message % {"option": name, "value": unknown[0], "choices": ", ".join(map(str, CHOICES[name]))}
        )
