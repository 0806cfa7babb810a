"""Bulk edits of dates and places, parsed from the fields of the bulk bar."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils import timezone
from django.utils.translation import gettext as _

from analysis.curation import metadata_edits
from analysis.curation.errors import ActionRefused
from analysis.curation.metadata_edits import Edit
from analysis.web.edit_fields import parse_clock, parse_coordinates, parse_offset, parse_span

RESETS = {"date": ["taken"], "place": ["place", "location"]}


def bulk_edit(data: Mapping[str, str]) -> Edit:
    """The edit that the pressed button, `edit`, stands for.

    Raises ActionRefused.
    """
    match data.get("edit", ""):
        case "date":
            clock, offset = parse_clock(data.get("taken", "")), parse_offset(data.get("offset", ""))
            if clock is None:
                raise ActionRefused(_("Enter a date and time such as 2021-06-05 14:30."))
            return metadata_edits.taken_edit(clock, offset, now=timezone.now())
        case "shift":
            span = {unit: data.get(unit, "") for unit in ("days", "hours", "minutes")}
            return metadata_edits.shift_edit(parse_span(**span))
        case "place":
            return _place_edit(data.get("place", ""), data.get("location", ""))
        case "reset-date":
            return {"reset": RESETS["date"]}
        case "reset-place":
            return {"reset": RESETS["place"]}
    raise ActionRefused(_("Choose what to edit."))


def _place_edit(place: str, location: str) -> Edit:
    """The edit of the fields that were filled in; empty ones are left unchanged."""
    edit = metadata_edits.text_edit(place=place) if place.strip() else Edit()
    if location.strip():
        edit |= metadata_edits.location_edit(*parse_coordinates(location))
    if not edit:
        raise ActionRefused(_("Enter a place, coordinates or both."))
    return edit
