"""Decoding of untrusted files.

Limits are checked first, and decoder errors become InvalidImage.
"""

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

from analysis.ingest.bounded_file import BoundedFile, buffered
from analysis.ingest.exif import ImageMetadata, read_metadata
from analysis.ingest.file_types import HEAD_BYTES, Format
from analysis.ingest.memory_estimates import BYTES_A_PIXEL, estimated_bytes
from analysis.ingest.normalize import Bounds, downscale, to_srgb
from analysis.ingest.orientation import apply_orientation
from analysis.ingest.png_chunks import without_extra_chunks
from analysis.ingest.segment_limits import check_tiff_tags, damaged, gif_size, jpeg_structure, webp_size
from analysis.ingest.tiff_pages import check_tiff
from analysis.ingest.validation import (
    InvalidImage,
    Limits,
    accepted_format,
    check_memory,
    check_pixels,
    clean_name,
    is_truncated,
)
from analysis.messages import gettext_noop

# Off, since check_pixels has our own limit: Pillow warns at 89 megapixels and raises at 179.
Image.MAX_IMAGE_PIXELS = None
# Pillow warns about faults that it repairs or skips, which need no action. Faults that it cannot repair are raised.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

# Opened by their classes, since Image.open tries other formats, reads the index of an MPO and hides errors' causes.
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

# Errors that decoders raised for damaged bytes in fuzz tests, by their base classes.
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
"""Called with the bytes that decoding needs; returns when they are free."""

TRUNCATED = gettext_noop("this %(format)s is incomplete; copy or send it again")
END_OF_JPEG = b"\xff\xd9"
PADDING = bytes(range(1, 97))  # no marker, and unlike the data that the decoder substitutes for missing bytes


@dataclass(frozen=True)
class Decoded:
    """A verified image.

    Size in bytes, upright width and height in the file, and pixels as upright 8-bit sRGB.
    """

    format: Format
    size: int
    width: int
    height: int
    metadata: ImageMetadata
    image: Image.Image


@contextmanager
def open_source(source: Path | IO[bytes], *, name: str) -> Iterator[IO[bytes]]:
    """Open a path, raising its OSErrors as InvalidImage; open files are yielded."""
    if not isinstance(source, Path):
        yield source
        return
    try:
        if not stat.S_ISREG(source.stat().st_mode):  # opening a named pipe would wait for its writer
            raise InvalidImage("unreadable", clean_name(name), gettext_noop("not a regular file"))
        with source.open("rb") as file:
            yield file
    except OSError as error:
        raise unreadable(name, error) from error


def unreadable(name: str, error: OSError) -> InvalidImage:
    """The error for a file that the operating system cannot read."""
    template = gettext_noop("the file cannot be read (%(error)s)")
    return InvalidImage("unreadable", clean_name(name), template, error=error.strerror or type(error).__name__)


def no_reservation(_: int) -> None:
    """For callers without a memory limit."""


def decode(file: IO[bytes], *, name: str, limits: Limits, bounds: Bounds, reserve: Reserve = no_reservation) -> Decoded:
    """Decode an image once, at a size within `bounds`.

    Raises InvalidImage, or the OSError of reading the file.

    Bytes, format, number of segments, pixels and memory are checked before a pixel is decoded.
    """
    source = BoundedFile(file)
    stream = buffered(source)
    kind = accepted_format(stream.read(HEAD_BYTES), name=name, size=source.length, limits=limits)
    with decode_errors(source, kind, name=name):
        readable = _readable(stream, kind, name=name, limits=limits)
        picture = readable.open()
        check_pixels(*picture.size, name=name, limits=limits)
        if isinstance(picture, TiffImagePlugin.TiffImageFile):
            check_tiff(picture, name=name, limits=limits)
        size = picture.size
        picture.draft(None, bounds.fit(size))  # lets libjpeg scale by powers of two while decoding
        needed = readable.copies * estimated_bytes(
            picture, kind, file_bytes=source.length, coefficient_bytes=readable.coefficient_bytes
        )
        check_memory(needed, size, title=kind.title, name=name, limits=limits)
        reserve(needed)
        width, height = _load(picture, size)
        check_pixels(width, height, name=name, limits=limits)
        if readable.is_without_end:
            _check_complete(picture, readable, bounds.fit(size), name=name)
        metadata = read_metadata(picture)  # after the pixels, since a PNG's metadata may follow them
        profile = readable.profile or picture.info.get("icc_profile")
        image = to_srgb(downscale(picture, bounds.fit((width, height))), profile)
    if metadata.orientation >= 5:
        width, height = height, width
    return Decoded(kind, source.length, width, height, metadata, apply_orientation(image, metadata.orientation))


@dataclass(frozen=True)
class _Readable:
    """The file that a decoder reads, and what was counted in it before decoding."""

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
    """Raises InvalidImage for too many segments, chunks, tags or pixels."""
    match kind.name:
        case "jpeg":
            structure = jpeg_structure(file, name=name)
            is_without_end = structure.scans > 0 and not structure.has_end
            return _Readable(kind, file, None, structure.coefficient_bytes, is_without_end)
        case "png":
            png = without_extra_chunks(file, name=name)
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
    """Decode, and return the width and height in the file."""
    picture.load()
    return size if picture.format == "JPEG" else picture.size  # a HEIC may have another size than its header states


def _check_complete(picture: ImageFile.ImageFile, readable: _Readable, size: tuple[int, int], *, name: str) -> None:
    """Raises InvalidImage for a JPEG without end marker that lacks pixels too.

    Some cameras and tools omit the marker. The decoder makes up missing pixels, so an image that changes when bytes are
    added at its end was incomplete.
    """
    padded = readable.open(padding=PADDING)
    padded.draft(None, size)
    padded.load()
    if ImageChops.difference(picture.copy(), padded.copy()).getbbox(alpha_only=False) is not None:
        raise InvalidImage("truncated", clean_name(name), TRUNCATED, format=readable.kind.title)


@contextmanager
def decode_errors(source: BoundedFile, kind: Format, *, name: str) -> Iterator[None]:
    """Raise decoders' errors as InvalidImage.

    The OSError of reading the file, such as a failing disk, passes.
    """
    try:
        yield
    except MemoryError as error:
        raise InvalidImage(
            "too-complex",
            clean_name(name),
            gettext_noop("decoding this %(format)s takes too much memory; make it smaller, or save it as a JPEG"),
            setting="DECODE_MEMORY_BYTES",
            format=kind.title,
        ) from error
    except DAMAGE as error:
        if source.failure is not None:
            raise source.failure from None
        raise _damaged(buffered(source), kind, clean_name(name), str(error)) from error


def _damaged(file: IO[bytes], kind: Format, name: str, message: str) -> InvalidImage:
    if "unknown" in message.lower() or "unsupported" in message.lower():
        template = gettext_noop(
            "this kind of %(format)s is not supported; save it as an ordinary 8-bit %(format)s, PNG or JPEG"
        )
        return InvalidImage("unsupported", name, template, format=kind.title)
    if is_truncated(file, kind) or (kind.name == "tiff" and "truncated" in message):
        return InvalidImage("truncated", name, TRUNCATED, format=kind.title)
    return damaged(kind.title, name=name)
