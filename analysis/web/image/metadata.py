"""What a picture's own bytes tell, and who brought it."""

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


def metadata_rows(image: Image, *, reader: AbstractBaseUser | AnonymousUser, now: datetime) -> list[MetadataRow]:
    """The facts, those unknown left out. Names and owners are for people who are signed in."""
    found = [
        MetadataRow(
            "Dimensions", f"{image.width:,} × {image.height:,} px", formatting.megapixels(image.width, image.height)
        ),
        MetadataRow("Format", image.get_format_display()),
        MetadataRow("Size", formatting.filesize(image.size), formatting.exact_filesize(image.size)),
        _taken(image),
        MetadataRow("Camera", _camera(image)),
        MetadataRow("Lens", image.lens),
        MetadataRow(_("Settings"), _settings(image)),
        MetadataRow(_("Description"), image.description),
        MetadataRow(_("Place"), image.place) if reader.is_authenticated else None,
        MetadataRow(_("Creator"), image.creator),
        MetadataRow(_("Copyright"), image.copyright),
        MetadataRow("Added", formatting.ago(image.added_at, now=now), formatting.exact(image.added_at)),
        MetadataRow(
            "Original",
            f"Changed {formatting.ago(image.original_replaced_at, now=now)}",
            formatting.exact(image.original_replaced_at),
        )
        if image.original_replaced_at
        else None,
        MetadataRow("Owner", _name(image, reader)) if reader.is_authenticated else None,
        MetadataRow("Visibility", image.get_visibility_display()) if _is_told_visibility(image, reader) else None,
    ]
    return [fact for fact in found if fact and fact.value]


def _taken(image: Image) -> MetadataRow | None:
    if image.taken_at is None:
        return None
    return MetadataRow(
        "Taken", formatting.taken_day(image.taken_at), formatting.taken_exact(image.taken_at, image.taken_offset)
    )


def _settings(image: Image) -> str:
    """Of the camera, in the order in which photographers say them."""
    iso = f"ISO {image.iso:,}" if image.iso else ""
    return " · ".join(filter(None, [image.exposure, image.aperture, iso, image.focal_length]))


def location(image: Image, *, reader: AbstractBaseUser | AnonymousUser) -> str:
    """Where it was taken, in degrees; never told to those who are not signed in."""
    if not reader.is_authenticated or image.latitude is None or image.longitude is None:
        return ""
    north, east = "N" if image.latitude >= 0 else "S", "E" if image.longitude >= 0 else "W"
    return f"{abs(image.latitude):.5f}° {north}, {abs(image.longitude):.5f}° {east}"


def _is_told_visibility(image: Image, reader: AbstractBaseUser | AnonymousUser) -> bool:
    """Whoever may change it sees it where it is changed."""
    return reader.is_authenticated and not image.is_editable_by(reader.pk)


def _camera(image: Image) -> str:
    """Makers often repeat themselves in the model's name."""
    first = image.camera_make.split(" ")[0].lower()
    if first and image.camera_model.lower().startswith(first):
        return image.camera_model
    return f"{image.camera_make} {image.camera_model}".strip()


def _name(image: Image, reader: AbstractBaseUser | AnonymousUser) -> str:
    return "You" if image.owner_id == reader.pk else image.owner.get_full_name() or image.owner.get_username()
