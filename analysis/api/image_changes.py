"""The body of PATCH on an image, and the edit of details in it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from django.utils.timezone import now
from django.utils.translation import gettext as _
from ninja import Field

from analysis.api.errors import ApiError
from analysis.api.request_body import RequestBody
from analysis.curation import metadata_edits
from analysis.curation.errors import ActionRefused
from analysis.curation.metadata_edits import Edit


class LocationIn(RequestBody):
    """Degrees; north and east are positive."""

    latitude: float
    longitude: float


class ImageChanges(RequestBody):
    """Changes of an image; omitted fields stay. `rating` 0 removes the stars.

    `taken_at` is the camera's clock in ISO 8601, with an offset if it is known. Null removes it, as it does for
    `location`. `reset` names fields to set to the file's value: title, description, taken, place, location.
    """

    title: str | None = None
    description: str | None = None
    taken_at: str | None = None
    place: str | None = None
    location: LocationIn | None = None
    reset: list[Literal["title", "description", "taken", "place", "location"]] = []
    visibility: Literal["private", "shared", "public"] | None = None
    is_favorite: bool | None = None
    rating: Annotated[int | None, Field(ge=0, le=5)] = None


def edit_from(changes: ImageChanges) -> Edit:
    """The edit of the fields that were sent; empty without any. Raises ApiError."""
    try:
        return _edit(changes)
    except ActionRefused as refusal:
        raise ApiError(422, str(refusal)) from refusal


def _edit(changes: ImageChanges) -> Edit:
    edit = metadata_edits.text_edit(changes.title, changes.description, changes.place)
    sent = changes.model_fields_set
    if "taken_at" in sent:
        edit |= metadata_edits.taken_edit(*_taken(changes.taken_at or ""), now=now())
    if "location" in sent:
        location = changes.location
        edit |= metadata_edits.location_edit(*((location.latitude, location.longitude) if location else (None, None)))
    return edit | ({"reset": list(changes.reset)} if changes.reset else {})


def _taken(text: str) -> tuple[datetime | None, int | None]:
    """The camera's clock, and its minutes from UTC. Raises ActionRefused."""
    if not text:
        return None, None
    try:
        taken = datetime.fromisoformat(text[:40])
    except ValueError as error:
        raise ActionRefused(_("Enter a date and time such as 2021-06-05T14:30:00+02:00.")) from error
    offset = taken.utcoffset()
    return taken.replace(tzinfo=UTC), None if offset is None else round(offset.total_seconds() / 60)
