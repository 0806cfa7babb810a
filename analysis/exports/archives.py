"""ZIP archives: originals, XMP sidecars, pictures with their boxes drawn in."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import PurePath

from django.utils.translation import gettext as _
from zipstream import ZIP_DEFLATED, ZIP_STORED, ZipStream

from analysis.exports.annotated_picture import Style, annotated_jpeg
from analysis.exports.image_rows import ImageRow
from analysis.exports.xmp_sidecar import sidecar
from analysis.ingest.validation import InvalidImage
from analysis.storage import blobs, originals, renditions

CHUNK = 2**18
ERRORS_FILE = "errors.txt"
Content = Callable[[ImageRow], Iterator[bytes]]


def original_files(rows: Iterable[ImageRow]) -> Iterator[bytes]:
    """The originals, byte for byte, under their file names."""
    return _archive(rows, _original, suffix="", compress_type=ZIP_STORED)


def xmp_sidecars(rows: Iterable[ImageRow]) -> Iterator[bytes]:
    """A sidecar `NAME.xmp` for each picture, as photo managers read it."""
    return _archive(rows, _sidecar, suffix=".xmp", compress_type=ZIP_DEFLATED)


def annotated_pictures(rows: Iterable[ImageRow], style: Style | None = None) -> Iterator[bytes]:
    """A JPEG of each picture with boxes and labels drawn in."""
    content = partial(_annotated, style=style or Style())
    return _archive(rows, content, suffix=".jpg", compress_type=ZIP_STORED)


def _archive(rows: Iterable[ImageRow], content: Content, *, suffix: str, compress_type: int) -> Iterator[bytes]:
    """One file for each picture; those that cannot be read are named in errors.txt."""
    archive, names = ZipStream(compress_type=compress_type), set[int]()
    errors: list[str] = []
    for row in rows:
        name = _unique_name(row, names) + suffix
        try:
            # The first chunk is read before the file is begun: an entry that is begun cannot be taken back.
            chunks = content(row)
            first = next(chunks, b"")
        except (blobs.StorageError, InvalidImage) as error:
            errors.append(f"{name}: {error}")
            continue
        # File by file: added all at once, the archive would hold a million rows before its first byte.
        archive.add(_chain(first, chunks), name)
        yield from archive.file()
    if errors:
        lines = [_("These files could not be read:"), *errors, ""]
        archive.add("\n".join(lines).encode(), ERRORS_FILE)
    yield from archive.finalize()


def _unique_name(row: ImageRow, names: set[int]) -> str:
    """The file name, with the id where another picture in the archive has the same."""
    path = PurePath(row.image.filename.replace("/", "_").replace("\\", "_").lstrip(". ") or "picture")
    # Hashes instead of names: an archive of a million pictures would keep a hundred megabytes of them.
    key = hash(path.name.lower())
    name = f"{path.stem} ({row.image.pk}){path.suffix}" if key in names else path.name
    names.add(key)
    return name


def _original(row: ImageRow) -> Iterator[bytes]:
    with originals.get(row.image) as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _sidecar(row: ImageRow) -> Iterator[bytes]:
    yield sidecar(row)


def _annotated(row: ImageRow, *, style: Style) -> Iterator[bytes]:
    with renditions.read(row.image, "preview") as file:
        yield annotated_jpeg(io.BytesIO(file.read()), row.labels, style, turns=row.image.quarter_turns)


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
