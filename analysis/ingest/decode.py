"""The one place where hostile bytes meet decoders: limits first, one decode, and no error but Rejected."""

import stat
import struct
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    ExifTags,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
from pillow_heif import HeifImageFile

from analysis.ingest.exif import ImageMetadata, read_metadata
from analysis.ingest.file_types import HEAD_BYTES, RAW, Format
from analysis.ingest.normalize import apply_orientation, downscale, fit, to_srgb
from analysis.ingest.validation import (
    InvalidImage,
    Limits,
    accepted_format,
    check_pixels,
    clean_name,
    gif_size,
    is_truncated,
)

Base = ExifTags.Base

# Pillow's own limit warns at 89 and raises at 179 megapixels, whatever ours is: check_pixels decides instead.
Image.MAX_IMAGE_PIXELS = None
# It warns of what it repairs or skips in a file: nobody can act on that, and what it cannot repair it raises.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

# Opened by class: Image.open would try further formats, read an MPO's index and hide the reason of an error.
OPENERS: dict[str, Callable[[IO[bytes]], ImageFile.ImageFile]] = {
    "jpeg": JpegImagePlugin.JpegImageFile,
    "png": PngImagePlugin.PngImageFile,
    "webp": WebPImagePlugin.WebPImageFile,
    "gif": GifImagePlugin.GifImageFile,
    "tiff": TiffImagePlugin.TiffImageFile,
    "bmp": BmpImagePlugin.BmpImageFile,
    "heic": HeifImageFile,
    "avif": AvifImagePlugin.AvifImageFile,
}

# What the decoders were seen to raise on damaged bytes, and their kin.
DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)

LARGE_PIXELS = 25_000_000
LARGE = threading.Lock()

COLOR_FILTER_ARRAY, LINEAR_RAW = 32803, 34892


@dataclass(frozen=True)
class Decoded:
    """A verified picture: what it is in the file (upright width and height), and its pixels, upright 8-bit sRGB."""

    format: Format
    size: int
    width: int
    height: int
    metadata: ImageMetadata
    image: Image.Image


@contextmanager
def opened(source: Path | IO[bytes], *, name: str) -> Iterator[IO[bytes]]:
    """The seekable file itself, or the one at a path, whose operating system errors become Rejected."""
    if not isinstance(source, Path):
        yield source
        return
    try:
        if not stat.S_ISREG(source.stat().st_mode):  # opening a named pipe would wait for its writer
            raise InvalidImage("unreadable", clean_name(name), "not a file that can be read")
        with source.open("rb") as file:
            yield file
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InvalidImage("unreadable", clean_name(name), f"the file cannot be read ({reason})") from error


def decode(file: IO[bytes], *, name: str, limits: Limits, long_side: int) -> Decoded:
    """Decodes a picture once, at a size of at most long_side; raises Rejected.

    Size in bytes, format and pixels of the header are checked before a pixel is decoded.
    """
    file.seek(0, 2)
    size = file.tell()
    file.seek(0)
    kind = accepted_format(file.read(HEAD_BYTES), name=name, size=size, limits=limits)
    with undamaged(file, kind, name=name):
        if kind.name == "gif":
            check_pixels(*gif_size(file), name=name, limits=limits)
        file.seek(0)
        picture = OPENERS[kind.name](file)
        check_pixels(*picture.size, name=name, limits=limits)
        if isinstance(picture, TiffImagePlugin.TiffImageFile):
            _check_tiff(picture, name=name, limits=limits)
        with _room_for(picture):
            width, height = _load(picture, long_side)
            check_pixels(width, height, name=name, limits=limits)
            metadata = read_metadata(picture)  # only now: a PNG may carry it behind the pixels
            image = to_srgb(downscale(picture, long_side), picture.info.get("icc_profile"))
    if metadata.orientation >= 5:
        width, height = height, width
    return Decoded(kind, size, width, height, metadata, apply_orientation(image, metadata.orientation))


def _load(picture: ImageFile.ImageFile, long_side: int) -> tuple[int, int]:
    """Decodes, and returns the width and height in the file."""
    size = picture.size
    if picture.format == "JPEG":
        picture.draft(None, fit(size, long_side))  # halved, and halved again, while decoding
        picture.load()
        return size
    picture.load()
    return picture.size  # a HEIC may turn out to be of another size than announced


def _room_for(picture: ImageFile.ImageFile) -> AbstractContextManager[object]:
    """Large pictures wait for one another: decoders take 4 to 16 bytes a pixel, and a server has many threads."""
    return LARGE if picture.width * picture.height > LARGE_PIXELS else nullcontext()


@contextmanager
def undamaged(file: IO[bytes], kind: Format, *, name: str) -> Iterator[None]:
    """Turns whatever a decoder raises into Rejected; the system's own errors (a disk that fails) pass."""
    try:
        yield
    except DAMAGE as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise _damaged(file, kind, clean_name(name), str(error)) from error


def _damaged(file: IO[bytes], kind: Format, name: str, message: str) -> InvalidImage:
    if "unknown" in message.lower() or "unsupported" in message.lower():
        reason = f"this kind of {kind.title} is not supported; save it as an ordinary 8-bit {kind.title}, PNG or JPEG"
        return InvalidImage("unsupported", name, reason)
    if is_truncated(file, kind) or (kind.name == "tiff" and "truncated" in message):
        return InvalidImage("truncated", name, f"the end of this {kind.title} is missing; copy or send it again")
    return InvalidImage("broken", name, f"this {kind.title} is damaged and cannot be read; copy or send it again")


def _check_tiff(picture: TiffImagePlugin.TiffImageFile, *, name: str, limits: Limits) -> None:
    """Many cameras' raw files are TIFFs whose first page is a thumbnail; and a tile may be larger than its picture."""
    tags = picture.tag_v2
    is_thumbnail = Base.SubIFDs in tags and tags.get(Base.NewSubfileType) == 1
    is_raw = tags.get(Base.PhotometricInterpretation) in {COLOR_FILTER_ARRAY, LINEAR_RAW}
    if is_thumbnail or is_raw or Base.DNGVersion in tags:
        raise InvalidImage(RAW.code, clean_name(name), RAW.reason)
    check_pixels(int(tags.get(Base.TileWidth, 1)), int(tags.get(Base.TileLength, 1)), name=name, limits=limits)
