"""Conversion of pixels to 8-bit sRGB and smaller sizes, without a second copy."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms

from analysis.ingest import transparency

RESIZABLE = {"L", "RGB", "CMYK", "YCbCr", "LAB"}  # Pillow can resize these without conversion
STRIP_PIXELS = 4_000_000
SAMPLE_SIDE = 256
CACHED_PROFILE_BYTES = 64 * 1024  # sRGB profiles are smaller
SRGB_TOLERANCE = 2  # of 255, since the sRGB profiles of different makers are rounded differently
GAP = 2  # Pillow's reducing_gap: box averaging down to twice the size, then bicubic


def fitted(size: tuple[int, int], long_side: int) -> tuple[int, int]:
    """Scale (width, height) down to `long_side`, never up."""
    scale = min(1.0, long_side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


@dataclass(frozen=True)
class Bounds:
    """Maximum size: `long_side`; for very long images `short_side` and `longest`."""

    long_side: int
    short_side: int = 1
    longest: int = 0

    def fit(self, size: tuple[int, int]) -> tuple[int, int]:
        """(width, height), never enlarged."""
        for_short_side = min(max(size) * self.short_side / min(size), self.longest)
        return fitted(size, max(self.long_side, round(for_short_side)))


def downscale(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """A copy of this size in mode L, RGB, CMYK, YCbCr or LAB, without transparency."""
    if image.mode in RESIZABLE and not image.has_transparency_data:
        return image.resize(size, Image.Resampling.BICUBIC, reducing_gap=GAP)
    # Strip by strip, since converting the whole image would hold it twice: 100 megapixels of RGBA are 400 MB.
    across = max(1, image.width // (GAP * size[0]))
    down = max(1, image.height // (GAP * size[1]))
    convert = _converter(image)
    parts = ((top, convert(strip).reduce((across, down))) for top, strip in _strips(image, down))
    _, first = next(parts)
    reduced = Image.new(first.mode, (first.width, -(-image.height // down)))
    reduced.paste(first, (0, 0))
    for top, part in parts:
        reduced.paste(part, (0, top // down))
    box = (0, 0, image.width / across, image.height / down)
    return reduced.resize(size, Image.Resampling.BICUBIC, box=box)


def _strips(image: Image.Image, multiple: int) -> Iterator[tuple[int, Image.Image]]:
    rows = max(1, STRIP_PIXELS // (image.width * multiple)) * multiple
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _converter(image: Image.Image) -> Callable[[Image.Image], Image.Image]:
    if image.mode == "1":
        return lambda part: part.convert("L")
    tags = getattr(image, "tag_v2", {})
    # Pillow inverts TIFF's "0 is white" in 8 bits only.
    is_negative = tags.get(ExifTags.Base.PhotometricInterpretation) == 0
    if image.mode.startswith("I;16"):
        bits = 12 if tags.get(ExifTags.Base.BitsPerSample) == (12,) else 16
        flip = (1 << bits) - 1 if is_negative else 0
        return lambda part: Image.fromarray(((np.asarray(part) ^ flip) >> bits - 8).astype(np.uint8))
    if image.mode in {"I", "F"}:
        kind = _number_type(image)
        low, high = _tones(image, kind)
        return lambda part: _stretched(kind.of(part), low, high, is_negative=is_negative)
    if image.has_transparency_data:
        sample = image.resize(fitted(image.size, SAMPLE_SIDE), Image.Resampling.NEAREST)
        return partial(transparency.on_background, background=transparency.background(sample))
    return lambda part: part.convert("RGB")


@dataclass(frozen=True)
class _NumberType:
    """Type of an image's 32-bit numbers, and the values that may stand for white."""

    white_values: tuple[float, ...]
    is_unsigned: bool = False

    def of(self, part: Image.Image) -> NDArray[np.float64]:
        values = np.asarray(part)
        return (values.view(np.uint32) if self.is_unsigned else values).astype(np.float64)


def _number_type(image: Image.Image) -> _NumberType:
    if image.mode == "F":
        return _NumberType((1.0, 255.0, 65535.0))
    tags = getattr(image, "tag_v2", {})
    bits, form = tags.get(ExifTags.Base.BitsPerSample, (32,))[0], tags.get(ExifTags.Base.SampleFormat, (2,))[0]
    if bits == 16:  # signed: unsigned 16-bit images have mode I;16
        return _NumberType((255.0, 32767.0))
    if form == 1 and tags:
        return _NumberType((255.0, 65535.0), is_unsigned=True)
    return _NumberType((255.0, 65535.0))


def _tones(image: Image.Image, kind: _NumberType) -> tuple[float, float]:
    """The values shown as black and white: 32-bit numbers have no standard range."""
    low, high = np.inf, -np.inf
    for _, strip in _strips(image, 1):
        values = kind.of(strip)
        values = values[np.isfinite(values)]
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    for white in kind.white_values:
        if low >= 0 and high <= white:
            return 0.0, white
    if kind.is_unsigned and high >= 2**31:
        return 0.0, 2.0**32 - 1
    return (low, high) if low < high else (0.0, 1.0)


def _stretched(values: NDArray[np.float64], low: float, high: float, *, is_negative: bool) -> Image.Image:
    values = np.nan_to_num(values, nan=low, posinf=high, neginf=low)
    tones = np.clip((values - low) * (255 / (high - low)) + 0.5, 0, 255).astype(np.uint8)
    return Image.fromarray(255 - tones if is_negative else tones)


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert to sRGB and drop all metadata, perhaps in place.

    Invalid profiles are ignored.
    """
    source = image.convert("RGB") if image.mode == "YCbCr" else image
    converted = _by_profile(source, profile) if profile else None
    if converted is None and source.mode == "LAB":
        converted = _transformed(source, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))
    if converted is None:
        converted = source if source.mode == "RGB" else source.convert("RGB")
    converted.info = {}
    return converted


def _by_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if image.mode == "RGB" and len(profile) <= CACHED_PROFILE_BYTES and _is_srgb(profile):
            return None
        return _transformed(image, source)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


# Cached, since a camera or program embeds the same profile in all of its pictures.
@lru_cache(maxsize=64)
def _is_srgb(profile: bytes) -> bool:
    """True if a profile converts sample colors as sRGB does. Its name is no proof."""
    levels = np.linspace(0, 255, 9).astype(np.uint8)
    colors = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(27, 27, 3)
    converted = _transformed(Image.fromarray(colors), ImageCms.ImageCmsProfile(BytesIO(profile)))
    return converted is not None and int(np.abs(np.asarray(converted).astype(int) - colors).max()) <= SRGB_TOLERANCE


def _transformed(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image | None:
    return ImageCms.profileToProfile(
        image,
        source,
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,  # otherwise black ink turns gray
    )
