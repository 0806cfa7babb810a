"""What the camera wrote beside the pixels. Broken or hostile EXIF costs its own values, never the picture."""

import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from PIL import ExifTags, Image

from analysis.ingest.capture_time import CaptureTime, capture_time
from analysis.ingest.description import Description
from analysis.ingest.iptc import iptc_description
from analysis.ingest.validation import plain_text
from analysis.ingest.xmp import PACKETS, xmp_description

Base, Gps = ExifTags.Base, ExifTags.GPS
TEXT_LENGTH = 100
BROKEN = (ArithmeticError, AttributeError, LookupError, OSError, SyntaxError, TypeError, ValueError, struct.error)

# When the picture was taken, when it was digitized, when the file was written: the first that is there.
MOMENTS = (
    (Base.DateTimeOriginal, Base.OffsetTimeOriginal, Base.SubsecTimeOriginal),
    (Base.DateTimeDigitized, Base.OffsetTimeDigitized, Base.SubsecTimeDigitized),
    (Base.DateTime, Base.OffsetTime, Base.SubsecTime),
)


@dataclass(frozen=True)
class ImageMetadata:
    """Text is plain and at most 100 characters; a location is in degrees; an empty or None value was not given.

    `taken_at` is what the camera's clock showed, kept as if it were UTC; `taken_offset` its minutes from UTC.
    """

    taken_at: datetime | None = None
    taken_offset: int | None = None
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
    described: Description = field(default_factory=Description)


def read_metadata(image: Image.Image) -> ImageMetadata:
    """Reads what an opened picture carries: EXIF, XMP, and IPTC where XMP says nothing."""
    return replace(_camera_values(image), described=_described(image))


def _described(image: Image.Image) -> Description:
    try:
        return xmp_description(image).or_else(iptc_description(image))
    except BROKEN:
        return Description()


def _camera_values(image: Image.Image) -> ImageMetadata:
    """From the picture's own tags, the Exif and the GPS directory."""
    try:
        with _without_xmp(image):
            exif = image.getexif()
        tags: dict[int, Any] = dict(exif)
    except BROKEN:
        return ImageMetadata()
    tags |= _directory(exif, ExifTags.IFD.Exif)
    gps = _directory(exif, ExifTags.IFD.GPSInfo)
    latitude, longitude = _location(gps)
    taken = _taken(tags) or _satellite_time(gps)
    orientation = tags.get(Base.Orientation)
    return ImageMetadata(
        taken_at=taken.clock if taken else None,
        taken_offset=taken.offset if taken else None,
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


@contextmanager
def _without_xmp(image: Image.Image) -> Iterator[None]:
    """Pillow takes an orientation from XMP where EXIF has none; browsers do not, and they are how people know it."""
    packets = {name: image.info.pop(name) for name in PACKETS if name in image.info}
    try:
        yield
    finally:
        image.info.update(packets)


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


def _taken(tags: dict[int, Any]) -> CaptureTime | None:
    for moment, offset, fraction in MOMENTS:
        text = _text(tags.get(moment))
        given = _text(tags.get(offset)) or _offset_of_file(tags, text)
        if taken := capture_time(text, offset=given, fraction=_text(tags.get(fraction))):
            return taken
    return None


def _offset_of_file(tags: dict[int, Any], moment: str) -> str:
    """OffsetTime is of when the file was written: it tells of another moment only if that is the same."""
    written = _text(tags.get(Base.DateTime))
    return _text(tags.get(Base.OffsetTime)) if written in {"", moment} else ""


def _satellite_time(gps: dict[int, Any]) -> CaptureTime | None:
    """Receivers write UTC; without the time of day the day alone counts."""
    time = gps.get(Gps.GPSTimeStamp)
    parts = [_number(part) for part in time] if isinstance(time, tuple) and len(time) == 3 else []
    hour, minute, second = (int(part) if part is not None and part >= 0 else 99 for part in parts or (99, 99, 99))
    day = _text(gps.get(Gps.GPSDateStamp))
    return capture_time(f"{day} {hour:02}:{minute:02}:{second:02}Z") or capture_time(day)


def _location(gps: dict[int, Any]) -> tuple[float | None, float | None]:
    """Both coordinates or neither. 0°, 0° is what receivers without a fix write, not a place in the Atlantic."""
    latitude = _degrees(gps.get(Gps.GPSLatitude), _text(gps.get(Gps.GPSLatitudeRef)), limit=90)
    longitude = _degrees(gps.get(Gps.GPSLongitude), _text(gps.get(Gps.GPSLongitudeRef)), limit=180)
    if latitude is None or longitude is None or latitude == longitude == 0:
        return None, None
    return latitude, longitude


def _degrees(value: object, reference: str, *, limit: int) -> float | None:
    """Degrees from (degrees, minutes, seconds) and N, S, E or W; some write the sign into the degrees, too."""
    if not isinstance(value, tuple) or not 1 <= len(value) <= 3:
        return None
    degrees, *rest = [_number(part) for part in value]
    if degrees is None or (rest and rest[0] is None and degrees == int(degrees)):  # whole degrees are no place
        return None
    is_negative = math.copysign(1, degrees) < 0 or reference.upper() in {"S", "W"}
    parts = zip(rest, (60, 3600), strict=False)
    degrees = round(abs(degrees) + sum(abs(part or 0) / size for part, size in parts), 7)  # about a centimeter
    if degrees > limit:
        return None
    return -degrees if is_negative else degrees
