"""Edits of title, description, date and place by owners, for one or many images.

Applied by `bulk.apply` with the action EDIT, so that each can be undone.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, TypedDict

from django.utils.translation import gettext as _

from analysis.curation.errors import ActionRefused
from analysis.curation.verdicts import PreviousState
from analysis.formatting import count
from analysis.ingest.descriptive_metadata import LINE_LENGTH, TEXT_LENGTH
from analysis.ingest.validation import plain_text
from analysis.library import image_events
from analysis.library.file_values import COLUMNS, FIELDS, Values, edit_field, reset_field, values_of
from analysis.models import Image
from analysis.recognition.reindex_images import reindex

FIRST_YEAR = 1801
"""First year of capture times, as for files: cameras without a clock write year 0 or 1."""
MAX_OFFSET_MINUTES = 14 * 60
MAX_SHIFT_MINUTES = 200 * 366 * 24 * 60
CHANGED_COLUMNS = (*COLUMNS, "city", "file_values")


class Edit(TypedDict, total=False):
    """New values as JSON, by field; other fields are not changed.

    `taken`: the camera's clock, and minutes from UTC or None. `shift`: minutes added to the clock. `reset`: fields to
    reset to the file's value.
    """

    title: Values
    description: Values
    taken: Values
    place: Values
    location: Values
    shift: int
    reset: list[str]


def text_edit(title: str | None = None, description: str | None = None, place: str | None = None) -> Edit:
    """An edit of texts without control characters and surrounding space.

    Raises ActionRefused for one that is too long.
    """
    edit: Edit = {}
    if title is not None:
        edit["title"] = [_line(title, _("A title"), LINE_LENGTH)]
    if description is not None:
        edit["description"] = [_line(description, _("A description"), TEXT_LENGTH)]
    if place is not None:
        edit["place"] = [_line(place, _("A place"), LINE_LENGTH)]
    return edit


def taken_edit(clock: datetime | None, offset: int | None, *, now: datetime) -> Edit:
    """An edit of the capture time.

    The camera's clock, as if it were UTC, and minutes from UTC.

    Raises ActionRefused for dates before photography and after tomorrow.
    """
    if offset is not None and abs(offset) > MAX_OFFSET_MINUTES:
        raise ActionRefused(_("A time zone is at most 14 hours from UTC."))
    return {"taken": [_checked(clock, now=now).isoformat(), offset] if clock else [None, None]}


def shift_edit(span: timedelta) -> Edit:
    """An edit that moves capture times, as for a camera whose clock was wrong.

    Raises ActionRefused for no time, or for centuries.
    """
    minutes = round(span.total_seconds() / 60)
    if not 0 < abs(minutes) <= MAX_SHIFT_MINUTES:
        raise ActionRefused(_("Enter how far to move the dates, for example 1 hour."))
    return {"shift": minutes}


def location_edit(latitude: float | None, longitude: float | None) -> Edit:
    """An edit of the coordinates. Raises ActionRefused if they are not on Earth."""
    if latitude is None or longitude is None:
        return {"location": [None, None]}
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise ActionRefused(_("Latitudes are between -90 and 90 degrees, longitudes between -180 and 180."))
    return {"location": [latitude, longitude]}


def edit(image_ids: Collection[int], change: Edit, *, now: datetime) -> dict[int, PreviousState]:
    """Apply an edit, and update the search index.

    Returns the values before and after by id, of the images that it changed. The caller locks the images.
    """
    states: dict[int, PreviousState] = {}
    changed = []
    for image in Image.objects.filter(pk__in=image_ids).order_by("pk"):
        before = _values(image)
        _apply(image, change, now=now)
        after = _values(image)
        names = [name for name in FIELDS if before[name] != after[name]]
        if names:
            states[image.pk] = {
                "before": {name: before[name] for name in names},
                "after": {name: after[name] for name in names},
            }
            changed.append(image)
    _save(changed)
    return states


def restore(states: dict[int, PreviousState]) -> list[int]:
    """Restore values that are still those of the edit; returns the ids of the images."""
    restored = []
    for image in Image.objects.filter(pk__in=states).order_by("pk"):
        state, current = states[image.pk], _values(image)
        # A value that was edited again since is newer than the one before this edit.
        if all(current[name] == values for name, values in state["after"].items()):
            for name, values in state["before"].items():
                edit_field(image, name, values)
            restored.append(image)
    _save(restored)
    return [image.pk for image in restored]


def _apply(image: Image, change: Edit, *, now: datetime) -> None:
    for field in change.get("reset", ()):
        reset_field(image, field)
    values: Any = change
    for field in FIELDS:
        if field in change:
            edit_field(image, field, values[field])
    if (minutes := change.get("shift")) and image.taken_at:
        shifted = _shifted(image.taken_at, minutes, now=now)
        edit_field(image, "taken", [shifted.isoformat(), image.taken_offset])


def _shifted(clock: datetime, minutes: int, *, now: datetime) -> datetime:
    """The time moved by minutes; unchanged if the result is an impossible date."""
    try:
        return _checked(clock + timedelta(minutes=minutes), now=now)
    except (OverflowError, ActionRefused):
        return clock


def _checked(clock: datetime, *, now: datetime) -> datetime:
    if clock.year < FIRST_YEAR:
        raise ActionRefused(_("Enter a date after the year 1800."))
    if clock > now + timedelta(days=1):  # in other time zones it is tomorrow already
        raise ActionRefused(_("This date is in the future. Enter the date the picture was taken."))
    return clock


def _save(images: list[Image]) -> None:
    Image.objects.bulk_update(images, CHANGED_COLUMNS, batch_size=500)
    # No analysis has changed, so the rows of faces and texts stay.
    reindex([image.pk for image in images], apis=())
    image_events.record_changed([image.pk for image in images])


def _values(image: Image) -> dict[str, Values]:
    return {field: values_of(image, field) for field in FIELDS}


def _line(text: str, name: str, limit: int) -> str:
    # With a limit that is never reached, so that a long text is refused instead of cut without notice.
    cleaned = plain_text(text, len(text) * 4)
    if len(cleaned) > limit:
        message = _("%(name)s can have at most %(limit)s characters; this one has %(length)s.")
        raise ActionRefused(message % {"name": name, "limit": count(limit), "length": count(len(cleaned))})
    return cleaned
