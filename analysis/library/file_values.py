"""Fields that owners can edit, and the file's own values of them.

The columns of an image contain the current values. `Image.file_values` has the file's value of each edited field, for
Reset and for a file that is read again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from analysis.library.cities import city_names
from analysis.models import Image

FIELDS: dict[str, tuple[str, ...]] = {
    "title": ("title",),
    "description": ("description",),
    "taken": ("taken_at", "taken_offset"),
    "place": ("place",),
    "location": ("latitude", "longitude"),
}
"""The columns of each field that can be edited."""
COLUMNS = tuple(column for columns in FIELDS.values() for column in columns)
Values = list[Any]
"""A field's values in the order of its columns, as JSON."""


def values_of(image: Image, field: str) -> Values:
    return [_to_json(getattr(image, column)) for column in FIELDS[field]]


def edit_field(image: Image, field: str, values: Values) -> None:
    """Set a field of an image, which the caller saves; keeps the file's value."""
    in_file = dict(image.file_values or {})
    in_file.setdefault(field, values_of(image, field))
    if in_file[field] == values:
        del in_file[field]
    _set(image, field, values)
    image.file_values = in_file or None


def reset_field(image: Image, field: str) -> None:
    """Restore the file's value of a field."""
    in_file = image.file_values or {}
    if field in in_file:
        edit_field(image, field, in_file[field])


def keep_edits(image: Image, columns: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a file that was read again, without those of edited fields.

    The new file's values of these are kept for Reset.
    """
    in_file = dict(image.file_values or {})
    values = dict(columns)
    for field in in_file:
        if all(column in values for column in FIELDS[field]):
            in_file[field] = [_to_json(values.pop(column)) for column in FIELDS[field]]
        if field == "location":
            values.pop("city", None)
    return values | ({"file_values": in_file} if in_file else {})


def _set(image: Image, field: str, values: Values) -> None:
    for column, value in zip(FIELDS[field], values, strict=True):
        setattr(image, column, datetime.fromisoformat(value) if column == "taken_at" and value else value)
    if field == "location":
        image.city = city_names(image.latitude, image.longitude)


def _to_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
