"""Camera metadata from EXIF.

Damaged or hostile EXIF only loses its values; the image is accepted.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from PIL import ExifTags, Image

from analysis.ingest.capture_time import CaptureTime, capture_time
from analysis.ingest.descriptive_metadata import DescriptiveMetadata
from analysis.ingest.iptc import iptc_description
from analysis.ingest.validation import plain_text
from analysis.ingest.xmp import PACKETS, XmpMetadata, embedded_xmp

Base, Gps = ExifTags.Base, ExifTags.GPS
TEXT_LENGTH = 100
BROKEN = (ArithmeticError, AttributeError, LookupError, OSError, SyntaxError, TypeError, ValueError, struct.error)

# Times at which the picture was taken, was digitized and the file was written; the first valid one is used.
MOMENTS = (
    (Base.DateTimeOriginal, Base.OffsetTimeOriginal, Base.SubsecTimeOriginal),
    (Base.DateTimeDigitized, Base.OffsetTimeDigitized, Base.SubsecTimeDigitized),
    (Base.DateTime, Base.OffsetTime, Base.SubsecTime),
)


@dataclass(frozen=True)
class ImageMetadata:
    """Camera metadata.

    Text is plain and at most 100 characters, a location in degrees.

    Absent values are empty or None.

    `taken_at` is the camera's clock, stored as if it were UTC; `taken_offset` its minutes from UTC.

    `is_file_date`: the time is the file's, since the picture itself has none.
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
    is_file_date: bool = False
    descriptive: DescriptiveMetadata = field(default_factory=DescriptiveMetadata)

    @property
    def location(self) -> tuple[float, float] | None:
        return None if self.latitude is None or self.longitude is None else (self.latitude, self.longitude)

    def updated(self, xmp: XmpMetadata) -> ImageMetadata:
        """A copy in which values from XMP replace these, where XMP has any."""
        time = self._time(xmp.time)
        latitude, longitude = xmp.location or (self.latitude, self.longitude)
        return replace(
            self,
            taken_at=time.clock if time else None,
            taken_offset=time.offset if time else None,
            latitude=latitude,
            longitude=longitude,
            descriptive=xmp.descriptive.or_else(self.descriptive),
        )

    def _time(self, other: CaptureTime | None) -> CaptureTime | None:
        own = CaptureTime(self.taken_at, self.taken_offset) if self.taken_at else None
        # Programs may copy the day or the time without its offset, so the copy is worth less than the original.
        is_copy = (
            own and other and other.clock in {own.clock, own.clock.replace(hour=0, minute=0, second=0, microsecond=0)}
        )
        return own if other is None or (is_copy and other.offset is None) else other


def read_metadata(image: Image.Image) -> ImageMetadata:
    """Metadata of an opened image.

    Camera values from EXIF, and from XMP those that EXIF lacks; descriptions from XMP, and from IPTC those that XMP
    lacks.
    """
    metadata = _camera_values(image)
    try:
        xmp, iptc = embedded_xmp(image), iptc_description(image)
    except BROKEN:
        return metadata
    metadata = replace(metadata, descriptive=iptc)
    merged = XmpMetadata(
        time=CaptureTime(metadata.taken_at, metadata.taken_offset) if metadata.taken_at else xmp.time,
        location=metadata.location or xmp.location,
        descriptive=xmp.descriptive,
    )
    return metadata.updated(merged)


def _camera_values(image: Image.Image) -> ImageMetadata:
    """Values of the image's own tags, the Exif and the GPS directory."""
    try:
        with _without_xmp(image):
            exif = image.getexif()
        tags: dict[int, Any] = dict(exif)
    except BROKEN:
        return ImageMetadata()
    tags |= _directory(exif, ExifTags.IFD.Exif)
    gps = _directory(exif, ExifTags.IFD.GPSInfo)
    latitude, longitude = _location(gps)
    time = _capture_time(tags) or _satellite_time(gps)
    orientation = tags.get(Base.Orientation)
    return ImageMetadata(
        taken_at=time.clock if time else None,
        taken_offset=time.offset if time else None,
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
    # Without EXIF orientation Pillow uses the one in XMP. Browsers do not, and users compare with browsers.
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
        # EXIF specifies ASCII, many programs write UTF-8, and Pillow decodes as Latin-1, which preserves every byte.
        value = value.encode("latin-1", "replace")
    if not isinstance(value, bytes):
        return ""
    value = value.split(b"\0")[0]
    try:
        return plain_text(value.decode(), TEXT_LENGTH)
    except UnicodeDecodeError:
        return plain_text(value.decode("latin-1"), TEXT_LENGTH)


def _number(value: object) -> float | None:
    """A finite number from a rational, an integer or the first of several."""
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


def _capture_time(tags: dict[int, Any]) -> CaptureTime | None:
    for moment, offset, fraction in MOMENTS:
        text = _text(tags.get(moment))
        offset_text = _text(tags.get(offset)) or _offset_of_file(tags, text)
        if time := capture_time(text, offset=offset_text, fraction=_text(tags.get(fraction))):
            return time
    return None


def _offset_of_file(tags: dict[int, Any], moment: str) -> str:
    """OffsetTime, which applies to another time only if the file was written then."""
    written = _text(tags.get(Base.DateTime))
    return _text(tags.get(Base.OffsetTime)) if written in {"", moment} else ""


def _satellite_time(gps: dict[int, Any]) -> CaptureTime | None:
    """GPS time, which is UTC; only the day if the time of day is missing."""
    time = gps.get(Gps.GPSTimeStamp)
    parts = [_number(part) for part in time] if isinstance(time, tuple) and len(time) == 3 else []
    # 99 is no time of day: the text with it is refused, and the day alone is used.
    hour, minute, second = (int(part) if part is not None and part >= 0 else 99 for part in parts or (99, 99, 99))
    day = _text(gps.get(Gps.GPSDateStamp))
    return capture_time(f"{day} {hour:02}:{minute:02}:{second:02}Z") or capture_time(day)


def _location(gps: dict[int, Any]) -> tuple[float | None, float | None]:
    """Both coordinates or neither. Receivers without a fix write 0°, 0°."""
    latitude = _degrees(gps.get(Gps.GPSLatitude), _text(gps.get(Gps.GPSLatitudeRef)), limit=90)
    longitude = _degrees(gps.get(Gps.GPSLongitude), _text(gps.get(Gps.GPSLongitudeRef)), limit=180)
    if latitude is None or longitude is None or latitude == longitude == 0:
        return None, None
    return latitude, longitude


def _degrees(value: object, reference: str, *, limit: int) -> float | None:
    """Degrees from (degrees, minutes, seconds) and N, S, E or W.

    Some programs write a sign as well.
    """
    if not isinstance(value, tuple) or not 1 <= len(value) <= 3:
        return None
    degrees, *rest = [_number(part) for part in value]
    if degrees is None or (rest and rest[0] is None and degrees == int(degrees)):  # too coarse to be a location
        return None
    # copysign, since some minutes south of the equator are written as -0 degrees, which is not below 0.
    is_negative = math.copysign(1, degrees) < 0 or reference.upper() in {"S", "W"}
    parts = zip(rest, (60, 3600), strict=False)
    degrees = round(abs(degrees) + sum(abs(part or 0) / size for part, size in parts), 7)  # about a centimeter
    if degrees > limit:
        return None
    return -degrees if is_negative else degrees
