"""Thumbnail, preview, placeholder and recognizer payload, from a decoded image."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO

from PIL import Image

from analysis.ingest.decode import Reserve, decode, no_reservation, open_source
from analysis.ingest.normalize import Bounds, fitted
from analysis.ingest.validation import DEFAULT_LIMITS, Limits

THUMB = 400
THUMB_SHORT_SIDE = 100  # of a very long picture, which is cropped to its middle; scaled, it would be a few pixels high
PREVIEW_BOUNDS = Bounds(1600, short_side=400, longest=6400)
LONGEST_SIDE = 10_000  # Rekognition's limit
PLACEHOLDER = 10
PLACEHOLDER_BYTES = 120
SMALLEST_SIDE = 80  # Rekognition refuses pictures with a side below


@dataclass(frozen=True)
class Rendition:
    """An encoded sRGB image without metadata.

    `name` is "thumb" or "preview", sizes are pixels.
    """

    name: str
    content: bytes
    width: int
    height: int
    media_type: str


def fit_within(image: Image.Image, long_side: int) -> Image.Image:
    """The image itself if small enough, else a copy of at most `long_side` pixels."""
    return _resized(image, fitted(image.size, long_side))


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    # reducing_gap: Pillow first shrinks by a whole number, to twice the size at least, which is much faster.
    return image if size == image.size else image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)


def _cropped_to_middle(image: Image.Image) -> Image.Image:
    """The middle of a very long image, so that a thumb of it is recognizable."""
    scale = min(1.0, THUMB_SHORT_SIDE / min(image.size))
    long = min(max(image.size), round(THUMB / scale))
    across, down = (min(image.width, long), min(image.height, long))
    left, top = (image.width - across) // 2, (image.height - down) // 2
    size = max(1, round(across * scale)), max(1, round(down * scale))
    return _resized(image.crop((left, top, left + across, top + down)), size)


def thumb_of(image: Image.Image) -> Rendition:
    """A WebP, at 400 px a third smaller than JPEG, for 4 of a picture's 90 ms."""
    thumb = (
        _cropped_to_middle(image)
        if max(image.size) * THUMB_SHORT_SIDE > THUMB * min(image.size)
        else fit_within(image, THUMB)
    )
    content = _encoded(thumb, "WEBP", quality=78, method=2)
    return Rendition("thumb", content, thumb.width, thumb.height, "image/webp")


def preview_of(image: Image.Image) -> Rendition:
    """A JPEG, since at 1600 px WebP is a sixth smaller but doubles the time."""
    preview = _resized(image, PREVIEW_BOUNDS.fit(image.size))
    return Rendition("preview", _jpeg(preview, quality=82), preview.width, preview.height, "image/jpeg")


def placeholder(image: Image.Image) -> bytes:
    """A WebP of 10 px and about 100 bytes, shown until the thumb has loaded."""
    tiny = image.resize(fitted(image.size, PLACEHOLDER), Image.Resampling.BOX)
    content = b""
    for quality in (40, 20, 5):
        content = _encoded(tiny, "WEBP", quality=quality, method=4)
        if len(content) <= PLACEHOLDER_BYTES:
            break
    return content


def payload(
    source: Path | IO[bytes],
    *,
    long_side: int = 2048,
    max_bytes: int = 5 * 1024**2,
    limits: Limits = DEFAULT_LIMITS,
    reserve: Reserve = no_reservation,
) -> bytes:
    """The upright sRGB JPEG without metadata for a recognizer, of at most `max_bytes`.

    Raises InvalidImage.

    A very long image keeps half of `long_side` as its short side, so that its text stays readable. A side below 80 px
    is padded with white on the right or at the bottom, never enlarged; `payload_extent` gives the part that the image
    covers. This decodes in the calling process; use `decoding_service.payload` for untrusted files.
    """
    name = source.name if isinstance(source, Path) else "picture"
    with open_source(source, name=name) as file:
        image = decode(file, name=name, limits=limits, bounds=payload_bounds(long_side), reserve=reserve).image
    for quality in (90, 80, 65):
        content = _jpeg(_padded(image), quality=quality)
        if len(content) <= max_bytes:
            return content
    while len(content) > max_bytes and max(image.size) > 1:
        image = fit_within(image, max(1, max(image.size) * 3 // 4))
        content = _jpeg(_padded(image), quality=65)
    return content


def payload_bounds(long_side: int) -> Bounds:
    """Size limits of a payload.

    `long_side` up to an aspect ratio of two, longer beyond.
    """
    return Bounds(long_side, short_side=long_side // 2, longest=max(long_side, LONGEST_SIDE))


def payload_extent(width: int, height: int, *, long_side: int = 2048) -> tuple[float, float]:
    """The image's part of the payload's width and height, as fractions.

    1.0 without padding.

    Dividing a bounding box by them gives the box in the image. Exact unless `max_bytes` forced a smaller payload.
    """
    across, down = payload_bounds(long_side).fit((width, height))
    return across / max(across, SMALLEST_SIDE), down / max(down, SMALLEST_SIDE)


def _padded(image: Image.Image) -> Image.Image:
    size = max(image.width, SMALLEST_SIDE), max(image.height, SMALLEST_SIDE)
    if size == image.size:
        return image
    ground = Image.new("RGB", size, "white")
    ground.paste(image)
    return ground


def _jpeg(image: Image.Image, *, quality: int) -> bytes:
    return _encoded(image, "JPEG", quality=quality)


def _encoded(image: Image.Image, form: str, **options: int) -> bytes:
    buffer = BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()
