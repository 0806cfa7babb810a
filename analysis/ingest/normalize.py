"""From any kind of pixels a file can hold to 8-bit sRGB, small and upright, without a second full-size copy."""

from collections.abc import Callable, Iterator
from io import BytesIO

import numpy as np
from PIL import ExifTags, Image, ImageCms

RESIZABLE = {"L", "RGB", "CMYK", "YCbCr", "LAB"}  # Pillow resizes these as they are
STRIP_PIXELS = 4_000_000
GAP = 2  # as reducing_gap: whole-number averaging down to twice the size, bicubic from there

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def fit(size: tuple[int, int], long_side: int) -> tuple[int, int]:
    """(width, height) shrunk, never enlarged, to long_side; a sliver keeps at least one pixel."""
    scale = min(1.0, long_side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def downscale(image: Image.Image, long_side: int) -> Image.Image:
    """A copy within long_side in mode L, RGB, CMYK, YCbCr or LAB; what is transparent becomes white."""
    size = fit(image.size, long_side)
    if image.mode in RESIZABLE and not image.has_transparency_data:
        return image.resize(size, Image.Resampling.BICUBIC, reducing_gap=GAP)
    # Converting the whole picture first would hold it twice: 100 megapixels of RGBA are 400 MB once.
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
    if image.mode.startswith("I;16"):
        # Pillow turns TIFF's "0 is white" around in 8 bits only.
        flip = 0xFFFF if getattr(image, "tag_v2", {}).get(ExifTags.Base.PhotometricInterpretation) == 0 else 0
        return lambda part: Image.fromarray(((np.asarray(part) ^ flip) >> 8).astype(np.uint8))
    if image.mode in {"I", "F"}:
        low, high = _tones(image)
        return lambda part: _stretched(part, low, high)
    return _on_white if image.has_transparency_data else lambda part: part.convert("RGB")


def _on_white(part: Image.Image) -> Image.Image:
    part = part.convert("LA" if part.mode in {"L", "LA", "La"} else "RGBA")
    ground = Image.new(part.mode.removesuffix("A"), part.size, "white")
    ground.paste(part, mask=part.getchannel("A"))
    return ground


def _tones(image: Image.Image) -> tuple[float, float]:
    """The values to show as black and white in a picture of 32-bit numbers, which have no agreed range."""
    low, high = np.inf, -np.inf
    for _, strip in _strips(image, 1):
        values = np.asarray(strip)
        values = values[np.isfinite(values)]
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    usual = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0)
    for white in usual:
        if low >= 0 and high <= white:
            return 0.0, white
    return (low, high) if low < high else (0.0, 1.0)


def _stretched(part: Image.Image, low: float, high: float) -> Image.Image:
    values = np.nan_to_num(np.asarray(part, dtype=np.float64), nan=low, posinf=high, neginf=low)
    return Image.fromarray(np.clip((values - low) * (255 / (high - low)) + 0.5, 0, 255).astype(np.uint8))


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """In sRGB, without any metadata, perhaps in place; a profile that is broken or of another kind is ignored."""
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
        if image.mode == "RGB" and "sRGB" in ImageCms.getProfileDescription(source):
            return None
        return _transformed(image, source)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _transformed(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image | None:
    return ImageCms.profileToProfile(
        image,
        source,
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,  # else the ink's weak black turns gray
    )


def apply_orientation(image: Image.Image, orientation: int) -> Image.Image:
    """The picture turned as its EXIF orientation (1 to 8) asks."""
    method = UPRIGHT.get(orientation)
    return image if method is None else image.transpose(method)
