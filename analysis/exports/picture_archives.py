"""ZIP archives: originals, XMP sidecars, pictures with their boxes drawn in."""

from __future__ import annotations

import io
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import PurePath
from typing import IO

from django.utils.translation import gettext as _
from PIL import Image as Pillow

from analysis.exports.annotated_picture import Style, annotated_jpeg
from analysis.exports.image_rows import ImageRow
from analysis.exports.xmp_sidecar import sidecar
from analysis.exports.zip_writer import ZipWriter
from analysis.ingest.validation import InvalidImage
from analysis.storage import blobs, originals, read_ahead, renditions

ERRORS_FILE = "errors.txt"
NO_DATE = datetime(1980, 1, 1, tzinfo=UTC)
"""The earliest date of ZIP files, which have no empty one."""
MAX_ERRORS = 10_000
"""Files named in errors.txt, which is kept in memory."""
# 16 MB for each archive. After a million names, fewer than one in a hundred new ones finds its bit used by another.
NAME_BITS = 2**27
MAX_EXTENSION = 5
"""Characters of an extension with its dot."""
BLURRED = 16
"""Pixels to which the long side of a blurred picture is reduced."""
Content = Callable[[ImageRow], Iterator[bytes]]


def original_files(rows: Iterable[ImageRow]) -> Iterator[bytes]:
    """The originals, byte for byte, under their file names."""
    return _archive(_read_ahead(rows), _original, is_compressed=False)


def preview_files(rows: Iterable[ImageRow]) -> Iterator[bytes]:
    """The previews: JPEGs without any metadata of the file, some of them blurred."""
    return _archive(rows, _preview, extension=".jpg", is_compressed=False)


def xmp_sidecars(rows: Iterable[ImageRow]) -> Iterator[bytes]:
    """A sidecar `NAME.xmp` for each picture, for photo managers."""
    return _archive(rows, _sidecar, suffix=".xmp", is_compressed=True)


def annotated_pictures(rows: Iterable[ImageRow], style: Style | None = None) -> Iterator[bytes]:
    """A JPEG of each picture with boxes and labels drawn in."""
    content = partial(_annotated, style=style or Style())
    return _archive(rows, content, suffix=".jpg", is_compressed=False)


def _archive(
    rows: Iterable[ImageRow], content: Content, *, is_compressed: bool, suffix: str = "", extension: str = ""
) -> Iterator[bytes]:
    """One file for each picture; those that cannot be read are named in errors.txt.

    File names get an additional `suffix`, or another `extension`.
    """
    names, errors, failed = UsedNames(), list[str](), 0
    with ZipWriter(is_compressed=is_compressed) as archive:
        for row in rows:
            name = names.unique(row, extension=extension) + suffix
            try:
                # The first chunk is read before the entry is begun, since it cannot be removed from the archive
                # afterwards.
                chunks = content(row)
                first = next(chunks, b"")
            except (blobs.StorageError, InvalidImage) as error:
                failed += 1
                if failed <= MAX_ERRORS:
                    is_told = row.names_source or isinstance(error, InvalidImage)
                    errors.append(f"{name}: {error}" if is_told else name)
                continue
            yield from archive.file(name, _chain(first, chunks), modified=row.image.taken_at or row.image.added_at)
        if errors:
            content_of_errors = _error_lines(errors, failed).encode()
            # Without the present time, so that the same content gives the same bytes.
            yield from archive.file(ERRORS_FILE, [content_of_errors], modified=NO_DATE)
        yield from archive.end()


def _error_lines(errors: list[str], failed: int) -> str:
    more = failed - len(errors)
    ending = [_("… and %(number)s more.") % {"number": more}] if more else []
    return "\n".join([_("These files could not be read:"), *errors, *ending, ""])


class UsedNames:
    """The file names used in an archive so far, in constant memory."""

    def __init__(self) -> None:
        self._bits = bytearray(NAME_BITS // 8)
        self._is_used(ERRORS_FILE)

    def unique(self, row: ImageRow, *, extension: str = "") -> str:
        """The file name, with the id if another picture in the archive has the same name."""
        # Without folders, so that unpacking never writes elsewhere.
        path = PurePath(row.image.filename.replace("/", "_").replace("\\", "_").lstrip(". ") or "picture")
        if extension:
            # A longer one is not an extension, but the end of a name such as "St. Moritz".
            stem = path.stem if len(path.suffix) <= MAX_EXTENSION else path.name
            path = path.with_name(stem + extension)
        name, number = path.name, 0
        while self._is_used(name):
            number += 1
            mark = f"{row.image.pk}, {number}" if number > 1 else str(row.image.pk)
            name = f"{path.stem} ({mark}){path.suffix}"
        return name

    def _is_used(self, name: str) -> bool:
        """Mark the name as used; True if it was already."""
        # Composed and in lower case, since some file systems take such names for one.
        key = unicodedata.normalize("NFC", name).lower()
        # One bit per name, by a checksum that is the same in all processes. If two names share a bit by chance, the
        # second one gets its id, which does no harm.
        position, bit = divmod(zlib.crc32(key.encode()) % NAME_BITS, 8)
        is_used = bool(self._bits[position] >> bit & 1)
        self._bits[position] |= 1 << bit
        return is_used


def _read_ahead(rows: Iterable[ImageRow]) -> Iterator[ImageRow]:
    """The rows; while an original is sent, the disk already reads the next one."""
    folder, previous = blobs.local_folder(), None
    for row in rows:
        if folder is not None and row.image.bucket_id is None:
            read_ahead.begin(folder / row.image.key)
        if previous is not None:
            yield previous
        previous = row
    if previous is not None:
        yield previous


def _original(row: ImageRow) -> Iterator[bytes]:
    with originals.get(row.image) as file:
        yield from read_ahead.parts(file)


def _preview(row: ImageRow) -> Iterator[bytes]:
    with _opened_preview(row) as file:
        content = _blurred(file) if row.is_blurred else file.read()
    yield content


@contextmanager
def _opened_preview(row: ImageRow) -> Iterator[IO[bytes]]:
    """The preview's file. Raises StorageError if it is damaged."""
    with renditions.read(row.image, "preview") as file:
        try:
            yield file
        except OSError as error:  # Pillow's errors are of this kind, too
            raise blobs.unreadable(blobs.rendition_key(row.image.renditions_id, "preview"), error) from error


def _blurred(file: IO[bytes]) -> bytes:
    """A JPEG of the same size in which nothing can be recognized."""
    with Pillow.open(file) as preview:
        size = preview.size
        preview.draft("RGB", (BLURRED, BLURRED))  # decoded at an eighth, since details are lost anyway
        small = preview.convert("RGB")
    small.thumbnail((BLURRED, BLURRED))
    content = io.BytesIO()
    small.resize(size, Pillow.Resampling.BICUBIC).save(content, "JPEG", quality=70)
    return content.getvalue()


def _sidecar(row: ImageRow) -> Iterator[bytes]:
    yield sidecar(row)


def _annotated(row: ImageRow, *, style: Style) -> Iterator[bytes]:
    with _opened_preview(row) as file:
        content = annotated_jpeg(io.BytesIO(file.read()), row.labels, style, turns=row.image.quarter_turns)
    yield content


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
