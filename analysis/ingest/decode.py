"""The one place where hostile bytes meet decoders: limits first, one decode, and no error but Rejected."""

import io
import stat
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageChops,
    ImageCms,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
from pillow_heif import HeifImageFile

from analysis.ingest.exif import ImageMetadata, read_metadata
from analysis.ingest.file_types import HEAD_BYTES, Format
from analysis.ingest.memory import BYTES_A_PIXEL, estimated_bytes
from analysis.ingest.normalize import Bounds, apply_orientation, downscale, to_srgb
from analysis.ingest.png import readable_png
from analysis.ingest.source import Source, buffered
from analysis.ingest.structure import check_tiff_tags, gif_size, jpeg_structure, webp_size
from analysis.ingest.tiff import check_tiff
from analysis.ingest.validation import (
    InvalidImage,
    Limits,
    accepted_format,
    check_memory,
    check_pixels,
    clean_name,
    is_truncated,
)

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
    BufferError,
    Image.DecompressionBombError,
    ImageCms.PyCMSError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)

Reserve = Callable[[int], None]
"""Told how many bytes decoding will take; returns when they may be taken."""

END_OF_JPEG = b"\xff\xd9"
PADDING = bytes(range(1, 97))  # neither a marker nor what the decoder makes up where data is missing


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


def at_once(_: int) -> None:
    pass


def decode(file: IO[bytes], *, name: str, limits: Limits, bounds: Bounds, reserve: Reserve = at_once) -> Decoded:
    """Decodes a picture once, within bounds; raises Rejected, or the OSError that reading the file raised.

    Size in bytes, format, structure, pixels and the memory they take are checked before a pixel is decoded.
    """
    source = Source(file)
    whole = buffered(source)
    kind = accepted_format(whole.read(HEAD_BYTES), name=name, size=source.length, limits=limits)
    with undamaged(source, kind, name=name):
        readable = _readable(whole, kind, name=name, limits=limits)
        picture = readable.open()
        check_pixels(*picture.size, name=name, limits=limits)
        if isinstance(picture, TiffImagePlugin.TiffImageFile):
            check_tiff(picture, name=name, limits=limits)
        size = picture.size
        picture.draft(None, bounds.fit(size))  # a JPEG is halved, and halved again, while decoding
        needed = readable.copies * estimated_bytes(
            picture, kind, file_bytes=source.length, coefficient_bytes=readable.coefficient_bytes
        )
        check_memory(needed, size, title=kind.title, name=name, limits=limits)
        reserve(needed)
        width, height = _load(picture, size)
        check_pixels(width, height, name=name, limits=limits)
        if readable.is_without_end:
            _check_complete(picture, readable, bounds.fit(size), name=name)
        metadata = read_metadata(picture)  # only now: a PNG may carry it behind the pixels
        profile = readable.profile or picture.info.get("icc_profile")
        image = to_srgb(downscale(picture, bounds.fit((width, height))), profile)
    if metadata.orientation >= 5:
        width, height = height, width
    return Decoded(kind, source.length, width, height, metadata, apply_orientation(image, metadata.orientation))


@dataclass(frozen=True)
class _Readable:
    """The bytes that a decoder gets, and what is known of them beforehand."""

    kind: Format
    file: IO[bytes]
    profile: bytes | None = None
    coefficient_bytes: int = 0
    is_without_end: bool = False

    @property
    def copies(self) -> int:
        return 2 if self.is_without_end else 1

    def open(self, *, padding: bytes = b"") -> ImageFile.ImageFile:
        self.file.seek(0)
        file = io.BytesIO(self.file.read() + padding + END_OF_JPEG) if self.is_without_end else self.file
        return OPENERS[self.kind.name](file)


def _readable(file: IO[bytes], kind: Format, *, name: str, limits: Limits) -> _Readable:
    """Counts what decoders would stumble over; raises Rejected."""
    match kind.name:
        case "jpeg":
            structure = jpeg_structure(file, name=name)
            is_without_end = structure.scans > 0 and not structure.has_end
            return _Readable(kind, file, None, structure.coefficient_bytes, is_without_end)
        case "png":
            png = readable_png(file, name=name)
            return _Readable(kind, png.file, png.profile)
        case "gif":
            check_pixels(*gif_size(file, name=name), name=name, limits=limits)
        case "webp":
            file.seek(0)
            if size := webp_size(file.read(HEAD_BYTES)):
                check_pixels(*size, name=name, limits=limits)
                check_memory(
                    BYTES_A_PIXEL["webp"] * size[0] * size[1], size, title=kind.title, name=name, limits=limits
                )
        case "tiff":
            check_tiff_tags(file, name=name)
    return _Readable(kind, file)


def _load(picture: ImageFile.ImageFile, size: tuple[int, int]) -> tuple[int, int]:
    """Decodes, and returns the width and height in the file."""
    picture.load()
    return size if picture.format == "JPEG" else picture.size  # a HEIC may be of another size than announced


def _check_complete(picture: ImageFile.ImageFile, readable: _Readable, size: tuple[int, int], *, name: str) -> None:
    """A JPEG may lack its end marker, as some cameras and tools leave it, but nothing of its pixels.

    The decoder makes up what is missing. So where more bytes before the end change the picture, it was not complete.
    """
    other = readable.open(padding=PADDING)
    other.draft(None, size)
    other.load()
    if ImageChops.difference(picture.copy(), other.copy()).getbbox(alpha_only=False) is not None:
        reason = f"the end of this {readable.kind.title} is missing; copy or send it again"
        raise InvalidImage("truncated", clean_name(name), reason)


@contextmanager
def undamaged(source: Source, kind: Format, *, name: str) -> Iterator[None]:
    """Turns whatever a decoder raises into Rejected; what reading the file itself raised (a disk that fails) passes."""
    try:
        yield
    except MemoryError as error:
        reason = f"decoding this {kind.title} takes more memory than it may; make it smaller, or save it as a JPEG"
        raise InvalidImage("too-complex", clean_name(name), reason, "DECODE_MEMORY_BYTES") from error
    except DAMAGE as error:
        if source.failure is not None:
            raise source.failure from None
        raise _damaged(buffered(source), kind, clean_name(name), str(error)) from error


def _damaged(file: IO[bytes], kind: Format, name: str, message: str) -> InvalidImage:
    if "unknown" in message.lower() or "unsupported" in message.lower():
        reason = f"this kind of {kind.title} is not supported; save it as an ordinary 8-bit {kind.title}, PNG or JPEG"
        return InvalidImage("unsupported", name, reason)
    if is_truncated(file, kind) or (kind.name == "tiff" and "truncated" in message):
        return InvalidImage("truncated", name, f"the end of this {kind.title} is missing; copy or send it again")
    return InvalidImage("broken", name, f"this {kind.title} is damaged and cannot be read; copy or send it again")
