"""Metadata rows of a picture: from its file, and its owner and dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.utils.translation import gettext as _

from analysis import formatting
from analysis.models import Image


@dataclass(frozen=True)
class MetadataRow:
    term: str
    value: str
    exact: str = ""


def metadata_rows(
    image: Image, *, reader: AbstractBaseUser | AnonymousUser, now: datetime, shows_place: bool = False
) -> list[MetadataRow]:
    """The known values; owner and visibility for signed-in readers only.

    With `shows_place`, other readers see the place, too.
    """
    shows_place = shows_place or reader.is_authenticated
    rows = [
        MetadataRow(
            _("Dimensions"),
            f"{formatting.count(image.width)} × {formatting.count(image.height)} px",
            formatting.megapixels(image.width, image.height),
        ),
        MetadataRow(_("Format"), image.get_format_display()),
        MetadataRow(_("Size"), formatting.filesize(image.size), formatting.exact_filesize(image.size)),
        _taken(image),
        MetadataRow(_("Camera"), _camera(image)),
        MetadataRow(_("Lens"), image.lens),
        MetadataRow(_("Settings"), _settings(image)),
        MetadataRow(_("Description"), image.description),
        MetadataRow(_("Place"), image.place) if shows_place else None,
        MetadataRow(_("Nearest city"), image.city) if shows_place else None,
        MetadataRow(_("Creator"), image.creator),
        MetadataRow(_("Copyright"), image.copyright),
        MetadataRow(_("Added"), formatting.ago(image.added_at, now=now), formatting.exact(image.added_at)),
        MetadataRow(
            _("Original"),
            _("Replaced %(ago)s") % {"ago": formatting.ago(image.original_replaced_at, now=now)},
            formatting.exact(image.original_replaced_at),
        )
        if image.original_replaced_at
        else None,
        MetadataRow(_("Owner"), _name(image, reader)) if reader.is_authenticated else None,
        MetadataRow(_("Visibility"), image.get_visibility_display()) if _shows_visibility(image, reader) else None,
    ]
    return [row for row in rows if row and row.value]


def _taken(image: Image) -> MetadataRow | None:
    if image.taken_at is None:
        return None
    minute = formatting.taken_minute(image.taken_at)
    text = _("%(minute)s (date of the file)") % {"minute": minute} if image.taken_source == "file" else minute
    return MetadataRow(_("Taken"), text, formatting.taken_exact(image.taken_at, image.taken_offset))


def _settings(image: Image) -> str:
    """Camera settings: exposure time, aperture, ISO and focal length."""
    iso = f"ISO {formatting.count(image.iso)}" if image.iso else ""
    return " · ".join(filter(None, [image.exposure, image.aperture, iso, image.focal_length]))


def location(image: Image, *, reader: AbstractBaseUser | AnonymousUser) -> str:
    """Latitude and longitude in degrees; empty for readers who are not signed in."""
    if not reader.is_authenticated or image.latitude is None or image.longitude is None:
        return ""
    north, east = "N" if image.latitude >= 0 else "S", "E" if image.longitude >= 0 else "W"
    return f"{abs(image.latitude):.5f}° {north}, {abs(image.longitude):.5f}° {east}"


def _shows_visibility(image: Image, reader: AbstractBaseUser | AnonymousUser) -> bool:
    """True for signed-in readers without the menu that changes the visibility."""
    return reader.is_authenticated and not image.is_editable_by(reader.pk)


def _camera(image: Image) -> str:
    """Make and model; the make only once, as many makers repeat it in the model."""
    make = image.camera_make.split(" ")[0].lower()
    if make and image.camera_model.lower().startswith(make):
        return image.camera_model
    return f"{image.camera_make} {image.camera_model}".strip()


def _name(image: Image, reader: AbstractBaseUser | AnonymousUser) -> str:
    return _("You") if image.owner_id == reader.pk else image.owner.get_full_name() or image.owner.get_username()
