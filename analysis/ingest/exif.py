"""What the camera wrote beside the pixels. Broken or hostile EXIF costs its own values, never the picture."""

import math
import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from PIL import ExifTags, Image

from analysis.ingest.validation import plain_text

Base, Gps = ExifTags.Base, ExifTags.GPS
TEXT_LENGTH = 100
BROKEN = (ArithmeticError, AttributeError, LookupError, OSError, SyntaxError, TypeError, ValueError, struct.error)

MOMENT = re.compile(r"(\d{4})[:/.-](\d\d)[:/.-](\d\d)[ T](\d\d):(\d\d):(\d\d)")
OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")
# When the picture was taken, when it was digitized, when the file was written: the first that is there.
MOMENTS = (
    (Base.DateTimeOriginal, Base.OffsetTimeOriginal, Base.SubsecTimeOriginal),
    (Base.DateTimeDigitized, Base.OffsetTimeDigitized, Base.SubsecTimeDigitized),
    (Base.DateTime, Base.OffsetTime, Base.SubsecTime),
)


@dataclass(frozen=True)
class ImageMetadata:
    """Text is plain and at most 100 characters; a location is in degrees; an empty or None value was not given."""

    taken_at: datetime | None = None
    camera_make: str = ""
    camera_model: str = ""
    lens: str = ""
    exposure: str = ""
    aperture: str = ""
    iso: int | None = None
    focal_length: str = ""
    latitude: float | None = None
    longitude: float | None = None
    orientation: int = 1


def read_metadata(image: Image.Image) -> ImageMetadata:
    """Reads the EXIF of an opened picture, from its own tags, the Exif and the GPS directory."""
    try:
        exif = image.getexif()
        tags: dict[int, Any] = dict(exif)
    except BROKEN:
        return ImageMetadata()
    tags |= _directory(exif, ExifTags.IFD.Exif)
    latitude, longitude = _location(_directory(exif, ExifTags.IFD.GPSInfo))
    orientation = tags.get(Base.Orientation)
    return ImageMetadata(
        taken_at=_taken_at(tags),
        camera_make=_text(tags.get(Base.Make)),
        camera_model=_text(tags.get(Base.Model)),
        lens=_text(tags.get(Base.LensModel)),
        exposure=_exposure(_number(tags.get(Base.ExposureTime))),
        aperture=_measured("f/{:.3g}", _number(tags.get(Base.FNumber))),
        iso=_iso(_number(tags.get(Base.ISOSpeedRatings))),
        focal_length=_measured("{:.4g} mm", _number(tags.get(Base.FocalLength))),
        latitude=latitude,
        longitude=longitude,
        orientation=orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1,
    )


def _directory(exif: Image.Exif, tag: int) -> dict[int, Any]:
    try:
        return dict(exif.get_ifd(tag))
    except BROKEN:
        return {}


def _text(value: object) -> str:
    if isinstance(value, tuple) and value:
        value = value[0]
    if isinstance(value, str):
        # EXIF is ASCII by its standard and UTF-8 by custom; Pillow reads it as Latin-1, which keeps every byte.
        value = value.encode("latin-1", "replace")
    if not isinstance(value, bytes):
        return ""
    value = value.split(b"\0")[0]
    try:
        return plain_text(value.decode(), TEXT_LENGTH)
    except UnicodeDecodeError:
        return plain_text(value.decode("latin-1"), TEXT_LENGTH)


def _number(value: object) -> float | None:
    """A finite number, from a rational, an integer or the first of several."""
    if isinstance(value, tuple) and value:
        value = value[0]
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ArithmeticError):
        return None
    return number if math.isfinite(number) else None


def _exposure(seconds: float | None) -> str:
    if seconds is None or not 1e-7 < seconds < 1e6:
        return ""
    return f"1/{round(1 / seconds)} s" if seconds < 0.3 else f"{seconds:.3g} s"


def _measured(form: str, value: float | None) -> str:
    return form.format(value) if value is not None and 0 < value < 100_000 else ""


def _iso(value: float | None) -> int | None:
    return int(value) if value is not None and 0 < value < 10_000_000 else None


def _taken_at(tags: dict[int, Any]) -> datetime | None:
    for moment, offset, fraction in MOMENTS:
        at = _moment(_text(tags.get(moment)), _text(tags.get(offset)), _text(tags.get(fraction)))
        if at is not None:
            return at
    return None


def _moment(moment: str, offset: str, fraction: str) -> datetime | None:
    found = MOMENT.match(moment)
    if found is None or not found[1] > "1800":  # cameras without a clock write year 0000 or 0001
        return None
    digits = fraction if fraction.isascii() and fraction.isdigit() else ""
    try:
        year, month, day, hour, minute, second = (int(part) for part in found.groups())
        at = datetime(year, month, day, hour, minute, second, int(f"{digits:0<6}"[:6]), tzinfo=_zone(offset))
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _zone(offset: str) -> timezone:
    """The zone of "+02:00"; without a usable one the camera's clock is taken for UTC."""
    found = OFFSET.fullmatch(offset)
    if found is None or int(found[2]) > 14:
        return UTC
    ahead = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(-ahead if found[1] == "-" else ahead)


def _location(gps: dict[int, Any]) -> tuple[float | None, float | None]:
    """Both coordinates or neither. 0°, 0° is what receivers without a fix write, not a place in the Atlantic."""
    latitude = _degrees(gps.get(Gps.GPSLatitude), _text(gps.get(Gps.GPSLatitudeRef)), limit=90)
    longitude = _degrees(gps.get(Gps.GPSLongitude), _text(gps.get(Gps.GPSLongitudeRef)), limit=180)
    if latitude is None or longitude is None or latitude == longitude == 0:
        return None, None
    return latitude, longitude


def _degrees(value: object, reference: str, *, limit: int) -> float | None:
    """Degrees from (degrees, minutes, seconds) and N, S, E or W."""
    if not isinstance(value, tuple) or not 1 <= len(value) <= 3:
        return None
    parts = [_number(part) for part in value]
    degrees = 0.0
    for part, size in zip(parts, (1, 60, 3600), strict=False):
        if part is None:
            return None
        degrees += part / size
    degrees = round(degrees, 7)  # about a centimeter
    if not 0 <= degrees <= limit:
        return None
    return -degrees if reference.upper() in {"S", "W"} else degrees
